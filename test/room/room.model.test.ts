import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Refusal } from '../../worker/room/errors.ts';
import type { RoomEvent } from '../../worker/room/events.ts';
import type { Source } from '../../worker/room/publication.ts';
import { contentsOf, RoomUnderTest } from './room-under-test.ts';

const participant = fc.constantFrom('ada', 'bob', 'eve');
const source = fc.constantFrom<Source>('microphone', 'camera', 'screen');
const session = fc.constantFrom('s1', 's2', 's3');
const command = fc.oneof(
  fc.record({ type: fc.constant('join' as const), participant }),
  fc.record({ type: fc.constant('open' as const), participant, session }),
  fc.record({ type: fc.constant('lose' as const), participant, session }),
  fc.record({ type: fc.constant('end' as const), participant, session }),
  fc.record({ type: fc.constant('publish' as const), participant, source }),
  fc.record({ type: fc.constant('unpublish' as const), participant, source }),
  fc.record({ type: fc.constant('pause' as const), participant, source, paused: fc.boolean() }),
  fc.record({ type: fc.constant('subscribe' as const), participant }),
  fc.record({ type: fc.constant('disclose' as const) }),
  fc.record({ type: fc.constant('sweep' as const), wait: fc.integer({ min: 0, max: 30_000 }) }),
  fc.record({ type: fc.constant('media lost' as const) }),
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

class Player {
  readonly test = new RoomUnderTest();
  #now = 0;
  #ids = 0;

  play(step: Command): void {
    try {
      this.#perform(step);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #perform(step: Command): unknown {
    const { room } = this.test;
    this.#now += 1;
    switch (step.type) {
      case 'join':
        return room.join(step.participant, this.#now, this.#now + 20_000);
      case 'open':
        return room.openSession(step.participant, step.session);
      case 'lose':
        room.loseSession(step.participant, step.session, this.#now + 10_000);
        return undefined;
      case 'end':
        room.endSession(step.participant, step.session);
        return undefined;
      case 'publish':
        return room.publish(step.participant, step.source, `p${++this.#ids}`);
      case 'unpublish':
        return room.unpublish(step.participant, step.source);
      case 'pause':
        return room.setPaused(step.participant, step.source, step.paused);
      case 'subscribe':
        return this.#subscribe(step.participant);
      case 'disclose':
        room.disclose(room.participants());
        return undefined;
      case 'sweep':
        this.#now += step.wait;
        room.sweep(this.#now);
        return undefined;
      case 'media lost':
        room.mediaLost();
        return undefined;
    }
  }

  #subscribe(id: string): unknown {
    const { room } = this.test;
    const [publication] = room.participants().flatMap((other) => room.publicationsOf(other.id));
    return publication && room.subscribe(id, `c${++this.#ids}`, publication.id);
  }
}

/** A client that believes nothing but the events: participant → its publications and whether they are paused. */
function viewFrom(events: readonly RoomEvent[]): Map<string, Map<string, boolean>> {
  const view = new Map<string, Map<string, boolean>>();
  for (const event of events) {
    const known = view.get(event.participantId);
    if (event.type === 'participant-joined') {
      expect(known, 'joined twice').toBeUndefined();
      view.set(event.participantId, new Map(event.publications.map(({ id, paused }) => [id, paused])));
      continue;
    }
    if (!known) throw new Error(`${event.type} about somebody who was never announced`);
    if (event.type === 'participant-left') view.delete(event.participantId);
    else if (event.type === 'publication-removed') expect(known.delete(event.publication.id)).toBe(true);
    else if (event.type !== 'talking-changed' && event.type !== 'indication-changed')
      known.set(event.publication.id, event.publication.paused);
  }
  return view;
}

it('whatever happens, the events alone tell the state, without gaps, and the store can rebuild it', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const player = new Player();
      for (const step of commands) player.play(step);
      const { room, events } = player.test;

      expect(events.map((event) => event.sequence)).toEqual(events.map((_event, index) => index + 1));
      const announced = room.participants().filter(({ presence }) => presence.state !== 'entering');
      const state = announced.map(({ id }) => [id, new Map(room.publicationsOf(id).map((one) => [one.id, one.paused]))] as const);
      expect(viewFrom(events)).toEqual(new Map(state));
      expect(contentsOf(player.test.reloaded())).toEqual(contentsOf(room));
    }),
    { numRuns: 500 },
  );
});

it('nobody has two publications of one source, and no record outlives what it belongs to', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const player = new Player();
      for (const step of commands) player.play(step);
      const { room, store } = player.test;
      for (const { id } of room.participants()) {
        const sources = room.publicationsOf(id).map((publication) => publication.source);
        expect(new Set(sources).size).toBe(sources.length);
      }
      const { participants, publications, subscriptions } = store.load();
      const ids = new Set(participants.map(({ id }) => id));
      expect(publications.filter(({ participantId }) => !ids.has(participantId))).toEqual([]);
      const published = new Set(publications.map(({ id }) => id));
      expect(subscriptions.filter((one) => !ids.has(one.participantId) || !published.has(one.publicationId))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
