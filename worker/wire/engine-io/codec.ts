import type { Codec, Revision } from './packet.ts';
import { codecV3 } from './packet-v3.ts';
import { codecV4 } from './packet-v4.ts';

/** The framing of a revision. */
export function codecOf(revision: Revision): Codec {
  return revision === 3 ? codecV3 : codecV4;
}
