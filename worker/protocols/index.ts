import { GroupCallAdapter } from './group-call/adapter.ts';
import { groupCallEntrance } from './group-call/entrance.ts';
import { KnowledgeTalkAdapter } from './knowledgetalk/adapter.ts';
import { knowledgeTalkEntrance } from './knowledgetalk/entrance.ts';
import { MediasoupHttpAdapter } from './mediasoup-http/adapter.ts';
import { mediasoupHttpEntrance } from './mediasoup-http/entrance.ts';
import { OwtAdapter } from './owt/adapter.ts';
import { owtEntrance } from './owt/entrance.ts';
import type { Adapter, Entrance } from './protocol.ts';
import { WcsAdapter } from './wcs/adapter.ts';
import { wcsEntrance } from './wcs/entrance.ts';

/** The table of protocols. The first entrance that recognises a request gets it. */
export const entrances: readonly Entrance[] = [mediasoupHttpEntrance, groupCallEntrance, knowledgeTalkEntrance, owtEntrance, wcsEntrance];

export interface ProtocolSettings {
  /** Most participants of a room that members of the group-call protocol still enter. */
  readonly groupCallCapacity: number;
  /** A stream of the WCS protocol of which nothing has come for so many seconds has failed; 0 is never. */
  readonly wcsRtpTimeout: number;
}

/** The adapters of one room object, by the protocol's name. */
export function newAdapters({ groupCallCapacity, wcsRtpTimeout }: ProtocolSettings): ReadonlyMap<string, Adapter> {
  return new Map<string, Adapter>([
    [mediasoupHttpEntrance.name, new MediasoupHttpAdapter()],
    [groupCallEntrance.name, new GroupCallAdapter(groupCallCapacity)],
    [knowledgeTalkEntrance.name, new KnowledgeTalkAdapter()],
    [owtEntrance.name, new OwtAdapter()],
    [wcsEntrance.name, new WcsAdapter(wcsRtpTimeout)],
  ]);
}
