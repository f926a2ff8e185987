import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Roster, type RosterListener } from '../../worker/web/page/meeting/roster.ts';
import type { MediaType, Notification, Producers } from '../../worker/web/page/signaling/messages.ts';

/** What a page would show, built from nothing but the roster's changes; it refuses changes that make no sense. */
class Screen implements RosterListener {
  readonly users = new Map<string, Map<MediaType, string>>();
  readonly log: string[] = [];

  readonly participantJoined = (user: string): void => {
    expect(this.users.has(user)).toBe(false);
    this.users.set(user, new Map());
    this.log.push(`+${user}`);
  };
  readonly participantLeft = (user: string): void => {
    expect(this.#of(user).size).toBe(0);
    this.users.delete(user);
    this.log.push(`-${user}`);
  };
  readonly published = (user: string, type: MediaType, id: string): void => {
    expect(this.#of(user).has(type)).toBe(false);
    this.#of(user).set(type, id);
    this.log.push(`+${user}/${type}=${id}`);
  };
  readonly unpublished = (user: string, type: MediaType, id: string): void => {
    expect(this.#of(user).get(type)).toBe(id);
    this.#of(user).delete(type);
    this.log.push(`-${user}/${type}=${id}`);
  };
  readonly paused = (user: string, type: MediaType, paused: boolean): void => {
    this.log.push(`${paused ? 'paused' : 'resumed'} ${user}/${type}`);
  };

  /** In the form of a `producers` reply. */
  shown(): Producers {
    return Object.fromEntries([...this.users].map(([user, sends]) => [user, [...sends].map(([type, id]) => ({ type, id }))]));
  }

  #of(user: string): Map<MediaType, string> {
    const sends = this.users.get(user);
    if (!sends) throw new Error(`${user} is not on the screen`);
    return sends;
  }
}

function roster(): { roster: Roster; screen: Screen } {
  const screen = new Screen();
  return { roster: new Roster('me', screen), screen };
}

describe('a roster', () => {
  it('takes everybody but oneself from a reply, also those who send nothing', async () => {
    const { roster: people, screen } = roster();
    await people.refresh(() => Promise.resolve({ me: [{ type: 'mic', id: 'm0' }], ada: [{ type: 'mic', id: 'm1' }], grace: [] }));
    expect(screen.log).toEqual(['+ada', '+ada/mic=m1', '+grace']);
  });

  it('turns the difference between two replies into changes', async () => {
    const { roster: people, screen } = roster();
    await people.refresh(() => Promise.resolve({ ada: [{ type: 'mic', id: 'm1' }], grace: [] }));
    screen.log.length = 0;
    await people.refresh(() => Promise.resolve({ ada: [{ type: 'webcam', id: 'w1' }], linus: [] }));
    expect(screen.log).toEqual(['-grace', '-ada/mic=m1', '+ada/webcam=w1', '+linus']);
  });

  it('does nothing twice', () => {
    const { roster: people, screen } = roster();
    const joined: Notification = { method: 'userJoined', data: { user: 'ada', producers: [{ type: 'mic', id: 'm1' }] } };
    people.handle(joined);
    people.handle(joined);
    people.handle({ method: 'producerAdded', data: { user: 'ada', type: 'mic', id: 'm1' } });
    people.handle({ method: 'userLeft', data: { user: 'nobody' } });
    people.handle({ method: 'producerRemoved', data: { user: 'ada', type: 'screen' } });
    expect(screen.log).toEqual(['+ada', '+ada/mic=m1']);
  });

  it('replaces a producer of the same type', () => {
    const { roster: people, screen } = roster();
    people.handle({ method: 'userJoined', data: { user: 'ada', producers: [{ type: 'webcam', id: 'w1' }] } });
    people.handle({ method: 'producerAdded', data: { user: 'ada', type: 'webcam', id: 'w2' } });
    expect(screen.log).toEqual(['+ada', '+ada/webcam=w1', '-ada/webcam=w1', '+ada/webcam=w2']);
  });

  it('stays as it was when a reply does not come, and goes on with what was told meanwhile', async () => {
    const { roster: people, screen } = roster();
    people.handle({ method: 'userJoined', data: { user: 'ada', producers: [] } });
    const refreshed = people.refresh(() => Promise.reject(new Error('no network')));
    people.handle({ method: 'userJoined', data: { user: 'grace', producers: [] } });
    await expect(refreshed).rejects.toThrow('no network');
    expect([...screen.users.keys()]).toEqual(['ada', 'grace']);
  });

  it('knows users whose names are those of built-in properties', async () => {
    const { roster: people, screen } = roster();
    people.handle({ method: 'userJoined', data: { user: 'constructor', producers: [] } });
    await people.refresh(() => Promise.resolve({}));
    expect(screen.log).toEqual(['+constructor', '-constructor']);
  });
});

/** A server with one room: every step changes it and sends a notification; replies tell its state of that moment. */
class Server {
  readonly #state = new Map<string, Map<MediaType, string>>();
  #ids = 0;

  step(user: string, action: Action): Notification | undefined {
    const sends = this.#state.get(user);
    if (action === 'join' && !sends) {
      this.#state.set(user, new Map());
      return { method: 'userJoined', data: { user, producers: [] } };
    }
    if (action === 'leave' && this.#state.delete(user)) return { method: 'userLeft', data: { user } };
    if (!sends || action === 'join' || action === 'leave') return undefined;
    if (sends.delete(action)) return { method: 'producerRemoved', data: { user, type: action } };
    this.#ids += 1;
    sends.set(action, `p${this.#ids}`);
    return { method: 'producerAdded', data: { user, type: action, id: `p${this.#ids}` } };
  }

  producers(): Producers {
    return Object.fromEntries([...this.#state].map(([user, sends]) => [user, [...sends].map(([type, id]) => ({ type, id }))]));
  }
}

type Action = 'join' | 'leave' | MediaType;

/** `deliver` hands over the oldest notification; `ask` and `answer` are the two moments of a reply. */
type Step = { readonly user: string; readonly action: Action } | 'deliver' | 'ask' | 'answer';

const StepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ user: fc.constantFrom('ada', 'grace'), action: fc.constantFrom<Action>('join', 'leave', 'mic', 'webcam') }),
  fc.constantFrom<Step>('deliver', 'deliver', 'ask', 'answer'),
);

describe('a roster fed over two connections that overtake each other', () => {
  it('ends up with what the server has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(StepArbitrary, { maxLength: 60 }), async (steps) => {
        const { roster: people, screen } = roster();
        const server = new Server();
        const onTheWay: Notification[] = [];
        let answer: (() => void) | undefined;
        const settle = async (): Promise<void> => {
          answer?.();
          answer = undefined;
          await new Promise((resolve) => setImmediate(resolve));
        };
        const ask = async (): Promise<void> => {
          await settle();
          const reply = server.producers();
          void people.refresh(
            () =>
              new Promise(
                (resolve) =>
                  (answer = () => {
                    resolve(reply);
                  }),
              ),
          );
          await new Promise((resolve) => setImmediate(resolve));
        };
        const deliver = (): void => {
          const notification = onTheWay.shift();
          if (notification) people.handle(notification);
        };

        for (const step of steps) {
          if (step === 'ask') await ask();
          else if (step === 'answer') await settle();
          else if (step === 'deliver') deliver();
          else onTheWay.push(...[server.step(step.user, step.action) ?? []].flat());
        }
        while (onTheWay.length > 0) deliver();
        await settle();
        expect(screen.shown()).toEqual(server.producers());
      }),
      { numRuns: 300 },
    );
  });
});
