import type { MediaKind } from '../../../shared/rtp.ts';
import { eventually } from '../../harness/eventually.ts';
import { type Carried, Peer } from '../../harness/peer.ts';
import { Member as Client, type Message } from '../../protocols/group-call/member.ts';
import { offer, OFFER_WITHOUT_SECTIONS } from '../../protocols/group-call/offers.ts';
import { directionsOf } from '../../protocols/owt/offers.ts';
import type { Happening, Person, RoomModel } from '../room-model.ts';
import { words } from '../words.ts';
import { type Driver, type Member, pick, type Place, Refused } from './driver.ts';

const MAIN = 'main';

const BOTH = ['audio', 'video'] as const;

/** What only a client is told that has asked for it. */
const ANSWERS = new Set(['receiveVideoAnswer', 'iceCandidate']);

interface State {
  readonly userId: string;
  readonly video: boolean;
  readonly audio: boolean;
}

export class GroupCallMember implements Member {
  readonly person: Person;
  seen: readonly string[] = [];
  readonly #place: Place;
  readonly #client: Client;
  /** By whose media they carry. */
  readonly #peers = new Map<string, Peer>();

  static async enter(place: Place, person: Person): Promise<GroupCallMember> {
    const member = new GroupCallMember(place, person, await Client.open(place.edgeUrl, person.name));
    await member.#join();
    return member;
  }

  private constructor(place: Place, person: Person, client: Client) {
    this.#place = place;
    this.person = person;
    this.#client = client;
  }

  async publish(): Promise<void> {
    await this.#offer(this.person.name, 'sendonly');
    this.#place.model.publish(this.person, { [MAIN]: ['microphone', 'camera'] });
  }

  async replace(): Promise<void> {
    await this.#offer(this.person.name, 'sendonly');
    this.#place.model.publish(this.person, { [MAIN]: ['microphone', 'camera'] }, { [MAIN]: ['microphone', 'camera'] });
  }

  mute(kind: MediaKind): Promise<void> {
    return this.#declare(kind, false);
  }

  unmute(kind: MediaKind): Promise<void> {
    return this.#declare(kind, true);
  }

  async watch({ name }: Person): Promise<MediaKind[]> {
    const answer = await this.#offer(this.#idOf(name), 'recvonly');
    return (['audio', 'video'] as const).filter((_kind, index) => directionsOf(answer)[index] === 'sendonly');
  }

  /** Nothing is answered in this protocol but offers and states: {@link Scene} sees to it that everything has come. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for a word that is told to everybody. */
  async hears(what: string, limit?: number): Promise<void> {
    await eventually(
      `${this.person.name} hears that ${what}`,
      () => this.#client.messages.some((one) => this.#told(one).includes(what)),
      limit,
    );
  }

  /** Says something that every member of this protocol is told. */
  async announce(on: boolean): Promise<void> {
    this.#client.say({ id: 'audioStateFrom', userId: this.person.name, audio: on });
    await this.hears(words.shows(this.person.name, 'audio', on));
  }

  heard(): string[] {
    return this.#client.messages.splice(0).flatMap((message) => this.#told(message));
  }

  leave(): Promise<void> {
    this.#client.say({ id: 'leaveRoom' });
    this.#place.model.leave(this.person);
    return Promise.resolve();
  }

  cut(): void {
    this.#hangUp();
    this.#client.cut();
  }

  /** The protocol has no word for errors: whatever makes no sense is passed over. */
  misbehave(): Promise<string[]> {
    for (const nonsense of [
      '{',
      'null',
      { id: 'nonsense' },
      { id: 'joinRoom' },
      { id: 'audioStateFrom', audio: 'perhaps' },
      { id: 'receiveVideoFrom', userId: 'nobody', sdpOffer: offer('recvonly') },
      { id: 'receiveVideoFrom', userId: this.person.name, sdpOffer: OFFER_WITHOUT_SECTIONS },
    ]) {
      this.#client.say(nonsense);
    }
    return Promise.resolve([]);
  }

  async isPutOut(): Promise<void> {
    await eventually(`${this.person.name} is closed`, () => this.#client.closed !== undefined);
    if (this.#client.closed?.reason !== 'you were put out of the room') throw new Error(JSON.stringify(this.#client.closed));
  }

  close(): void {
    this.#hangUp();
    this.#client.close();
  }

  #hangUp(): void {
    for (const peer of this.#peers.values()) void peer.close();
  }

  async #join(): Promise<void> {
    const { name } = this.person;
    this.#client.say({ id: 'joinRoom', userId: name, roomId: this.#place.room, video: true, audio: true });
    const first = await pick(this.#client.messages, 'an answer to joinRoom', () => true);
    if (first.id !== 'existingParticipants') throw new Refused(first.id);
    this.seen = (first.members as State[]).flatMap((state) => [words.joins(this.#nameOf(state.userId)), ...this.#states(state)]);
  }

  async #declare(kind: MediaKind, on: boolean): Promise<void> {
    this.#client.say({ id: `${kind}StateFrom`, userId: this.person.name, [kind]: on });
    this.#place.model.declare(this.person, kind, on);
    await this.hears(words.shows(this.person.name, kind, on));
  }

  async #offer(userId: string, direction: 'sendonly' | 'recvonly'): Promise<string> {
    const peer = new Peer();
    const carried: readonly Carried[] = direction === 'sendonly' ? (this.#place.tracks ?? BOTH) : BOTH;
    this.#client.say({ id: 'receiveVideoFrom', userId, sdpOffer: await peer.offer(direction, carried) });
    const { sdpAnswer } = await pick(this.#client.messages, `an answer about ${userId}`, (one) => one.id === 'receiveVideoAnswer');
    await peer.take(String(sdpAnswer));
    void this.#peers.get(userId)?.close();
    this.#peers.set(userId, peer);
    return String(sdpAnswer);
  }

  #nameOf(userId: unknown): string {
    return this.#place.cast.nameOf(String(userId));
  }

  #idOf(name: string): string {
    return this.#place.cast.idOf(name);
  }

  #states({ userId, audio, video }: State): string[] {
    const who = this.#nameOf(userId);
    return [words.shows(who, 'audio', audio), words.shows(who, 'video', video)];
  }

  #told(message: Message): string[] {
    const who = this.#nameOf(message.userId);
    switch (message.id) {
      case 'newParticipantArrived': {
        const member = message.member as State;
        return [words.joins(this.#nameOf(member.userId)), ...this.#states(member)];
      }
      case 'participantLeft':
        return [words.leaves(who)];
      case 'audioStateAnswer':
        return [words.shows(who, 'audio', message.audio === true)];
      case 'videoStateAnswer':
        return [words.shows(who, 'video', message.video === true)];
      default:
        return ANSWERS.has(message.id) ? [] : [`${who}: ${message.id}`];
    }
  }
}

const NO_CHAT = 'the protocol has no chat';
const NO_NAMES = 'members have no names but their ids';
const NO_FLOOR = 'the protocol knows no floors';
const NO_RECORDING = 'the protocol knows no recording';

export const groupCall: Driver = {
  protocol: 'group-call',
  declared: { audio: true, video: true },
  cannot: {
    unpublish: 'a member sends until it leaves',
    share: 'a member sends one picture only',
    unshare: 'a member sends one picture only',
    say: NO_CHAT,
    whisper: NO_CHAT,
    rename: NO_NAMES,
    takeFloor: NO_FLOOR,
    giveFloor: NO_FLOOR,
    record: NO_RECORDING,
    stopRecording: NO_RECORDING,
    putOut: 'the protocol has no message for it',
    limit: 'the protocol has no message for it',
    reconnect: 'the end of the socket is a departure',
  },
  isNotTold: {
    'share a screen': 'the screen takes the place of the camera in what is watched',
    'chat with all': NO_CHAT,
    'chat with one': NO_CHAT,
    'change the name': NO_NAMES,
    talk: 'the protocol has no word for it',
    'take a floor': NO_FLOOR,
    record: NO_RECORDING,
  },
  enter: (place, person) => GroupCallMember.enter(place, person),
  tells: (happening: Happening, witness: Person, model: RoomModel): string[] => {
    const { who, type } = happening;
    // Whoever says a state hears it, too.
    if (who === witness) return type === 'shown' ? [words.shows(who.name, happening.kind, happening.on)] : [];
    if (type === 'joined') return arrival(who, model);
    if (type === 'left') return [words.leaves(who.name)];
    return type === 'shown' ? [words.shows(who.name, happening.kind, happening.on)] : [];
  },
  sees: (newcomer: Person, model: RoomModel): string[] =>
    model.people.filter((one) => one !== newcomer).flatMap((one) => arrival(one, model)),
};

function arrival(who: Person, model: RoomModel): string[] {
  return [
    words.joins(who.name),
    words.shows(who.name, 'audio', model.isOn(who, 'audio')),
    words.shows(who.name, 'video', model.isOn(who, 'video')),
  ];
}
