import { beforeEach, describe, expect, it } from 'vitest';
import type { RefusalReason } from '../../worker/room/errors.ts';
import type { RoomEvent } from '../../worker/room/events.ts';
import type { Source } from '../../worker/room/publication.ts';
import { RoomUnderTest } from './room-under-test.ts';

let test: RoomUnderTest;
beforeEach(() => {
  test = new RoomUnderTest();
  test.enter('ada');
  test.enter('bob');
  test.takeAllEvents();
});

/** Publishes over a new connection. */
function publish(connection: string, sources: readonly Source[], stream?: string, purpose = stream ?? 'publish'): void {
  const opened = test.room.openConnection('ada', 'send', purpose, connection);
  const tracks = sources.map((source) => ({ source, id: `${connection}-${source}`, ...(stream !== undefined && { stream }) }));
  test.room.establish(opened, { tracks, views: [] });
}

/** Bob watches one stream of Ada's, in two sections. */
function watch(stream: string): void {
  const opened = test.room.openConnection('bob', 'receive', `view ${stream}`, `view-${stream}`);
  const sections = [
    { mid: '0', kind: 'audio' as const, publicationId: null },
    { mid: '1', kind: 'video' as const, publicationId: null },
  ];
  test.room.establish(opened, { tracks: [], views: [{ watchedId: 'ada', stream, sections }] });
}

/** What was told of streams since the last call: the event, the stream, and what is in it. */
function told(): string[] {
  const events = test.takeAllEvents() as RoomEvent[];
  return events.flatMap((event) =>
    'stream' in event && typeof event.stream === 'object'
      ? `${event.type} ${event.stream.id}: ${event.stream.publications.map(({ source }) => source).join(' ')}`
      : [],
  );
}

function refused(reason: RefusalReason, command: () => unknown): void {
  expect(command).toThrow(expect.objectContaining({ reason }) as Error);
}

describe('a stream', () => {
  it('without a name is one of camera and microphone, and one of the screen', () => {
    const { generation } = test.room.require('ada');
    test.room.publish('ada', 'microphone', 'p1');
    test.room.publish('ada', 'camera', 'p2');
    test.room.publish('ada', 'screen', 'p3');
    expect(told()).toEqual([
      `stream-started ${generation}-main: microphone`,
      `stream-changed ${generation}-main: microphone camera`,
      `stream-started ${generation}-screen: screen`,
    ]);
    test.room.unpublish('ada', 'microphone');
    test.room.unpublish('ada', 'camera');
    expect(told()).toEqual([`stream-changed ${generation}-main: camera`, `stream-ended ${generation}-main: camera`]);
    expect(test.room.streams().map(({ id }) => id)).toEqual([`${generation}-screen`]);
  });

  it('is told once, whatever came and went together, and changes when it is published anew over another connection', () => {
    publish('c1', ['microphone', 'camera']);
    expect(told()).toEqual([expect.stringMatching(/^stream-started \d+-main: microphone camera$/u)]);
    publish('c2', ['microphone', 'camera']);
    expect(told()).toEqual([expect.stringMatching(/^stream-changed \d+-main: microphone camera$/u)]);
    test.room.closeConnection('c2');
    expect(told()).toEqual([expect.stringMatching(/^stream-ended \d+-main: microphone camera$/u)]);
  });

  it('with a name is one of as many as its owner likes, and nobody else can have the name', () => {
    test.room.openStream('ada', 'one', { label: 'news', attributes: { language: 'ko' } });
    test.room.openStream('ada', 'two', { label: 'weather' });
    refused('stream-exists', () => test.room.openStream('bob', 'three', { label: 'news' }));
    refused('stream-exists', () => test.room.openStream('bob', 'one'));
    expect(told()).toEqual([]);
    expect(test.room.stream('one')).toBeUndefined();
    publish('c1', ['camera'], 'one');
    publish('c2', ['camera', 'microphone'], 'two');
    expect(told()).toEqual(['stream-started one: camera', 'stream-started two: camera microphone']);
    expect(test.room.stream('one')).toMatchObject({ participantId: 'ada', label: 'news', attributes: { language: 'ko' } });
    test.room.closeStream('one');
    expect(told()).toEqual(['stream-ended one: camera']);
    expect(test.orders).toContainEqual({ type: 'close-producer', participantId: 'ada', producer: 'c1-camera' });
    expect(test.room.openStream('bob', 'three', { label: 'news' }).participantId).toBe('bob');
  });

  it('that never began is forgotten with its owner, and without a word', () => {
    test.room.openStream('ada', 'one', { label: 'news' });
    test.room.leave('ada', 'left');
    expect(told()).toEqual([]);
    expect(test.room.streamLabelled('news')).toBeUndefined();
  });

  it('is not published in by somebody else, nor when it was closed', () => {
    test.room.openStream('bob', 'of-bob');
    refused('stream-not-found', () => {
      publish('c1', ['camera'], 'of-bob');
    });
    refused('stream-not-found', () => {
      publish('c2', ['camera'], 'never');
    });
    expect(test.room.publicationsOf('ada')).toEqual([]);
  });

  it('is paused by kind, for everybody', () => {
    test.room.openStream('ada', 'one');
    publish('c1', ['camera', 'microphone'], 'one');
    expect(test.room.setStreamPaused('one', 'video', true)).toBe(true);
    expect(test.room.setStreamPaused('nothing', 'video', true)).toBe(false);
    const paused = test.room.publicationsOf('ada').filter((publication) => publication.paused);
    expect(paused.map(({ source }) => source)).toEqual(['camera']);
    expect(test.orders).toContainEqual({ type: 'pause-producer', participantId: 'ada', producer: 'c1-camera' });
  });

  it('ends before its owner has left', () => {
    publish('c1', ['camera']);
    test.takeAllEvents();
    test.room.leave('ada', 'left');
    expect(test.takeAllEvents().map(({ type }) => type)).toEqual(['stream-ended', 'participant-left']);
  });
});

describe('whoever watches a stream', () => {
  beforeEach(() => {
    test.room.openStream('ada', 'one');
    publish('c1', ['camera', 'microphone'], 'one');
    publish('c2', ['camera', 'microphone']);
    watch('one');
  });

  it('sees that stream only', () => {
    const [view] = test.room.viewsBy('bob');
    expect(view?.sections.map(({ publicationId }) => publicationId)).toEqual(['c1-microphone', 'c1-camera']);
  });

  it('is watching still while its end is told, and has lost the connection afterwards', () => {
    let watching = -1;
    const seen = new RoomUnderTest();
    seen.enter('ada');
    seen.enter('bob');
    test = seen;
    test.room.openStream('ada', 'one');
    publish('c1', ['camera'], 'one');
    watch('one');
    test.onEvent = (event) => {
      if (event.type === 'stream-ended') watching = test.room.viewsOfStream('one').length;
    };
    test.room.closeStream('one');
    expect(watching).toBe(1);
    expect(test.room.viewsBy('bob')).toEqual([]);
    expect(test.room.connectionsOf('bob')).toEqual([]);
    expect(test.notices.at(-1)).toMatchObject({ type: 'connection-closed', participantId: 'bob' });
  });

  it('cannot begin to when the stream has ended', () => {
    test.room.closeStream('one');
    refused('stream-not-found', () => {
      watch('one');
    });
  });
});
