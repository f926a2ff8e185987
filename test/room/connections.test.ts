import { beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../worker/room/connection.ts';
import type { Refusal, RefusalReason } from '../../worker/room/errors.ts';
import type { ViewSection } from '../../worker/room/view.ts';
import { RoomUnderTest } from './room-under-test.ts';

const SECTIONS: readonly ViewSection[] = [
  { mid: '0', kind: 'audio', publicationId: null },
  { mid: '1', kind: 'video', publicationId: null },
];

let test: RoomUnderTest;

beforeEach(() => {
  test = new RoomUnderTest();
  test.enter('ada');
  test.enter('bob');
  test.takeEvents();
});

function takeOrders(): object[] {
  return test.orders.splice(0);
}

function refused(reason: RefusalReason, command: () => unknown): void {
  expect(command).toThrow(expect.objectContaining({ name: 'Refusal', reason }) as Refusal);
}

/** Bob views Ada over a connection of this name. */
function view(id = 'v1', sections = SECTIONS): void {
  const connection = test.room.openConnection('bob', 'receive', 'view ada', id);
  test.room.establish(connection, { tracks: [], views: [{ watchedId: 'ada', sections }] });
}

function publish(id: string, ...tracks: { source: 'microphone' | 'camera' | 'screen'; id: string }[]): void {
  test.room.establish(test.room.openConnection('ada', 'send', 'publish', id), { tracks, views: [] });
}

const place = (mid: string, connection = 'v1') => ({ participantId: 'bob', connection, mid });

describe('a view', () => {
  it('of somebody who publishes nothing yet gets what is published later, replaced and removed', () => {
    view();
    expect(takeOrders()).toEqual([]);
    test.room.publish('ada', 'microphone', 'p1');
    test.room.publish('ada', 'camera', 'p2');
    expect(takeOrders()).toEqual([
      { type: 'attach-producer', ...place('0'), producer: 'p1' },
      { type: 'attach-producer', ...place('1'), producer: 'p2' },
    ]);
    test.room.publish('ada', 'camera', 'p3');
    expect(takeOrders()).toEqual([
      { type: 'close-producer', participantId: 'ada', producer: 'p2' },
      { type: 'attach-producer', ...place('1'), producer: 'p3' },
    ]);
    test.room.publicationEnded('p3');
    expect(takeOrders()).toEqual([{ type: 'detach-producer', ...place('1') }]);
  });

  it('shows a screen rather than the camera, and the camera again afterwards', () => {
    view();
    test.room.publish('ada', 'camera', 'p1');
    takeOrders();
    test.room.publish('ada', 'screen', 'p2');
    expect(takeOrders()).toEqual([{ type: 'attach-producer', ...place('1'), producer: 'p2' }]);
    test.room.unpublish('ada', 'screen');
    expect(takeOrders()).toContainEqual({ type: 'attach-producer', ...place('1'), producer: 'p1' });
  });

  it('makes up for what happened while it was negotiated', () => {
    test.room.publish('ada', 'camera', 'p1');
    test.room.publish('ada', 'camera', 'p2');
    takeOrders();
    view('v1', [{ mid: '1', kind: 'video', publicationId: 'p1' }]);
    expect(takeOrders()).toEqual([{ type: 'attach-producer', ...place('1'), producer: 'p2' }]);
    view('v2', [{ mid: '1', kind: 'video', publicationId: 'p2' }]);
    expect(takeOrders()).toEqual([{ type: 'close-connection', participantId: 'bob', direction: 'receive', connection: 'v1' }]);
  });

  it('ends with the participant that is viewed, and nothing of it comes back when that one returns', () => {
    view();
    test.room.leave('ada', 'left');
    expect(takeOrders()).toEqual([{ type: 'close-connection', participantId: 'bob', direction: 'receive', connection: 'v1' }]);
    test.enter('ada');
    test.room.publish('ada', 'camera', 'p1');
    expect(takeOrders()).toEqual([]);
    expect(test.room.connectionsOf('bob')).toEqual([]);
  });

  it('ends with its viewer', () => {
    view();
    test.room.leave('bob', 'left');
    takeOrders();
    test.room.publish('ada', 'camera', 'p1');
    expect(takeOrders()).toEqual([]);
  });
});

describe('a negotiation', () => {
  it('is superseded by a newer one for the same purpose, and the earlier connection stays until that has come to something', () => {
    publish('n1', { source: 'camera', id: 'p1' });
    const second = test.room.openConnection('ada', 'send', 'publish', 'n2');
    const third = test.room.openConnection('ada', 'send', 'publish', 'n3');
    refused('superseded', () => test.room.establish(second, { tracks: [{ source: 'camera', id: 'p2' }], views: [] }));
    test.room.closeConnection('n2');
    expect(test.room.publicationsOf('ada')).toMatchObject([{ id: 'p1' }]);
    takeOrders();
    test.room.establish(third, { tracks: [{ source: 'camera', id: 'p3' }], views: [] });
    expect(takeOrders()).toEqual([{ type: 'close-connection', participantId: 'ada', direction: 'send', connection: 'n1' }]);
    expect(test.room.publicationsOf('ada')).toMatchObject([{ id: 'p3', connectionId: 'n3' }]);
  });

  it('that failed leaves what was before', () => {
    publish('n1', { source: 'camera', id: 'p1' });
    test.room.openConnection('ada', 'send', 'publish', 'n2');
    test.room.closeConnection('n2');
    expect(test.room.publicationsOf('ada')).toMatchObject([{ id: 'p1' }]);
    expect(test.room.connectionFor('ada', 'publish')?.id).toBe('n1');
  });

  it('is superseded when the participant leaves, also if it comes back', () => {
    const connection = test.room.openConnection('ada', 'send', 'publish', 'n1');
    test.room.leave('ada', 'left');
    test.enter('ada');
    refused('superseded', () => test.room.establish(connection, { tracks: [], views: [] }));
    refused('superseded', () => test.room.requireNewest(connection));
  });
});

describe('a connection that is for several things', () => {
  const camera = { watchedId: 'ada', sources: ['microphone', 'camera'] as const, sections: SECTIONS };
  const screen = { watchedId: 'ada', sources: ['screen'] as const, sections: [{ mid: '2', kind: 'video', publicationId: null }] as const };
  let connection: Connection;

  beforeEach(() => {
    connection = test.room.establish(test.room.openConnection('bob', 'both', 't1', 'n1'), { tracks: [], views: [camera, screen] });
    takeOrders();
  });

  it('shows a camera and a screen each in its own view', () => {
    test.room.publish('ada', 'screen', 'p1');
    expect(takeOrders()).toEqual([{ type: 'attach-producer', ...place('2', 'n1'), producer: 'p1' }]);
    test.room.publish('ada', 'camera', 'p2');
    expect(takeOrders()).toEqual([{ type: 'attach-producer', ...place('1', 'n1'), producer: 'p2' }]);
    expect(test.notices).toMatchObject([
      { type: 'view-changed', participantId: 'bob', view: { sources: ['screen'] } },
      { type: 'view-changed', participantId: 'bob', view: { sources: ['microphone', 'camera'] } },
    ]);
  });

  it('keeps what went on when it is negotiated again, and ends what is not named any more without an order', () => {
    const tracks = [
      { source: 'microphone' as const, id: 'p1' },
      { source: 'camera' as const, id: 'p2' },
    ];
    test.room.establish(test.room.reopenConnection('bob', 'n1'), { tracks, views: [camera, screen] });
    test.takeEvents();
    const again = test.room.reopenConnection('bob', 'n1');
    expect(again).toMatchObject({ attempt: 3, isEstablished: true });
    refused('superseded', () => test.room.establish(connection, { tracks: [], views: [] }));
    test.room.establish(again, { tracks: tracks.slice(0, 1), views: [screen] });
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-removed', publication: { id: 'p2' } },
      { type: 'indication-changed', kind: 'video', on: false },
    ]);
    expect(takeOrders()).toEqual([]);
    expect(test.room.viewsBy('bob')).toMatchObject([{ sources: ['screen'] }]);
  });

  it('is nobody else’s to negotiate, and stays when everybody that it views has left', () => {
    refused('superseded', () => test.room.reopenConnection('ada', 'n1'));
    test.room.leave('ada', 'left');
    expect(takeOrders()).toEqual([]);
    expect(test.room.viewsBy('bob')).toEqual([]);
    expect(test.room.connection('n1')).toBeDefined();
  });

  it('ends a view by itself, and empties its sections', () => {
    test.room.publish('ada', 'camera', 'p1');
    takeOrders();
    test.room.endViews('n1', ['0', '1']);
    expect(takeOrders()).toEqual([{ type: 'detach-producer', ...place('1', 'n1') }]);
    test.room.publish('ada', 'microphone', 'p2');
    expect(takeOrders()).toEqual([]);
  });

  it('keeps a section paused through another negotiation, and says so again to the media node', () => {
    const pause = { type: 'pause-section', ...place('1', 'n1'), paused: true };
    expect(test.room.setSectionPaused('n1', '1', true)).toBe(true);
    expect(test.room.setSectionPaused('n1', '7', true)).toBe(false);
    expect(takeOrders()).toEqual([pause]);
    test.room.establish(test.room.reopenConnection('bob', 'n1'), { tracks: [], views: [camera] });
    expect(takeOrders()).toEqual([pause]);
    test.room.setSectionPaused('n1', '1', false);
    expect(takeOrders()).toEqual([{ ...pause, paused: false }]);
  });
});

describe('a notice', () => {
  it('is given of a connection only after it was established, whose state then is known', () => {
    const connection = test.room.openConnection('bob', 'receive', 'view ada', 'n1');
    test.room.connectionChanged('n1', 'connected', 0);
    expect(test.notices).toEqual([]);
    const established = test.room.establish(test.room.requireNewest(connection), { tracks: [], views: [] });
    expect(established.state).toBe('connected');
    test.room.connectionChanged('n1', 'lost', 0);
    test.room.connectionChanged('n1', 'closed', 0);
    expect(test.notices).toMatchObject([
      { type: 'connection-changed', participantId: 'bob', connection: { id: 'n1', state: 'lost' } },
      { type: 'connection-closed', participantId: 'bob', connection: { id: 'n1' } },
    ]);
  });

  it('is not given of what the participant itself closes or replaces', () => {
    view('n1');
    view('n2');
    test.room.closeConnection('n2');
    expect(test.notices).toEqual([]);
  });

  it('is not given of an offered view whose watched has left; it is closed', () => {
    test.room.openConnection('bob', 'receive', 'view ada', 'n1', { offered: { watchedId: 'ada', generation: 1 } });
    test.room.leave('ada', 'left');
    expect(takeOrders()).toEqual([{ type: 'close-connection', participantId: 'bob', direction: 'receive', connection: 'n1' }]);
    expect(test.notices).toEqual([]);
  });
});

describe('a connection in which streams are published', () => {
  it('publishes in streams of its own, with what others are told of them; what nobody wants is closed', () => {
    test.room.openStream('ada', 'talk', { attributes: { topic: 'x' } });
    const connection = test.room.openConnection('ada', 'both', 'all', 'c1');
    const tracks = [{ source: 'camera', id: 'p1', stream: 'talk', codec: 'VP8', rids: ['q', 'f'] }] as const;
    test.room.establish(connection, { tracks, leftover: ['p2'], views: [] });
    expect(test.room.stream('talk')?.publications).toMatchObject([{ id: 'p1', codec: 'VP8', rids: ['q', 'f'] }]);
    expect(takeOrders()).toEqual([{ type: 'close-producer', participantId: 'ada', producer: 'p2' }]);
  });

  it('knows which streams may be published in', () => {
    test.room.openStream('ada', 'talk');
    expect(test.room.isOpenStream('talk')).toBe(true);
    test.room.closeStream('talk');
    expect(test.room.isOpenStream('talk')).toBe(false);
  });

  it('sends the layers that were chosen in a section', () => {
    view();
    takeOrders();
    expect(test.room.setSectionLayers('v1', '1', { spatialLayer: 1 })).toBe(true);
    expect(takeOrders()).toEqual([{ type: 'choose-layers', ...place('1'), layers: { spatialLayer: 1 } }]);
    expect(test.room.setSectionLayers('v1', 'nowhere', { spatialLayer: 1 })).toBe(false);
    expect(takeOrders()).toEqual([]);
  });

  it('does not make its participant vanish when it is closed after it was lost', () => {
    publish('c1', { source: 'camera', id: 'p1' });
    test.room.connectionChanged('c1', 'lost', 1_000);
    expect(test.room.participant('ada')?.presence).toMatchObject({ state: 'present', until: 11_000 });
    test.room.closeConnection('c1');
    expect(test.room.participant('ada')?.presence).toMatchObject({ state: 'present', until: null });
  });
});

describe('a negotiated connection that is closed by the client', () => {
  it('takes its publications along', () => {
    publish('n1', { source: 'microphone', id: 'p1' }, { source: 'camera', id: 'p2' });
    test.takeEvents();
    test.room.connectionChanged('n1', 'closed', 0);
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-removed', publication: { id: 'p1' } },
      { type: 'publication-removed', publication: { id: 'p2' } },
      { type: 'indication-changed', kind: 'audio', on: false },
      { type: 'indication-changed', kind: 'video', on: false },
    ]);
  });

  it('is no sign of having vanished, but losing all of them is', () => {
    publish('n1');
    test.room.connectionChanged('n1', 'connected', 0);
    test.room.connectionChanged('n1', 'closed', 1_000);
    expect(test.room.nextDeadline()).toBeNull();
    publish('n2');
    test.room.connectionChanged('n2', 'connected', 2_000);
    test.room.connectionChanged('n2', 'lost', 3_000);
    expect(test.room.nextDeadline()).toBe(13_000);
  });
});

describe('a participant that declares its indication', () => {
  beforeEach(() => {
    test.room.join('eve', 0, 0, { takeover: 'word', indication: { audio: true, video: false } });
    test.room.openSession('eve', 's1');
    test.takeEvents();
    takeOrders();
  });

  it('is announced with it, and what it publishes is paused for the others only in words', () => {
    expect(test.room.indicationOf('eve')).toEqual({ audio: true, video: false });
    const tracks = [
      { source: 'microphone' as const, id: 'p1' },
      { source: 'camera' as const, id: 'p2' },
    ];
    test.room.establish(test.room.openConnection('eve', 'send', 'publish', 'n1'), { tracks, views: [] });
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-added', publication: { source: 'microphone', paused: false } },
      { type: 'publication-added', publication: { source: 'camera', paused: true } },
    ]);
    test.room.declare('eve', 'video', true);
    expect(test.takeEvents()).toMatchObject([
      { type: 'publication-resumed', publication: { id: 'p2', paused: false } },
      { type: 'indication-changed', kind: 'video', on: true },
    ]);
    test.room.declare('eve', 'video', true);
    expect(test.takeEvents()).toMatchObject([{ type: 'indication-changed', kind: 'video', on: true }]);
    expect(takeOrders()).toEqual([]);
  });

  it('is replaced by a newcomer with the same word, and by nobody else', () => {
    refused('already-joined', () => test.room.join('eve', 0, 0));
    refused('already-joined', () => test.room.join('eve', 0, 0, { takeover: 'another' }));
    refused('already-joined', () => test.room.join('ada', 0, 0, { takeover: 'word' }));
    test.room.join('eve', 0, 0, { takeover: 'word', indication: { audio: false, video: false } });
    test.room.openSession('eve', 's2');
    test.room.endSession('eve', 's1');
    expect(test.takeEvents()).toMatchObject([
      { type: 'participant-left', participantId: 'eve', reason: 'replaced' },
      { type: 'participant-joined', participantId: 'eve', indication: { audio: false, video: false } },
    ]);
  });
});

it('forgets connections and views without an order when the media node has lost everything', () => {
  view();
  publish('n1', { source: 'camera', id: 'p1' });
  takeOrders();
  test.room.mediaLost(0);
  expect(takeOrders()).toEqual([]);
  expect(test.store.load()).toMatchObject({ connections: [], views: [], publications: [] });
});
