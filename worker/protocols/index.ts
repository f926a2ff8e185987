import { MediasoupHttpAdapter } from './mediasoup-http/adapter.ts';
import { mediasoupHttpEntrance } from './mediasoup-http/entrance.ts';
import type { Adapter, Entrance } from './protocol.ts';

/** The table of protocols. The first entrance that recognises a request gets it. */
export const entrances: readonly Entrance[] = [mediasoupHttpEntrance];

/** The adapters of one room object, by the protocol's name. */
export function newAdapters(): ReadonlyMap<string, Adapter> {
  return new Map<string, Adapter>([[mediasoupHttpEntrance.name, new MediasoupHttpAdapter()]]);
}
