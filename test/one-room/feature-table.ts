import { format, resolveConfig } from 'prettier';
import type { Deeds, Driver, Feature } from './drivers/driver.ts';
import { PROTOCOLS, type Protocol } from './protocols.ts';

/** What each feature is, for those who read of it, and what a member has to be able to do for it. */
export const FEATURES: Readonly<Record<Feature, { readonly about: string; readonly needs: readonly (keyof Deeds)[] }>> = {
  join: { about: 'joins, and sees who is there and what they send', needs: [] },
  publish: { about: 'publishes camera and microphone', needs: ['publish'] },
  watch: { about: 'is granted the camera and microphone of members of all protocols', needs: ['watch'] },
  mute: { about: 'mutes sound, and picture', needs: ['mute'] },
  unmute: { about: 'takes that back', needs: ['unmute'] },
  replace: { about: 'replaces what it publishes', needs: ['replace'] },
  'share a screen': { about: 'shares a screen, and stops', needs: ['share', 'unshare'] },
  unpublish: { about: 'stops publishing, and stays', needs: ['unpublish'] },
  talk: { about: 'talks', needs: [] },
  'chat with all': { about: 'says something to all', needs: ['say'] },
  'chat with one': { about: 'says something to one', needs: ['whisper'] },
  'change the name': { about: 'changes its name', needs: ['rename'] },
  'take a floor': { about: 'takes whiteboard and file share, and gives them back', needs: ['takeFloor', 'giveFloor'] },
  record: { about: 'has the room recorded, members of all protocols', needs: ['record', 'stopRecording'] },
  'limit the room': { about: 'makes a room for so many, whatever their protocols', needs: ['limit'] },
  'put out': { about: 'puts out members of all protocols', needs: ['putOut'] },
  'say nonsense': { about: 'is refused what makes no sense, and stays', needs: [] },
  reconnect: { about: 'is cut off, comes back and has missed nothing', needs: ['reconnect'] },
  leave: { about: 'leaves', needs: [] },
  return: { about: 'returns', needs: [] },
  vanish: { about: 'vanishes without a word', needs: [] },
};

const NAMES: Readonly<Record<Protocol, string>> = {
  'mediasoup-http': 'mediasoup-http',
  'group-call': 'group-call',
  wcs: 'WCS (Room API)',
  owt: 'OWT',
  knowledgetalk: 'KnowledgeTalk',
};

/** What others are not to notice. */
const UNNOTICED: ReadonlySet<Feature> = new Set<Feature>(['watch', 'say nonsense', 'reconnect']);

const YES = 'yes';

/** Collects what a run has found members to do and to be told, and puts it into words. */
export class FeatureTable {
  readonly #drivers: Readonly<Record<Protocol, Driver>>;
  readonly #done = new Set<string>();
  readonly #told = new Set<string>();

  constructor(drivers: Readonly<Record<Protocol, Driver>>) {
    this.#drivers = drivers;
  }

  does(feature: Feature, protocol: Protocol): void {
    this.#done.add(`${feature} ${protocol}`);
  }

  isTold(feature: Feature, protocol: Protocol): void {
    this.#told.add(`${feature} ${protocol}`);
  }

  /** @returns what is neither found nor explained, and what is explained although it was found. */
  contradictions(): string[] {
    return (Object.keys(FEATURES) as Feature[]).flatMap((feature) =>
      PROTOCOLS.flatMap((protocol) => {
        const does = this.#done.has(`${feature} ${protocol}`) === (this.#whyNot(feature, protocol) !== undefined);
        const isTold = this.#told.has(`${feature} ${protocol}`) === (this.#whyNotTold(feature, protocol) !== undefined);
        return [...(does ? [`${protocol}: does it ${feature}?`] : []), ...(isTold ? [`${protocol}: is it told of ${feature}?`] : [])];
      }),
    );
  }

  /** @returns a page of documentation. */
  async page(path: string): Promise<string> {
    const features = Object.keys(FEATURES) as Feature[];
    const noticed = features.filter((feature) => !UNNOTICED.has(feature));
    const text = [
      '# Features and protocols',
      'Written by `test/one-room/features.test.ts`, which runs one suite for all protocols, in rooms with members of all of them, and fails when this page says anything else than what it has found. ' +
        'How members of different protocols appear to each other is told in [one-room.md](one-room.md).',
      '## What a member does',
      'Everybody in the room is told of it in the words of its own protocol, exactly once; nobody else notices what is refused.',
      this.#table(features, (feature, protocol) => this.#whyNot(feature, protocol)),
      '## What a member is told of',
      'Of members of at least one protocol; of all whose protocols have a word for it. For limits: whether it is kept out of a full room, in words of its own protocol.',
      this.#table(noticed, (feature, protocol) => this.#whyNotTold(feature, protocol)),
    ].join('\n\n');
    return format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
  }

  /** Reasons stand below, each once. */
  #table(features: readonly Feature[], whyNot: (feature: Feature, protocol: Protocol) => string | undefined): string {
    const reasons: string[] = [];
    const cell = (feature: Feature, protocol: Protocol): string => {
      const reason = whyNot(feature, protocol);
      if (reason === undefined) return YES;
      const known = `${NAMES[protocol]}: ${reason}.`;
      if (!reasons.includes(known)) reasons.push(known);
      return `– (${reasons.indexOf(known) + 1})`;
    };
    const rows = features.map((feature) => [FEATURES[feature].about, ...PROTOCOLS.map((protocol) => cell(feature, protocol))]);
    const head = ['', ...PROTOCOLS.map((protocol) => NAMES[protocol])];
    const lines = [head, head.map(() => '---'), ...rows].map((columns) => `| ${columns.join(' | ')} |`);
    return [lines.join('\n'), reasons.map((reason, index) => `${index + 1}. ${reason}`).join('\n')].join('\n\n');
  }

  #whyNot(feature: Feature, protocol: Protocol): string | undefined {
    const [missing] = FEATURES[feature].needs.filter((deed) => this.#drivers[protocol].cannot[deed] !== undefined);
    return missing && this.#drivers[protocol].cannot[missing];
  }

  #whyNotTold(feature: Feature, protocol: Protocol): string | undefined {
    return UNNOTICED.has(feature) ? 'nobody is to notice' : this.#drivers[protocol].isNotTold[feature];
  }
}
