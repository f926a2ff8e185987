/** The document's limits, as far as the media node can see to them: what cameras and screens may send, and which layers members get. */
import type { MediaId } from '../../../shared/ids.ts';
import { logger } from '../../platform/logger.ts';
import type { MediaLimits } from '../../room/conference.ts';
import type { RoomEvent } from '../../room/events.ts';
import type { Publication } from '../../room/publication.ts';
import type { Room } from '../../room/room.ts';
import type { LiveRoom } from '../protocol.ts';
import { countOf, ORIGIN, usageOf } from './identity.ts';
import { bitrateOf, LAYERED_BITRATE, type Layout, layoutOf, SCREEN, SMALLEST, spatialLayerOf } from './layouts.ts';

/** A connection with a screen in it carries sound as well, in bits per second. */
const AUDIO_BITRATE = 128_000;

/** No simulcast has a higher layer. */
const HIGHEST_LAYER = 2;

/** After what the limits may be different. */
const RELEVANT: ReadonlySet<RoomEvent['type']> = new Set<RoomEvent['type']>([
  'participant-joined',
  'participant-left',
  'stream-started',
  'stream-ended',
]);

/** Keeps the media node's limits in step with the room. */
export class Policy {
  /** What the media node was told last; unknown after the adapter's sleep. */
  #told = '';
  #limited: readonly MediaId[] = [];
  #isWorking = false;

  /** Follows an event, where it matters. */
  after({ type }: RoomEvent, live: LiveRoom): void {
    if (RELEVANT.has(type)) this.follow(live);
  }

  /** To be called after whatever else may change the limits. They follow once the change is complete, in one call for many changes. */
  follow(live: LiveRoom): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    queueMicrotask(() => {
      void this.#work(live).finally(() => {
        this.#isWorking = false;
      });
    });
  }

  async #work({ room, conference }: LiveRoom): Promise<void> {
    for (let limits = this.#changed(room); limits; limits = this.#changed(room)) {
      const isTold = await conference.setLimits(limits).catch((error: unknown) => {
        logger.warn('knowledgetalk: limits were not set', { room: room.id, error: String(error) });
        return false;
      });
      if (isTold) continue;
      // The next change tries again.
      this.#told = '';
      return;
    }
  }

  /** What the media node does not know yet. */
  #changed(room: Room): MediaLimits | undefined {
    // The room is over, and so are its media.
    if (room.participants().length === 0) return undefined;
    const own = ownLimits(room);
    const limited = own.map(({ connection }) => connection);
    const lifted = this.#limited.filter((connection) => !limited.includes(connection)).map((connection) => ({ connection }));
    const limits = { everyConnection: everyLimit(room), connections: own, sections: sectionLayers(room) };
    const told = JSON.stringify(limits);
    if (told === this.#told) return undefined;
    this.#told = told;
    this.#limited = limited;
    return { ...limits, connections: [...own, ...lifted] };
  }
}

/** Members of other protocols have no such limits among themselves. */
function isOurs(room: Room): boolean {
  return room.participants().some(({ origin }) => origin === ORIGIN);
}

function cameraLayout(room: Room): Layout {
  if (!isOurs(room)) return { members: Infinity, width: Infinity, height: Infinity, framerate: Infinity };
  return screensOf(room).length > 0 ? SMALLEST : layoutOf(countOf(room));
}

function screensOf(room: Room): Publication[] {
  const shared = room.streams().filter((stream) => usageOf(stream) === 'screen');
  return shared.flatMap(({ publications }) => publications.filter(({ source }) => source === 'screen'));
}

function everyLimit(room: Room): NonNullable<MediaLimits['everyConnection']> {
  return isOurs(room) ? { maxVideoBitrate: bitrateOf(cameraLayout(room)), maxLayeredBitrate: LAYERED_BITRATE } : {};
}

/** What carries a screen may send more than a camera; what carries both, the sum. */
function ownLimits(room: Room): { connection: MediaId; maxIncomingBitrate: number }[] {
  if (!isOurs(room)) return [];
  return screensOf(room).flatMap(({ participantId, connectionId }) => {
    const connection =
      connectionId ?? room.connectionsOf(participantId).find(({ negotiated, direction }) => !negotiated && direction === 'send')?.id;
    if (connection === undefined) return [];
    const carried = room.publicationsOf(participantId).filter((publication) => publication.connectionId === connectionId);
    const hasLayers = carried.some(({ rids = [] }) => rids.length > 1);
    const single = connectionId === undefined ? bitrateOf(cameraLayout(room)) : 0;
    const camera = hasLayers ? LAYERED_BITRATE : single;
    return [{ connection, maxIncomingBitrate: bitrateOf(SCREEN) + camera + AUDIO_BITRATE }];
  });
}

function sectionLayers(room: Room): { connection: MediaId; mid: string; spatialLayer: number }[] {
  const camera = spatialLayerOf(cameraLayout(room));
  const screens = new Set(screensOf(room).map(({ stream }) => stream));
  const viewers = [...room.participants(), ...room.observers()].filter(({ origin }) => origin === ORIGIN);
  return viewers.flatMap(({ id }) =>
    room.viewsBy(id).flatMap(({ connectionId, stream, sections }) => {
      const spatialLayer = stream !== undefined && screens.has(stream) ? HIGHEST_LAYER : camera;
      const pictures = sections.filter(({ kind }) => kind === 'video');
      return pictures.map(({ mid }) => ({ connection: connectionId, mid, spatialLayer }));
    }),
  );
}
