import type { MediaKind } from '../../../shared/rtp.ts';
import { type Carried, Peer } from '../../harness/peer.ts';
import { KtClient, type Message, nameOf as operationOf } from '../../protocols/knowledgetalk/client.ts';
import { directionsOf } from '../../protocols/owt/offers.ts';
import type { Happening, Person, RoomModel } from '../room-model.ts';
import { type Source, words } from '../words.ts';
import { type Driver, type Floor, type Member, pick, type Place, Refused } from './driver.ts';

interface Feed {
  readonly id: string;
  readonly display: string;
  readonly displayId: string;
}

type Members = Readonly<Record<string, { readonly NAME: string; readonly VIDEO?: boolean; readonly AUDIO?: boolean }>>;

/** As the protocol calls those who have said no name. */
const ANONYMOUS = '익명';

type Usage = 'cam' | 'screen';

const CAMERA: readonly Source[] = ['microphone', 'camera'];

const FLOORS: Readonly<Record<Floor, { readonly take: string; readonly give: string }>> = {
  whiteboard: { take: 'WhiteBoardStart', give: 'WhiteBoardStop' },
  files: { take: 'FileShareStart', give: 'FileShareStop' },
};

class KnowledgeTalkMember implements Member {
  readonly person: Person;
  seen: readonly string[] = [];
  readonly #place: Place;
  readonly #client: KtClient;
  /** Who has which id. */
  readonly #people = new Map<string, string>();
  readonly #feeds = new Map<string, Feed>();
  readonly #peers = new Map<Usage, Peer>();
  #count = 0;
  #camera = '';
  #screen = '';

  static async enter(place: Place, person: Person): Promise<KnowledgeTalkMember> {
    const client = await KtClient.open(place.edgeUrl);
    const member = new KnowledgeTalkMember(place, person, client);
    const { code, userId, members } = await client.ask({ eventOp: 'RoomJoin', roomId: place.room });
    if (code !== '200') throw new Refused(String(code));
    client.userId = String(userId);
    client.roomId = place.room;
    place.cast.note(client.userId, person.name);
    member.seen = member.#meets(members as Members);
    return member;
  }

  private constructor(place: Place, person: Person, client: KtClient) {
    this.#place = place;
    this.person = person;
    this.#client = client;
  }

  async publish(): Promise<void> {
    await this.#offer('cam');
    const [before, key] = [this.#camera, `camera-${(this.#count += 1)}`];
    this.#camera = key;
    this.#place.model.publish(this.person, { [key]: CAMERA }, this.person.streams.has(before) ? { [before]: CAMERA } : {});
  }

  /** A later offer takes the place of an earlier one, as another feed. */
  replace(): Promise<void> {
    return this.publish();
  }

  async share(): Promise<void> {
    await this.#succeed({ eventOp: 'SessionReserve' });
    this.#place.model.takeFloor(this.person, 'screen');
    await this.#offer('screen');
    this.#screen = `screen-${(this.#count += 1)}`;
    this.#place.model.publish(this.person, { [this.#screen]: ['screen'] });
  }

  async unshare(): Promise<void> {
    await this.#succeed({ eventOp: 'ScreenShareConferenceEnd' });
    this.#place.model.giveFloor(this.person, 'screen');
    this.#place.model.unpublish(this.person, { [this.#screen]: ['screen'] });
  }

  mute(kind: MediaKind): Promise<void> {
    return this.#declare(kind, false);
  }

  unmute(kind: MediaKind): Promise<void> {
    return this.#declare(kind, true);
  }

  async watch({ name }: Person): Promise<MediaKind[]> {
    const granted: MediaKind[] = [];
    for (const feed of this.#feeds.values()) {
      if (this.#nameOf(feed.displayId) !== name) continue;
      await this.#succeed({ eventOp: 'SendFeed', feedId: feed.id });
      const { sdp } = await pick(this.#client.messages, 'an offer', (one) => isDescription(one, 'offer'));
      const offered = directionsOf((sdp as { sdp: string }).sdp);
      granted.push(...(['audio', 'video'] as const).filter((_kind, index) => offered[index] === 'sendonly'));
    }
    return granted;
  }

  async say(text: string): Promise<void> {
    this.#client.say({ signalOp: 'Chat', message: text });
    await this.flush();
    this.#place.model.say(this.person, text);
  }

  async rename(name: string): Promise<void> {
    this.#client.say({ signalOp: 'ChangeName', name });
    await this.flush();
    this.#place.model.rename(this.person, name);
  }

  async takeFloor(floor: Floor): Promise<void> {
    await this.#succeed({ eventOp: FLOORS[floor].take });
    this.#place.model.takeFloor(this.person, floor);
  }

  async giveFloor(floor: Floor): Promise<void> {
    await this.#succeed({ eventOp: FLOORS[floor].give });
    this.#place.model.giveFloor(this.person, floor);
  }

  async record(): Promise<void> {
    await this.#succeed({ eventOp: 'RecordStart' });
    this.#place.model.takeFloor(this.person, 'recording');
  }

  async stopRecording(): Promise<void> {
    await this.#succeed({ eventOp: 'RecordStop', fileName: 'a.webm', filePath: '/', fileSize: 1 });
    this.#place.model.giveFloor(this.person, 'recording');
  }

  async putOut(other: Person): Promise<void> {
    const [userId] = [...this.#people].find(([, name]) => name === other.name) ?? [];
    await this.#succeed({ eventOp: 'KickOut', userId });
    this.#place.model.leave(other);
  }

  async limit(room: string, capacity: number): Promise<void> {
    await this.#succeed({ eventOp: 'CreateRoomWithRoomId', roomId: room, capacity });
  }

  async flush(): Promise<void> {
    const reqNo = crypto.randomUUID();
    this.#client.say({ eventOp: 'EditFeed', userId: 'nobody', type: 'video', status: 'on', reqNo });
    await pick(this.#client.messages, 'an answer', (one) => one.reqNo === reqNo);
  }

  heard(): string[] {
    return this.#client.messages.splice(0).flatMap((message) => this.#told(message));
  }

  async leave(): Promise<void> {
    await this.#succeed({ eventOp: 'ExitRoom' });
    this.#place.model.leave(this.person);
  }

  cut(): void {
    for (const peer of this.#peers.values()) void peer.close();
    this.#client.cut();
  }

  async misbehave(): Promise<string[]> {
    const answers: Message[] = [];
    for (const nonsense of [
      { eventOp: 'Nonsense' },
      { eventOp: 'SDP', usage: 'cam', sdp: 7 },
      { eventOp: 'SDP', usage: 'cam', sdp: { type: 'offer', sdp: 'v=0' } },
      { eventOp: 'SendFeed', feedId: 'nothing' },
      { eventOp: 'KickOut', userId: 'nobody' },
      { signalOp: 'SetAudio', status: 'perhaps' },
      { eventOp: 'RoomJoin', roomId: this.#place.room },
    ]) {
      const reqNo = crypto.randomUUID();
      this.#client.say({ ...nonsense, reqNo });
      answers.push(await pick(this.#client.messages, `an answer to ${JSON.stringify(nonsense)}`, (one) => one.reqNo === reqNo));
    }
    return answers.map(({ code }) => (code === '200' ? '' : String(code)));
  }

  async isPutOut(): Promise<void> {
    await pick(this.#client.messages, `${this.person.name} is told that it was put out`, ({ action }) => action === 'kick');
  }

  close(): void {
    for (const peer of this.#peers.values()) void peer.close();
    this.#client.close();
  }

  async #succeed(message: Message): Promise<void> {
    const reqNo = crypto.randomUUID();
    this.#client.say({ ...message, reqNo });
    const answer = await pick(this.#client.messages, `an answer to ${JSON.stringify(message)}`, (one) => one.reqNo === reqNo);
    if (answer.code !== '200') throw new Error(`${JSON.stringify(message)} is answered ${JSON.stringify(answer)}`);
  }

  async #offer(usage: Usage): Promise<void> {
    const { userId, roomId } = this.#client;
    const peer = new Peer();
    const camera: readonly Carried[] = this.#place.tracks ?? ['audio', 'video'];
    const sdp = { type: 'offer', sdp: await peer.offer('sendonly', usage === 'cam' ? camera : ['video']) };
    this.#client.say({ eventOp: 'SDP', usage, userId, roomId, host: false, sdp });
    const answer = await pick(this.#client.messages, 'an answer', (one) => isDescription(one, 'answer'));
    await peer.take((answer.sdp as { sdp: string }).sdp);
    await this.#hangUp(usage);
    this.#peers.set(usage, peer);
  }

  async #hangUp(usage: Usage): Promise<void> {
    await this.#peers.get(usage)?.close();
  }

  async #declare(kind: MediaKind, on: boolean): Promise<void> {
    this.#client.say({ signalOp: kind === 'audio' ? 'SetAudio' : 'SetVideo', status: !on });
    await this.flush();
    this.#place.model.declare(this.person, kind, on);
  }

  /** @returns what is told of those who were not known before. */
  #meets(members: Members): string[] {
    const strangers = Object.entries(members).filter(([userId]) => userId !== this.#client.userId && !this.#people.has(userId));
    return strangers.flatMap(([userId, { NAME, AUDIO = false, VIDEO = false }]) => {
      const name = NAME === ANONYMOUS || /^u[1-9]/u.test(userId) ? this.#place.cast.nameOf(userId) : this.#place.cast.nameOf(NAME);
      this.#people.set(userId, name);
      return [words.joins(name), words.shows(name, 'audio', !AUDIO), words.shows(name, 'video', !VIDEO)];
    });
  }

  #nameOf(userId: unknown): string {
    return this.#people.get(String(userId)) ?? this.#place.cast.nameOf(String(userId));
  }

  #told(message: Message): string[] {
    const who = this.#nameOf(message.userId);
    const operation = operationOf(message);
    switch (operation) {
      case 'Presence':
        return this.#presence(who, message);
      case 'SetAudio':
        return [words.shows(who, 'audio', message.status === false)];
      case 'SetVideo':
        return [words.shows(who, 'video', message.status === false)];
      case 'Chat':
        return [words.says(who, String(message.message))];
      case 'ChangeName':
        return [words.isCalled(who, String(message.name))];
      case 'ReceiveFeed':
        return (message.feeds as Feed[]).map((feed) => this.#begins(feed));
      case 'ScreenShareConferenceEndSvr':
        return [words.ends(who, ['screen'])];
      case 'WhiteBoardStartSvr':
        return [words.takes(who, 'whiteboard')];
      case 'WhiteBoardStopSvr':
        return [words.releases(who, 'whiteboard')];
      case 'FileShareStartSvr':
        return [words.takes(who, 'files')];
      case 'FileShareStopSvr':
        return [words.releases(who, 'files')];
      case 'StartSession':
        // How one's own call begins.
        return message.who === this.#client.userId ? [] : [`the call turns for ${who}`];
      default:
        return message.code === undefined ? [JSON.stringify(message)] : [];
    }
  }

  #presence(who: string, { action, talking, members, userId }: Message): string[] {
    switch (action) {
      case 'join':
        return this.#meets(members as Members);
      case 'exit':
        this.#people.delete(String(userId));
        return [words.leaves(who)];
      case 'talking':
        return [words.talks(who, talking === true)];
      case 'Record':
        return [words.takes(who, 'recording')];
      case 'RecordStop':
        return [words.releases(who, 'recording')];
      default:
        return [`${who}: ${String(action)}`];
    }
  }

  #begins(feed: Feed): string {
    this.#feeds.set(feed.id, feed);
    const isScreen = feed.display.endsWith('_screen');
    return words.begins(this.#nameOf(feed.displayId), isScreen ? ['screen'] : undefined);
  }
}

function isDescription(message: Message, type: 'offer' | 'answer'): boolean {
  return operationOf(message) === 'SDP' && (message.sdp as { type?: unknown } | undefined)?.type === type;
}

export const knowledgeTalk: Driver = {
  protocol: 'knowledgetalk',
  declared: {},
  cannot: {
    unpublish: 'a camera is replaced, or ends with the stay',
    whisper: 'its chat is for everybody',
    reconnect: 'the end of the connection is a departure',
  },
  isNotTold: {},
  enter: (place, person) => KnowledgeTalkMember.enter(place, person),
  tells: (happening: Happening, witness: Person, model: RoomModel): string[] => {
    const { who, type } = happening;
    if (type === 'talking') return [words.talks(who.name, happening.talking)];
    if (type === 'stream') return streamNews(happening, witness, model);
    if (who === witness) return type === 'joined' ? boardOf(model) : [];
    switch (type) {
      case 'joined':
        return [
          words.joins(who.name),
          words.shows(who.name, 'audio', model.isOn(who, 'audio')),
          words.shows(who.name, 'video', model.isOn(who, 'video')),
        ];
      case 'left':
        return [words.leaves(who.name)];
      case 'shown':
        return [words.shows(who.name, happening.kind, happening.on)];
      case 'said':
        return happening.to === undefined || happening.to === witness ? [words.says(who.name, happening.text)] : [];
      case 'renamed':
        return [words.isCalled(who.name, happening.name)];
      case 'floor':
        if (happening.floor === 'screen') return [];
        return [(happening.taken ? words.takes : words.releases)(who.name, happening.floor)];
      case 'track':
        return [];
    }
  },
  sees: (newcomer: Person, model: RoomModel): string[] =>
    model.people
      .filter((one) => one !== newcomer)
      .flatMap((one) => [
        words.joins(one.name),
        words.shows(one.name, 'audio', model.isOn(one, 'audio')),
        words.shows(one.name, 'video', model.isOn(one, 'video')),
      ]),
};

/** A newcomer is told that somebody has the board. */
function boardOf({ floors }: RoomModel): string[] {
  const holder = floors.get('whiteboard');
  return holder ? [words.takes(holder.name, 'whiteboard')] : [];
}

/** Whoever publishes is told of all that is there, and from then on of what is new; all are told of the end of a screen. */
function streamNews({ who, change, before, after }: Extract<Happening, { type: 'stream' }>, witness: Person, model: RoomModel): string[] {
  if (who === witness) {
    const isScreen = after.flat().some(({ source }) => source === 'screen');
    if (change !== 'begun' || (isScreen && witness.streams.size > 1)) return [];
    const others = model.people.filter((one) => one !== witness);
    return others.flatMap((one) => [...one.streams.values()].map((tracks) => feedOf(one.name, tracks)));
  }
  if (change === 'begun') return witness.streams.size > 0 ? [feedOf(who.name, after.flat())] : [];
  return change === 'ended' && before.flat().some(({ source }) => source === 'screen') ? [words.ends(who.name, ['screen'])] : [];
}

function feedOf(who: string, tracks: readonly { readonly source: Source }[]): string {
  return words.begins(who, tracks.some(({ source }) => source === 'screen') ? ['screen'] : undefined);
}
