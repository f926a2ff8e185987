import type { MediaKind } from '../../../shared/rtp.ts';
import { eventually } from '../../harness/eventually.ts';
import { Peer } from '../../harness/peer.ts';
import { Attendee, type StreamType } from '../../protocols/mediasoup-http/attendee.ts';
import { type Happening, kindOf, type Person, type RoomModel } from '../room-model.ts';
import { type Source, words } from '../words.ts';
import { type Driver, type Member, type Place, Refused } from './driver.ts';
import { sendAs } from './mediasoup-sender.ts';

interface Entry {
  readonly type: StreamType;
  readonly id: string;
}

const SOURCES: Readonly<Record<StreamType, Source>> = { mic: 'microphone', webcam: 'camera', screen: 'screen' };
const TYPES: Readonly<Record<MediaKind, StreamType>> = { audio: 'mic', video: 'webcam' };

/** What an attendee publishes without naming a stream. */
const [MAIN, SCREEN] = ['main', 'screen'];

class MediasoupMember implements Member {
  readonly person: Person;
  seen: readonly string[] = [];
  readonly #place: Place;
  readonly #attendee: Attendee;
  readonly #peer = new Peer();

  constructor(place: Place, person: Person) {
    this.#place = place;
    this.person = person;
    this.#attendee = new Attendee(place.edgeUrl, place.room, person.name);
  }

  async enter(): Promise<void> {
    await this.#attendee.create().catch((error: unknown) => {
      throw new Refused(String(error));
    });
    await this.#attendee.open();
    const everybody = Object.entries(await this.#producers()).filter(([mail]) => mail !== this.person.name);
    this.seen = everybody.flatMap(([mail, entries]) => [
      words.joins(this.#nameOf(mail)),
      ...entries.map(({ type }) => words.sends(this.#nameOf(mail), SOURCES[type])),
    ]);
  }

  async publish(): Promise<void> {
    const { tracks } = this.#place;
    if (tracks) {
      await sendAs(this.#attendee, this.#peer, tracks, (type) => {
        this.#place.model.publish(this.person, { [MAIN]: [SOURCES[type]] });
      });
      return;
    }
    for (const type of ['mic', 'webcam'] as const) {
      await this.#attendee.produce(type);
      this.#place.model.publish(this.person, { [MAIN]: [SOURCES[type]] });
    }
  }

  /** Clients say both without waiting: what comes late means the one before. */
  async replace(): Promise<void> {
    await this.#attendee.produce('webcam');
    await this.#attendee.peer?.notify('producerRemoved', { type: 'webcam' });
    await this.flush();
    this.#place.model.unpublish(this.person, { [MAIN]: ['camera'] });
    this.#place.model.publish(this.person, { [MAIN]: ['camera'] });
  }

  async unpublish(): Promise<void> {
    for (const type of ['mic', 'webcam'] as const) {
      await this.#attendee.peer?.notify('producerRemoved', { type });
      this.#place.model.unpublish(this.person, { [MAIN]: [SOURCES[type]] });
    }
    await this.flush();
  }

  async share(): Promise<void> {
    await this.#attendee.produce('screen');
    this.#place.model.publish(this.person, { [SCREEN]: ['screen'] });
  }

  async unshare(): Promise<void> {
    await this.#attendee.peer?.notify('producerRemoved', { type: 'screen' });
    this.#place.model.unpublish(this.person, { [SCREEN]: ['screen'] });
    await this.flush();
  }

  async mute(kind: MediaKind): Promise<void> {
    await this.#attendee.peer?.notify('producerPaused', { type: TYPES[kind] });
    this.#place.model.pause(this.person, kind, true, MAIN);
    await this.flush();
  }

  async unmute(kind: MediaKind): Promise<void> {
    await this.#attendee.peer?.notify('producerResumed', { type: TYPES[kind] });
    this.#place.model.pause(this.person, kind, false, MAIN);
    await this.flush();
  }

  async watch({ name }: Person): Promise<MediaKind[]> {
    const kinds: MediaKind[] = [];
    for (const [mail, entries] of Object.entries(await this.#producers())) {
      if (this.#nameOf(mail) !== name) continue;
      for (const { id, type } of entries) {
        const { kind } = await this.#attendee.consume(mail, id, kindOf(SOURCES[type]));
        kinds.push(kind);
      }
    }
    return kinds;
  }

  reconnect(): Promise<void> {
    return this.#attendee.reconnect();
  }

  /** An unknown request is answered in its turn. */
  async flush(): Promise<void> {
    await this.#attendee.peer?.request('is anybody there?').catch(() => undefined);
  }

  heard(): string[] {
    return this.#attendee.notifications.splice(0).flatMap(({ method, data }) => this.#told(method, data as Told));
  }

  async leave(): Promise<void> {
    await this.#attendee.api.succeed(this.#attendee.api.post('leaveRoom', { roomName: this.#place.room, userMail: this.person.name }));
    this.#place.model.leave(this.person);
  }

  cut(): void {
    this.#attendee.vanish();
  }

  async misbehave(): Promise<string[]> {
    const { api, peer } = this.#attendee;
    const who = { roomName: this.#place.room, userMail: this.person.name };
    const answers = [
      await api.post('createProducer', { ...who, type: 'nonsense' }),
      await api.post('createConsumer', { ...who, producerMail: 'nobody', id: 'nothing', rtpCapabilities: {} }),
      await api.post('createAttendee', who),
      await api.send('leaveRoom', '{'),
    ];
    await peer?.notify('producerPaused', { type: 'nonsense' });
    await peer?.notify('producerRemoved', { type: 'screen' });
    await peer?.notify('nonsense');
    return answers.map(({ status, result }) => (status === 'failed' ? String(result) : ''));
  }

  async isPutOut(): Promise<void> {
    await eventually(`${this.person.name} is closed`, () => this.#attendee.peer?.closed === true);
  }

  close(): void {
    void this.#peer.close();
    this.#attendee.leave();
  }

  #producers(): Promise<Record<string, Entry[]>> {
    const { api } = this.#attendee;
    return api.succeed(api.get('producers', { roomName: this.#place.room }));
  }

  #nameOf(mail: string): string {
    return this.#place.cast.nameOf(mail);
  }

  #told(method: string, { user, type, producers = [] }: Told): string[] {
    const who = this.#nameOf(user);
    switch (method) {
      case 'userJoined':
        return [words.joins(who), ...producers.map((entry) => words.sends(who, SOURCES[entry.type]))];
      case 'userLeft':
        return [words.leaves(who)];
      case 'producerAdded':
        return [words.sends(who, SOURCES[type])];
      case 'producerRemoved':
        return [words.ceases(who, SOURCES[type])];
      case 'producerPaused':
        return [words.pauses(who, SOURCES[type])];
      case 'producerResumed':
        return [words.resumes(who, SOURCES[type])];
      default:
        return [`${who}: ${method}`];
    }
  }
}

interface Told {
  readonly user: string;
  readonly type: StreamType;
  readonly producers?: readonly Entry[];
}

const TRACK_WORDS = { added: words.sends, removed: words.ceases, paused: words.pauses, resumed: words.resumes };

const NO_CHAT = 'the protocol has no chat';
const NO_FLOOR = 'the protocol knows no floors';
const NO_RECORDING = 'the protocol knows no recording';

export const mediasoupHttp: Driver = {
  protocol: 'mediasoup-http',
  cannot: {
    say: NO_CHAT,
    whisper: NO_CHAT,
    rename: 'attendees have no names but their mail',
    takeFloor: NO_FLOOR,
    giveFloor: NO_FLOOR,
    record: NO_RECORDING,
    stopRecording: NO_RECORDING,
    putOut: 'the protocol has no request for it',
    limit: 'the protocol has no request for it',
  },
  isNotTold: {
    'chat with all': NO_CHAT,
    'chat with one': NO_CHAT,
    'change the name': 'attendees have no names but their mail',
    talk: 'the protocol has no word for it',
    'take a floor': NO_FLOOR,
    record: NO_RECORDING,
  },
  async enter(place, person) {
    const member = new MediasoupMember(place, person);
    await member.enter();
    return member;
  },
  tells: (happening: Happening, witness: Person): string[] => {
    const { who, type } = happening;
    if (who === witness) return [];
    if (type === 'joined') return [words.joins(who.name)];
    if (type === 'left') return [words.leaves(who.name)];
    return type === 'track' ? [TRACK_WORDS[happening.change](who.name, happening.source)] : [];
  },
  sees: (newcomer: Person, { people }: RoomModel): string[] =>
    people
      .filter((one) => one !== newcomer)
      .flatMap(({ name, streams }) => [words.joins(name), ...[...streams.values()].flat().map(({ source }) => words.sends(name, source))]),
};
