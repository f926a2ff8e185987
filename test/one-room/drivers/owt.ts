import type { MediaKind } from '../../../shared/rtp.ts';
import { eventually } from '../../harness/eventually.ts';
import { type Carried, Peer } from '../../harness/peer.ts';
import { Member as Client, type Notification } from '../../protocols/owt/member.ts';
import { directionsOf } from '../../protocols/owt/offers.ts';
import { type Happening, kindOf, type Part, type Person, type RoomModel } from '../room-model.ts';
import { type Source, words } from '../words.ts';
import { type Driver, type Member, pick, type Place, Refused } from './driver.ts';

interface Participant {
  readonly id: string;
  readonly user: string;
}

interface Track {
  readonly type: MediaKind;
  readonly source: 'mic' | 'camera' | 'screen-cast';
  readonly status: 'active' | 'inactive';
}

interface Stream {
  readonly id: string;
  readonly media: { readonly tracks: readonly Track[] };
  readonly info: { readonly owner: string };
}

/** What a client publishes under one session. */
interface Published {
  readonly id: string;
  readonly peer: Peer;
  /** In the model. */
  readonly key: string;
}

const SOURCES: Readonly<Record<Track['source'], Source>> = { mic: 'microphone', camera: 'camera', 'screen-cast': 'screen' };
const CAMERA: readonly Source[] = ['microphone', 'camera'];

class OwtMember implements Member {
  readonly person: Person;
  seen: readonly string[] = [];
  readonly #place: Place;
  #client: Client;
  /** Who has which id. */
  readonly #people = new Map<string, string>();
  /** What is there now. */
  readonly #streams = new Map<string, Stream>();
  readonly #peers: Peer[] = [];
  #camera: Published | undefined;
  #screen: Published | undefined;
  #count = 0;

  static async enter(place: Place, person: Person): Promise<OwtMember> {
    const client = await Client.join(place.edgeUrl, place.room, { user: person.name }).catch((error: unknown) => {
      throw new Refused(String(error));
    });
    return new OwtMember(place, person, client);
  }

  private constructor(place: Place, person: Person, client: Client) {
    this.#place = place;
    this.person = person;
    this.#client = client;
    const { participants = [], streams = [] } = client.login?.room ?? {};
    const seen = participants.map((one) => ({ id: one.id, told: [this.#joins(one)] }));
    for (const stream of streams as Stream[]) seen.find(({ id }) => id === stream.info.owner)?.told.push(this.#begins(stream));
    this.seen = seen.filter(({ id }) => id !== client.id).flatMap(({ told }) => told);
  }

  async publish(): Promise<void> {
    this.#camera = await this.#publish('camera', [
      { type: 'audio', mid: '0', source: 'mic' },
      { type: 'video', mid: '1', source: 'camera' },
    ]);
    this.#place.model.publish(this.person, { [this.#camera.key]: CAMERA });
  }

  /** A stream is replaced by another. */
  async replace(): Promise<void> {
    await this.unpublish();
    await this.publish();
  }

  async unpublish(): Promise<void> {
    const { key } = await this.#end(this.#camera);
    this.#place.model.unpublish(this.person, { [key]: CAMERA });
  }

  async share(): Promise<void> {
    this.#screen = await this.#publish('screen', [{ type: 'video', mid: '0', source: 'screen-cast' }]);
    this.#place.model.publish(this.person, { [this.#screen.key]: ['screen'] });
  }

  async unshare(): Promise<void> {
    const { key } = await this.#end(this.#screen);
    this.#place.model.unpublish(this.person, { [key]: ['screen'] });
  }

  mute(kind: MediaKind): Promise<void> {
    return this.#control(kind, 'pause');
  }

  unmute(kind: MediaKind): Promise<void> {
    return this.#control(kind, 'play');
  }

  async watch({ name }: Person): Promise<MediaKind[]> {
    const granted: MediaKind[] = [];
    for (const stream of this.#streams.values()) {
      if (this.#people.get(stream.info.owner) !== name) continue;
      const kinds = stream.media.tracks.map(({ type }) => type);
      const tracks = kinds.map((type, mid) => ({ type, mid: String(mid), from: stream.id }));
      const { transportId } = await this.#client.subscribe({ media: { tracks }, transport: { type: 'webrtc' } });
      const { answer } = await this.#connect(transportId, 'recvonly', kinds);
      granted.push(...kinds.filter((_kind, index) => directionsOf(answer)[index] === 'sendonly'));
    }
    return granted;
  }

  say(text: string): Promise<void> {
    return this.#text('all', text);
  }

  whisper(text: string, to: Person): Promise<void> {
    return this.#text(this.#idOf(to), text, to);
  }

  async putOut(other: Person): Promise<void> {
    const url = `${this.#place.edgeUrl}/rooms/${this.#place.room}/participants/${this.#idOf(other)}`;
    const { status } = await fetch(url, { method: 'DELETE' });
    if (status !== 200) throw new Error(`${other.name} was not put out: ${status}`);
    this.#place.model.leave(other);
  }

  async reconnect(): Promise<void> {
    const before = this.#client;
    before.cut();
    const again = await Client.connect(this.#place.edgeUrl);
    const answer = await again.say('relogin', before.ticket);
    if (answer[0] !== 'ok') throw new Error(JSON.stringify(answer));
    Object.assign(again, { login: before.login, ticket: answer[1] });
    again.notifications.unshift(...before.notifications);
    this.#client = again;
  }

  async flush(): Promise<void> {
    const id = crypto.randomUUID();
    await this.#client.say('text', { to: this.#client.id, message: id });
    await pick(this.#client.notifications, 'what was said', ({ data }) => data.message === id);
  }

  heard(): string[] {
    return this.#client.notifications.splice(0).flatMap((notification) => this.#told(notification));
  }

  async leave(): Promise<void> {
    const [status] = await this.#client.say('logout');
    if (status !== 'ok') throw new Error(`${this.person.name} could not leave`);
    this.#place.model.leaveInSteps(this.person);
  }

  cut(): void {
    this.#client.cut();
  }

  async misbehave(): Promise<string[]> {
    const answers = [
      await this.#client.say('publish', { media: { tracks: [{ type: 'smell' }] } }),
      await this.#client.say('subscribe', { media: { tracks: [{ type: 'audio', mid: '0', from: 'nothing' }] } }),
      await this.#client.say('stream-control', { id: 'nothing', operation: 'pause', data: 'av' }),
      await this.#client.say('soac', 7),
      await this.#client.say('text', { to: 'nobody', message: 'hi' }),
    ];
    return answers.map(([status, reason]) => (status === 'error' ? String(reason) : ''));
  }

  async isPutOut(): Promise<void> {
    await pick(this.#client.notifications, `${this.person.name} is dropped`, ({ event }) => event === 'drop');
    await eventually('the connection ends', () => this.#client.disconnects > 0);
  }

  close(): void {
    for (const peer of this.#peers) void peer.close();
    this.#client.close();
  }

  async #publish(what: string, tracks: readonly object[]): Promise<Published> {
    const { id, transportId } = await this.#client.publish({ media: { tracks }, transport: { type: 'webrtc' } });
    const kinds = tracks.length > 1 ? (['audio', 'video'] as const) : (['video'] as const);
    const { peer } = await this.#connect(transportId, 'sendonly', kinds.length > 1 ? (this.#place.tracks ?? kinds) : kinds);
    // Whoever publishes is told of it like everybody else, when it is connected.
    await eventually('the stream is there', () =>
      this.#client.notifications.some(({ event, data }) => event === 'stream' && data.id === id && data.status === 'add'),
    );
    return { id, peer, key: `${what}-${(this.#count += 1)}` };
  }

  async #connect(
    transportId: string,
    direction: 'sendonly' | 'recvonly',
    carried: readonly Carried[],
  ): Promise<{ peer: Peer; answer: string }> {
    const peer = new Peer();
    this.#peers.push(peer);
    const sdp = await peer.offer(direction, carried);
    await this.#client.say('soac', { id: transportId, signaling: { type: 'offer', sdp } });
    const { data } = await pick(
      this.#client.notifications,
      'an answer',
      ({ data: { id, status } }) => id === transportId && status === 'soac',
    );
    const answer = String(data.data?.sdp);
    await peer.take(answer);
    return { peer, answer };
  }

  async #end(published: Published | undefined): Promise<Published> {
    if (!published) throw new Error(`${this.person.name} publishes no such thing`);
    const [status, reason] = await this.#client.say('unpublish', { id: published.id });
    if (status !== 'ok') throw new Error(String(reason));
    await published.peer.close();
    return published;
  }

  async #control(kind: MediaKind, operation: 'pause' | 'play'): Promise<void> {
    const answer = await this.#client.say('stream-control', { id: this.#camera?.id, operation, data: kind });
    if (answer[0] !== 'ok') throw new Error(JSON.stringify(answer));
    this.#place.model.pause(this.person, kind, operation === 'pause', this.#camera?.key);
  }

  async #text(to: string, message: string, one?: Person): Promise<void> {
    const answer = await this.#client.say('text', { to, message });
    if (answer[0] !== 'ok') throw new Error(JSON.stringify(answer));
    this.#place.model.say(this.person, message, one);
  }

  #idOf({ name }: Person): string {
    const [id] = [...this.#people].find(([, one]) => one === name) ?? [];
    if (id === undefined) throw new Error(`${this.person.name} does not know ${name}`);
    return id;
  }

  /** Whom tests know by an id are called by it, everybody else by the name that stands here. */
  #joins({ id, user }: Participant): string {
    const known = this.#place.cast.nameOf(id);
    const name = known === id ? this.#place.cast.nameOf(user) : known;
    this.#people.set(id, name);
    return words.joins(name);
  }

  #begins(stream: Stream): string {
    this.#streams.set(stream.id, stream);
    return words.begins(this.#owner(stream), sourcesOf(stream));
  }

  #owner({ info: { owner } }: Stream): string {
    return this.#people.get(owner) ?? owner;
  }

  #told({ event, data }: Notification): string[] {
    switch (event) {
      case 'participant':
        return [this.#participant(data.action ?? '', data.data)];
      case 'stream':
        return this.#stream(data.id ?? '', data.status ?? '', data.data);
      case 'text': {
        const { from, to, message } = data as unknown as { from: string; to: string; message: string };
        const who = this.#people.get(from) ?? from;
        return [to === 'all' ? words.says(who, message) : words.whispers(who, message)];
      }
      case 'progress': {
        // Whoever subscribes is told that the session has ended with the stream, and that it is ready.
        const isOwn = data.id === this.#camera?.id || data.id === this.#screen?.id;
        return isOwn && data.status === 'error' ? [`${this.person.name} has lost what it publishes`] : [];
      }
      default:
        return [`${event} ${JSON.stringify(data)}`];
    }
  }

  #participant(action: string, data: unknown): string {
    if (action === 'join') return this.#joins(data as Participant);
    const who = this.#people.get(String(data)) ?? String(data);
    this.#people.delete(String(data));
    return words.leaves(who);
  }

  #stream(id: string, status: string, data: unknown): string[] {
    if (status === 'add') return [this.#begins(data as Stream)];
    const stream = this.#streams.get(id);
    if (!stream) return [`${status} of ${id}, of which nothing was told`];
    const before = sourcesOf(stream);
    if (status === 'remove') {
      this.#streams.delete(id);
      return [words.ends(this.#owner(stream), before)];
    }
    const { field, value } = data as { field: string; value: unknown };
    if (field === '.') {
      const after = sourcesOf(value as Stream);
      this.#streams.set(id, value as Stream);
      // Otherwise its pictures have another size.
      return after.length < before.length ? [words.keeps(this.#owner(stream), after)] : [];
    }
    const kind = field === 'audio.status' ? 'audio' : 'video';
    const source = before.find((one) => kindOf(one) === kind) ?? 'screen';
    return [(value === 'active' ? words.resumes : words.pauses)(this.#owner(stream), source)];
  }
}

function sourcesOf({ media: { tracks } }: Stream): Source[] {
  return tracks.map(({ source }) => SOURCES[source]);
}

const NO_FLOOR = 'the protocol knows no floors';

export const owt: Driver = {
  protocol: 'owt',
  cannot: {
    rename: 'a member is called as its token says',
    takeFloor: NO_FLOOR,
    giveFloor: NO_FLOOR,
    record: 'its REST call is not served',
    stopRecording: 'its REST call is not served',
    limit: 'its REST call is not served',
  },
  isNotTold: {
    'change the name': 'a member is called as its token says',
    talk: 'the protocol has no word for it',
    'take a floor': NO_FLOOR,
    record: 'the protocol has no word for it',
  },
  enter: (place, person) => OwtMember.enter(place, person),
  tells: (happening: Happening, witness: Person): string[] => {
    const { who, type } = happening;
    switch (type) {
      case 'joined':
        return who === witness ? [] : [words.joins(who.name)];
      case 'left':
        return who === witness ? [] : [words.leaves(who.name)];
      // Publishers are told of their own streams like everybody else.
      case 'stream':
        return changes(who.name, happening.before, happening.after);
      case 'track':
        if (happening.change === 'paused') return [words.pauses(who.name, happening.source)];
        return happening.change === 'resumed' ? [words.resumes(who.name, happening.source)] : [];
      case 'said':
        if (happening.to === undefined) return [words.says(who.name, happening.text)];
        return happening.to === witness ? [words.whispers(who.name, happening.text)] : [];
      default:
        return [];
    }
  },
  sees: (newcomer: Person, { people }: RoomModel): string[] =>
    people
      .filter((one) => one !== newcomer)
      .flatMap(({ name, streams }) => [
        words.joins(name),
        ...[...streams.values()].flatMap((tracks) => partsOf(tracks).map((part) => words.begins(name, part))),
      ]),
};

/** A stream never gets tracks later: what is published in another step is another one. */
function changes(who: string, before: readonly Part[], after: readonly Part[]): string[] {
  const left = after.flat().map(({ id }) => id);
  const ends = before.flatMap((part) => {
    const kept = part.filter(({ id }) => left.includes(id));
    if (kept.length === part.length) return [];
    return [kept.length > 0 ? words.keeps(who, sources(kept)) : words.ends(who, sources(part))];
  });
  const known = new Set(before.flat().map(({ id }) => id));
  const begun = after.flat().filter(({ id }) => !known.has(id));
  return begun.length > 0 ? [...ends, words.begins(who, sources(begun))] : ends;
}

function sources(part: Part): Source[] {
  return part.map(({ source }) => source);
}

function partsOf(tracks: readonly { readonly source: Source; readonly step: number }[]): Source[][] {
  const steps = [...new Set(tracks.map(({ step }) => step))];
  return steps.map((step) => tracks.filter((track) => track.step === step).map(({ source }) => source));
}
