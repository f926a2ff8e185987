import type { EngineSettings } from '../../wire/engine-io/settings.ts';

/**
 * Rooms broadcast many small frames, so nothing is compressed; the price are bytes on slow lines.
 *
 * Pages of every origin may connect, as over a WebSocket, which knows no such rule: who may enter a room is checked with credentials. The exact
 * origin is echoed, because clients of revision 3 poll with credentials.
 */
export const ENGINE_SETTINGS: Partial<EngineSettings> = { compression: false, cors: { origins: '*' } };
