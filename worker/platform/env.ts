import type { RoomId } from '../../shared/ids.ts';
import type { MediaEventBatch } from '../../shared/media-api.ts';

/** What the front door may ask a room object, beside handing a WebSocket upgrade to its `fetch`. */
export interface RoomGate extends Rpc.DurableObjectBranded {
  /**
   * A call of a protocol's HTTP API.
   *
   * @param protocol name of the protocol in the table of protocols.
   * @param request what that protocol's front-door part made of the HTTP request.
   * @returns the body of the answer, serialised.
   */
  call(room: RoomId, protocol: string, request: object): Promise<string>;
  /** Events of the media node. @returns false when they belong to a life of the room that is over. */
  takeMediaEvents(batch: MediaEventBatch): Promise<boolean>;
  /** Whether the room still has this life: neither did it end, nor was it made again under its name. */
  isLiving(life: string): boolean;
}

/** What wrangler.toml binds to the Worker. Its settings are read by `settings.ts`. */
export interface Env {
  /** One object per room, named by the room's id. */
  readonly ROOMS: DurableObjectNamespace<RoomGate>;
  /** One object per client that speaks Socket.IO over polling. */
  readonly POLLING_SESSIONS: DurableObjectNamespace;
  /** What outlives rooms, or is asked for across them: tenants, and lists of files, recordings and calls. */
  readonly DB: D1Database;
  /** The bytes of shared files and recordings. */
  readonly FILES: R2Bucket;
  /** The meeting page. */
  readonly ASSETS: Fetcher;
}

/** Headers by which the front door tells the room object what an upgrade is for. A client's own are overwritten. */
export const ROOM_HEADER = 'x-parley-room';
export const PARTICIPANT_HEADER = 'x-parley-participant';
export const PROTOCOL_HEADER = 'x-parley-protocol';
/** `yes` where the client stays at the front door, which pipes its frames. */
export const PIPED_HEADER = 'x-parley-piped';
