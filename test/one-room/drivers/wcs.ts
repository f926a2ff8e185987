import type { MediaKind } from '../../../shared/rtp.ts';
import { eventually } from '../../harness/eventually.ts';
import { Caller, type Message, type StatusEvent } from '../../protocols/wcs/caller.ts';
import type { Happening, Person, RoomModel } from '../room-model.ts';
import { words } from '../words.ts';
import { type Driver, type Member, pick, type Place, Refused } from './driver.ts';

/** News of a room, as far as tests look into them. */
interface News {
  readonly name: string;
  readonly info: unknown;
}

/** A stream as members are told of it. */
interface Stream {
  readonly login: string;
  readonly name: string;
}

interface Published {
  readonly mediaSessionId: string;
  /** In the model. */
  readonly key: string;
}

const PUT_OUT = 4003;

class WcsMember implements Member {
  readonly person: Person;
  seen: readonly string[] = [];
  readonly #place: Place;
  readonly #client: Caller;
  /** What others publish now, by name. */
  readonly #streams = new Map<string, Stream>();
  /** What it plays, and of whom. */
  readonly #played = new Map<string, string>();
  #camera: Published | undefined;
  #screen: Published | undefined;
  #count = 0;

  static async enter(place: Place, person: Person): Promise<WcsMember> {
    const connection = { appKey: 'roomApp', custom: { login: person.name } };
    const client = await Caller.open(place.edgeUrl, { path: '/', connection });
    client.tracks = place.tracks ?? [];
    const member = new WcsMember(place, person, client);
    await member.#join();
    return member;
  }

  private constructor(place: Place, person: Person, client: Caller) {
    this.#place = place;
    this.person = person;
    this.#client = client;
  }

  async publish(): Promise<void> {
    this.#camera = await this.#publish('camera');
    this.#place.model.publish(this.person, { [this.#camera.key]: ['microphone', 'camera'] });
  }

  /** A stream is replaced by another. */
  async replace(): Promise<void> {
    await this.unpublish();
    await this.publish();
  }

  async unpublish(): Promise<void> {
    await this.#end(this.#camera);
    if (this.#camera) this.#place.model.unpublish(this.person, { [this.#camera.key]: ['microphone', 'camera'] });
  }

  async share(): Promise<void> {
    this.#screen = await this.#publish('screen', { constraints: { audio: false, video: { type: 'screen' } } });
    this.#place.model.publish(this.person, { [this.#screen.key]: ['microphone', 'screen'] });
  }

  async unshare(): Promise<void> {
    await this.#end(this.#screen);
    if (this.#screen) this.#place.model.unpublish(this.person, { [this.#screen.key]: ['microphone', 'screen'] });
  }

  mute(kind: MediaKind): Promise<void> {
    return this.#tell(kind, false);
  }

  unmute(kind: MediaKind): Promise<void> {
    return this.#tell(kind, true);
  }

  async watch({ name }: Person): Promise<MediaKind[]> {
    const kinds: MediaKind[] = [];
    for (const stream of this.#streams.values()) {
      if (this.#nameOf(stream.login) !== name) continue;
      const id = await this.#client.stream('play', stream.name, this.#inRoom);
      const { hasAudio, hasVideo } = await this.#client.status(id);
      this.#played.set(id, name);
      kinds.push(...(hasAudio === true ? (['audio'] as const) : []), ...(hasVideo === true ? (['video'] as const) : []));
    }
    return kinds;
  }

  /** Clients send to each by itself what is meant for all. */
  async say(text: string): Promise<void> {
    for (const other of this.#place.model.people) if (other !== this.person) await this.whisper(text, other);
  }

  async whisper(text: string, to: Person): Promise<void> {
    const options = { roomConfig: { name: this.#place.room }, to: this.#place.cast.idOf(to.name), text };
    const { status } = await this.#client.operate({ command: 'sendMessage', options });
    if (status !== 'ACCEPTED') throw new Error(`${this.person.name} could not whisper to ${options.to}`);
    this.#place.model.say(this.person, text, to);
  }

  async flush(): Promise<void> {
    const id = crypto.randomUUID();
    this.#client.say('availableStream', { mediaSessionId: id, name: `${this.#place.room}-nothing of this name` });
    await pick(this.#client.messages, 'an answer', ({ message, data: [first] }) => {
      return message === 'availableStream' && (first as { id: string }).id === id;
    });
  }

  heard(): string[] {
    return this.#client.messages.splice(0).flatMap((message) => this.#told(message));
  }

  async leave(): Promise<void> {
    const { status } = await this.#client.operate({ command: 'leave', options: { name: this.#place.room } });
    if (status !== 'ACCEPTED') throw new Error(`${this.person.name} could not leave`);
    this.#place.model.leaveInSteps(this.person);
  }

  cut(): void {
    this.#client.cut();
  }

  async misbehave(): Promise<string[]> {
    const id = crypto.randomUUID();
    this.#client.raw('{');
    this.#client.say('nonsense', 7);
    this.#client.say('unPublishStream', { mediaSessionId: 'nothing' });
    this.#client.say('playStream', { mediaSessionId: id, name: `${this.#place.room}-nobody`, sdp: 'v=0', ...this.#inRoom });
    const { info } = await this.#client.status(id);
    this.#client.say('publishStream', { mediaSessionId: null, name: `${this.#place.room}-x`, sdp: 'v=0', ...this.#inRoom });
    const unnamed = await this.#client.status(null);
    const options = { roomConfig: { name: this.#place.room }, to: 'nobody', text: 'hi' };
    const unsent = await this.#client.operate({ command: 'sendMessage', options });
    return [info, unnamed.info, unsent.info].map((one) => (typeof one === 'string' ? one : ''));
  }

  async isPutOut(): Promise<void> {
    await eventually(`${this.person.name} is closed`, () => this.#client.closed !== undefined);
    if (this.#client.closed?.code !== PUT_OUT) throw new Error(JSON.stringify(this.#client.closed));
  }

  close(): void {
    this.#client.close();
  }

  get #inRoom(): object {
    return { custom: { name: this.#place.room } };
  }

  async #join(): Promise<void> {
    await this.#client.next('getVersion');
    const { status, info } = await this.#client.join(this.#place.room);
    if (status !== 'ACCEPTED') throw new Refused(String(info));
    const state = (await this.#client.news('STATE')).info as (string | Stream)[];
    this.seen = [...new Set(state.map((one) => (typeof one === 'string' ? one : one.login)))].flatMap((login) => {
      const streams = state.filter((one): one is Stream => typeof one !== 'string' && one.login === login);
      return [words.joins(this.#nameOf(login)), ...streams.map((stream) => this.#begins(stream))];
    });
  }

  async #publish(what: string, fields: object = {}): Promise<Published> {
    const key = `${what}-${(this.#count += 1)}`;
    const mediaSessionId = await this.#client.publish(`${this.#place.room}-${this.person.name}-${key}`, { ...this.#inRoom, ...fields });
    return { mediaSessionId, key };
  }

  async #end(published: Published | undefined): Promise<void> {
    if (!published) throw new Error(`${this.person.name} publishes no such thing`);
    this.#client.say('unPublishStream', { mediaSessionId: published.mediaSessionId });
    const { status } = await this.#client.status(published.mediaSessionId);
    if (status !== 'UNPUBLISHED') throw new Error(`the stream is ${status}`);
  }

  /** The client tells its players, and sends on. */
  async #tell(kind: MediaKind, on: boolean): Promise<void> {
    if (!this.#camera) throw new Error(`${this.person.name} has nothing to mute`);
    const { mediaSessionId, key } = this.#camera;
    this.#client.say('sendStreamEvent', { mediaSessionId, type: `${kind}${on ? 'Unmuted' : 'Muted'}` });
    await this.flush();
    this.#place.model.pause(this.person, kind, !on, key);
  }

  #nameOf(login: string): string {
    return this.#place.cast.nameOf(login);
  }

  #begins(stream: Stream): string {
    this.#streams.set(stream.name, stream);
    return words.begins(this.#nameOf(stream.login));
  }

  #told({ message, data: [first] }: Message): string[] {
    if (message === 'OnDataEvent') return this.#news((first as { payload: News }).payload);
    if (message === 'notifyStreamEvent') return this.#streamEvent(first as { mediaSessionId: string; type: string });
    if (message === 'notifyStreamStatusEvent')
      return this.#played.has((first as StatusEvent).mediaSessionId) ? [] : [JSON.stringify(first)];
    return [];
  }

  #news({ name, info }: News): string[] {
    switch (name) {
      case 'JOINED':
        return [words.joins(this.#nameOf(String(info)))];
      case 'LEFT':
        return [words.leaves(this.#nameOf(String(info)))];
      case 'PUBLISHED':
        return [this.#begins(info as Stream)];
      case 'UNPUBLISHED': {
        const { login, name: stream } = info as Stream;
        const isKnown = this.#streams.delete(stream);
        return [isKnown ? words.ends(this.#nameOf(login)) : `${login} ends ${stream}, of which nothing was told`];
      }
      case 'MESSAGE': {
        const { from, text } = info as { from: string; text: string };
        return [words.says(this.#nameOf(from), text)];
      }
      default:
        return [`${name} ${JSON.stringify(info)}`];
    }
  }

  /** Players are told what is muted. */
  #streamEvent({ mediaSessionId, type }: { mediaSessionId: string; type: string }): string[] {
    const who = this.#played.get(mediaSessionId) ?? mediaSessionId;
    const [, kind, on] = /^(audio|video)(Unm|M)uted$/u.exec(type) ?? [];
    return kind === undefined ? [] : [words.shows(who, kind as MediaKind, on === 'Unm')];
  }
}

const NO_FLOOR = 'the protocol knows no floors';

export const wcs: Driver = {
  protocol: 'wcs',
  cannot: {
    rename: 'a member is called by its login',
    takeFloor: NO_FLOOR,
    giveFloor: NO_FLOOR,
    record: 'a client has its own streams recorded, when it publishes them',
    stopRecording: 'a recording ends with its stream',
    putOut: 'the Room API has no command for it',
    limit: 'the Room API has no command for it',
    reconnect: 'the SDK ends its streams with its socket',
  },
  isNotTold: {
    'change the name': 'a member is called by its login',
    talk: 'the protocol has no word for it',
    'take a floor': NO_FLOOR,
    record: 'the protocol tells of a recording whoever publishes what is recorded',
  },
  enter: (place, person) => WcsMember.enter(place, person),
  tells: (happening: Happening, witness: Person): string[] => {
    const { who, type } = happening;
    if (who === witness) return [];
    switch (type) {
      case 'joined':
        return [words.joins(who.name)];
      case 'left':
        return [words.leaves(who.name)];
      case 'stream':
        if (happening.change === 'begun') return [words.begins(who.name)];
        return happening.change === 'ended' ? [words.ends(who.name)] : [];
      case 'said':
        return happening.to === undefined || happening.to === witness ? [words.says(who.name, happening.text)] : [];
      case 'track': {
        const isMute = happening.change === 'paused' || happening.change === 'resumed';
        const kind = happening.source === 'microphone' ? 'audio' : 'video';
        return isMute && witness.watches.has(who) ? [words.shows(who.name, kind, happening.change === 'resumed')] : [];
      }
      default:
        return [];
    }
  },
  sees: (newcomer: Person, { people }: RoomModel): string[] =>
    people
      .filter((one) => one !== newcomer)
      .flatMap(({ name, streams }) => [words.joins(name), ...[...streams].map(() => words.begins(name))]),
};
