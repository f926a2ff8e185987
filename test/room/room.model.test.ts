import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Refusal } from '../../worker/room/errors.ts';
import type { RoomEvent } from '../../worker/room/events.ts';
import type { Floor } from '../../worker/room/floor.ts';
import type { Stream } from '../../worker/room/stream.ts';
import { kindOf, type Source } from '../../worker/room/publication.ts';
import { contentsOf, RoomUnderTest, sectionsAfter } from './room-under-test.ts';

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
  fc.record({ type: fc.constant('take over' as const), participant, audio: fc.boolean(), video: fc.boolean() }),
  fc.record({
    type: fc.constant('declare' as const),
    participant,
    kind: fc.constantFrom('audio' as const, 'video' as const),
    on: fc.boolean(),
  }),
  fc.record({ type: fc.constant('publish by offer' as const), participant, sources: fc.uniqueArray(source) }),
  fc.record({ type: fc.constant('view by offer' as const), participant, watched: participant, sections: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ type: fc.constant('offer in vain' as const), participant, purpose: fc.constantFrom('publish', 'view ada') }),
  fc.record({
    type: fc.constant('report' as const),
    participant,
    which: fc.nat({ max: 3 }),
    state: fc.constantFrom('connected' as const, 'lost' as const, 'closed' as const),
  }),
  fc.record({
    type: fc.constant('stream by offer' as const),
    participant,
    name: fc.constantFrom('one', 'two'),
    sources: fc.uniqueArray(source),
  }),
  fc.record({ type: fc.constant('close stream' as const), name: fc.constantFrom('one', 'two') }),
  fc.record({ type: fc.constant('floor' as const), participant, floor: fc.constantFrom<Floor>('screen', 'files'), take: fc.boolean() }),
  fc.record({ type: fc.constant('observe' as const), participant }),
  fc.record({ type: fc.constant('disclose' as const) }),
  fc.record({ type: fc.constant('sweep' as const), wait: fc.integer({ min: 0, max: 30_000 }) }),
  fc.record({ type: fc.constant('media lost' as const) }),
);
/** Without a size the library makes some ten at most, after which little has happened. */
const manyCommands = fc.array(command, { maxLength: 60, size: 'max' });
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

class Player {
  readonly test = new RoomUnderTest();
  /** What stood in the sections of each connection when it was negotiated. */
  readonly negotiated = new Map<string, Record<string, string | null>>();
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
      case 'take over':
        room.join(step.participant, this.#now, this.#now + 20_000, {
          takeover: 'word',
          indication: { audio: step.audio, video: step.video },
        });
        return room.openSession(step.participant, 's1');
      case 'declare':
        room.declare(step.participant, step.kind, step.on);
        return undefined;
      case 'publish by offer':
        return this.#publish(step.participant, step.sources);
      case 'view by offer':
        return this.#view(step.participant, step.watched, step.sections);
      case 'stream by offer': {
        if (!room.streamLabelled(step.name)) room.openStream(step.participant, `${step.name}-${++this.#ids}`, { label: step.name });
        const stream = room.streamLabelled(step.name)?.id ?? '';
        return this.#publish(step.participant, step.sources, stream);
      }
      case 'close stream':
        room.closeStream(room.streamLabelled(step.name)?.id ?? '');
        return undefined;
      case 'floor':
        if (step.take) room.takeFloor(step.floor, step.participant);
        else room.releaseFloor(step.floor, step.participant);
        return undefined;
      case 'observe':
        return room.join(step.participant, this.#now, this.#now + 20_000, { observer: true });
      case 'offer in vain':
        room.closeConnection(room.openConnection(step.participant, 'send', step.purpose, `n${++this.#ids}`).id);
        return undefined;
      case 'report': {
        const connection = room.connectionsOf(step.participant)[step.which];
        if (connection) room.connectionChanged(connection.id, step.state, this.#now);
        return undefined;
      }
      case 'disclose':
        room.disclose(room.participants());
        return undefined;
      case 'sweep':
        this.#now += step.wait;
        room.sweep(this.#now);
        return undefined;
      case 'media lost':
        room.mediaLost(this.#now);
        return undefined;
    }
  }

  #publish(id: string, sources: readonly Source[], stream?: string): unknown {
    const connection = this.test.room.openConnection(id, 'send', `publish ${stream ?? ''}`, `n${++this.#ids}`);
    const tracks = sources.map((one) => ({ source: one, id: `p${++this.#ids}`, ...(stream !== undefined && { stream }) }));
    try {
      return this.test.room.establish(connection, { tracks, views: [] });
    } catch (error) {
      // As the conference does with a connection of which nothing came.
      this.test.room.closeConnection(connection.id);
      throw error;
    }
  }

  /** Sections: audio, video, video. The media node has attached nothing yet when the room hears of them. */
  #view(id: string, watched: string, count: number): unknown {
    const { room } = this.test;
    room.require(watched);
    const connection = room.openConnection(id, 'receive', `view ${watched}`, `n${++this.#ids}`);
    const kinds = (['audio', 'video', 'video'] as const).slice(0, count);
    this.negotiated.set(connection.id, Object.fromEntries(kinds.map((_kind, index) => [String(index), null])));
    const sections = kinds.map((kind, index) => ({ mid: String(index), kind, publicationId: null }));
    return room.establish(connection, { tracks: [], views: [{ watchedId: watched, sections }] });
  }

  #subscribe(id: string): unknown {
    const { room } = this.test;
    const [publication] = room.participants().flatMap((other) => room.publicationsOf(other.id));
    return publication && room.subscribe(id, `c${++this.#ids}`, publication.id);
  }
}

/** The streams that there are, by the events alone: the publications in each. */
function streamsFrom(events: readonly RoomEvent[]): Map<string, string[]> {
  const streams = new Map<string, string[]>();
  const note = (stream: Stream) => streams.set(stream.id, stream.publications.map(({ id }) => id).toSorted());
  for (const event of events) {
    if (event.type === 'participant-joined') for (const stream of event.streams) note(stream);
    if (event.type === 'stream-started') expect(streams.has(event.stream.id), 'started twice').toBe(false);
    if (event.type === 'stream-started' || event.type === 'stream-changed') note(event.stream);
    if (event.type === 'stream-ended') expect(streams.delete(event.stream.id), 'ended twice').toBe(true);
  }
  return streams;
}

/** Who has which floor, by the events alone. */
function floorsFrom(events: readonly RoomEvent[]): Map<string, string> {
  const floors = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'floor-taken') floors.set(event.floor, event.participantId);
    if (event.type === 'floor-released') expect(floors.delete(event.floor)).toBe(true);
  }
  return floors;
}

/** A client that believes nothing but the events: participant → its publications and whether they are paused, and its indication. */
function viewFrom(events: readonly RoomEvent[]): Map<string, Map<string, boolean>> {
  const view = new Map<string, Map<string, boolean>>();
  for (const event of events) {
    const known = view.get(event.participantId);
    if (event.type === 'participant-joined') {
      expect(known, 'joined twice').toBeUndefined();
      const publications = event.publications.map(({ id, paused }) => [id, paused] as const);
      view.set(event.participantId, new Map([...publications, ...Object.entries(event.indication)]));
      continue;
    }
    if (!known) throw new Error(`${event.type} about somebody who was never announced`);
    if (event.type === 'participant-left') view.delete(event.participantId);
    else if (event.type === 'publication-removed') expect(known.delete(event.publication.id)).toBe(true);
    else if (event.type === 'indication-changed') known.set(event.kind, event.on);
    else if ('publication' in event) known.set(event.publication.id, event.publication.paused);
  }
  return view;
}

it('whatever happens, the events alone tell the state, without gaps, and the store can rebuild it', () => {
  fc.assert(
    fc.property(manyCommands, (commands) => {
      const player = new Player();
      for (const step of commands) player.play(step);
      const { room, events } = player.test;

      expect(events.map((event) => event.sequence)).toEqual(events.map((_event, index) => index + 1));
      const announced = room.participants().filter(({ presence }) => presence.state !== 'entering');
      const state = announced.map(({ id }) => {
        const publications = room.publicationsOf(id).map((one) => [one.id, one.paused] as const);
        return [id, new Map([...publications, ...Object.entries(room.indicationOf(id))])] as const;
      });
      expect(viewFrom(events)).toEqual(new Map(state));
      const announcedIds = new Set(announced.map(({ id }) => id));
      const streams = room.streams().filter(({ participantId }) => announcedIds.has(participantId));
      expect(streamsFrom(events)).toEqual(
        new Map(streams.map(({ id, publications }) => [id, publications.map((one) => one.id).toSorted()])),
      );
      for (const [floor, holder] of floorsFrom(events)) expect(room.floorHolder(floor as Floor)).toBe(holder);
      expect(contentsOf(player.test.reloaded())).toEqual(contentsOf(room));
    }),
    { numRuns: 500 },
  );
});

it('nobody has two publications of one source in a stream, and no record outlives what it belongs to', () => {
  fc.assert(
    fc.property(manyCommands, (commands) => {
      const player = new Player();
      for (const step of commands) player.play(step);
      const { room, store } = player.test;
      for (const { id } of room.participants()) {
        const sources = room.publicationsOf(id).map((publication) => `${publication.stream} ${publication.source}`);
        expect(new Set(sources).size).toBe(sources.length);
      }
      const { participants, publications, subscriptions, connections, views } = store.load();
      const ids = new Set(participants.map(({ id }) => id));
      expect(publications.filter(({ participantId }) => !ids.has(participantId))).toEqual([]);
      const published = new Set(publications.map(({ id }) => id));
      expect(subscriptions.filter((one) => !ids.has(one.participantId) || !published.has(one.publicationId))).toEqual([]);
      expect(connections.filter(({ participantId }) => !ids.has(participantId))).toEqual([]);
      const connected = new Set(connections.map(({ id }) => id));
      const isOrphan = (one: (typeof views)[number]) =>
        !ids.has(one.participantId) || !ids.has(one.watchedId) || !connected.has(one.connectionId);
      expect(views.filter(isOrphan)).toEqual([]);
      expect(publications.filter(({ connectionId }) => connectionId !== undefined && !connected.has(connectionId))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

/** What a viewer with sections of these kinds is to see, said in another way than the room finds it. */
function bestOf(test: RoomUnderTest, watched: string, kinds: readonly string[]): (string | null)[] {
  const rank = (one: { source: Source }) => (one.source === 'screen' ? 0 : 1);
  const left = test.room.publicationsOf(watched).toSorted((one, other) => rank(one) - rank(other));
  return kinds.map((kind) => {
    const found = left.find((one) => kindOf(one.source) === kind);
    if (found) left.splice(left.indexOf(found), 1);
    return found?.id ?? null;
  });
}

it('orders alone bring every view to what there is to see, in the only connection for its purpose', () => {
  fc.assert(
    fc.property(manyCommands, (commands) => {
      const player = new Player();
      for (const step of commands) player.play(step);
      const { test, negotiated } = player;
      const sections = sectionsAfter(test.orders, negotiated);
      for (const view of test.room.participants().flatMap(({ id }) => test.room.viewsBy(id))) {
        const kinds = view.sections.map(({ kind }) => kind);
        const expected = bestOf(test, view.watchedId, kinds);
        expect(Object.values(sections.get(view.connectionId) ?? {})).toEqual(expected);
        expect(view.sections.map(({ publicationId }) => publicationId)).toEqual(expected);
      }
      const connections = test.room.participants().flatMap(({ id }) => test.room.connectionsOf(id));
      const purposes = connections.map(({ participantId, purpose }) => `${participantId} ${purpose}`);
      expect(new Set(purposes).size).toBe(purposes.length);
    }),
    { numRuns: 500 },
  );
});
