/** What the matrix asks of a member of a room, whatever protocol its client speaks. */
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../../harness/eventually.ts';
export const PROTOCOLS = ['mediasoup-http', 'group-call', 'wcs', 'owt', 'knowledgetalk'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What has arrived so far, by the statistics of the browser. */
export interface Arrivals {
  readonly frames: number;
  readonly packets: number;
}

export const NOTHING: Arrivals = { frames: 0, packets: 0 };

/** How often a member was told of another that its sound or its picture was switched on or off, and that it left. */
export interface Told {
  readonly audio: number;
  readonly video: number;
  readonly left: number;
}

export interface Member {
  readonly protocol: Protocol;
  /** What its id in the room begins with: no other member's does. */
  readonly id: string;
  /** Asks for what the others publish, where its protocol wants that; returns when it knows as many others as given. */
  watch(others: readonly Member[]): Promise<void>;
  /** What has arrived of another's camera and microphone. */
  arrivals(of: Member): Promise<Arrivals>;
  /** How many frames of another's screen have arrived. */
  screenFrames(of: Member): Promise<number>;
  /** Absent where the protocol knows no screens: one that is shared takes the camera's place there. */
  readonly shareScreen?: () => Promise<void>;
  readonly stopScreen?: () => Promise<void>;
  setMuted(kind: 'audio' | 'video', muted: boolean): Promise<void>;
  told(of: Member): Promise<Told>;
  /** Says something to everybody; absent where the protocol has no chat. */
  readonly say?: (text: string, to: readonly Member[]) => Promise<void>;
  /** How often it was told this text. */
  readonly heard?: (text: string) => Promise<number>;
  leave(): Promise<void>;
  /** The places where its client failed. */
  faults(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export function count(lines: readonly string[], matches: (line: string) => boolean): number {
  return lines.filter(matches).length;
}

/** In milliseconds. */
const PATIENCE = 40_000;
const INTERVAL = 250;

/**
 * Waits until a reading is the one that is wanted. Benches wait as well, so this is none of the test runner's functions.
 *
 * @throws Error with the last reading.
 */
export async function until<Value>(what: string, read: () => Promise<Value>, wanted: Value): Promise<void> {
  let last: Value | undefined;
  const isThere = async () => isDeepStrictEqual((last = await read()), wanted);
  await eventually(what, isThere, PATIENCE, INTERVAL).catch((error: unknown) => {
    throw new Error(`${what}: ${JSON.stringify(last)} instead of ${JSON.stringify(wanted)}`, { cause: error });
  });
}
