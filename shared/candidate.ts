/** ICE candidates of clients (RFC 8839, section 5.1). An ICE-lite server does not need them; they are checked all the same, because they come from strangers. */
import { z } from 'zod';

const MAX_LENGTH = 1024;

/** `candidate:` and the six fields that every candidate has, then `typ` and its type, then whatever extensions there are. */
const FORM =
  /^candidate:([\w+/-]{1,64}) ([1-9]\d{0,2}) ([A-Za-z\d-]{1,16}) (\d{1,10}) ([\w.:%-]{1,255}) (\d{1,5}) typ (host|srflx|prflx|relay)((?: [!-~]+)*)$/u;

export interface Candidate {
  readonly foundation: string;
  readonly component: number;
  /** In lower case: `udp`, `tcp`, `ssltcp`. */
  readonly transport: string;
  readonly priority: number;
  /** An address, or a name below `.local` behind which a browser hides it. */
  readonly address: string;
  readonly port: number;
  readonly type: string;
}

/**
 * Reads one candidate in any of the spellings that clients use: with or without `a=`, with or without a line end, extensions in any order.
 *
 * @returns `undefined` when it is none.
 */
export function parseCandidate(text: string): Candidate | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = FORM.exec(text.trim().replace(/^a=/u, ''));
  if (match === null) return undefined;
  const [, foundation = '', component, transport = '', priority, address = '', port, type = ''] = match;
  if (Number(port) > 65_535) return undefined;
  return {
    foundation,
    component: Number(component),
    transport: transport.toLowerCase(),
    priority: Number(priority),
    address,
    port: Number(port),
    type,
  };
}

const CandidateTextSchema = z
  .string()
  .max(MAX_LENGTH)
  .refine((text) => isEndOfCandidates(text) || parseCandidate(text) !== undefined, 'is not an ICE candidate');

function isEndOfCandidates(text: string): boolean {
  return ['', 'end-of-candidates'].includes(text.trim().replace(/^a=/u, ''));
}

const IndexSchema = z.preprocess(
  (index) => (typeof index === 'string' && /^\d{1,4}$/u.test(index) ? Number(index) : index),
  z.number().int().min(0).max(1000).nullish(),
);

const FlatSchema = z.object({ candidate: CandidateTextSchema.nullish(), sdpMid: z.string().max(64).nullish(), sdpMLineIndex: IndexSchema });

/** A candidate that is trickled by a client. `candidate` is empty at the end of the candidates. */
export interface TrickledCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
}

/**
 * What clients trickle: a text, an `RTCIceCandidateInit`, one inside another object's `candidate`, or nothing at the end of the candidates.
 * Numbers may be texts, and fields that nobody knows are ignored.
 */
export const TrickledCandidateSchema = z
  .union([z.null(), CandidateTextSchema, FlatSchema, z.object({ candidate: FlatSchema })])
  .transform((trickled): TrickledCandidate => {
    if (trickled === null || typeof trickled === 'string') return { candidate: bare(trickled), sdpMid: null, sdpMLineIndex: null };
    const { candidate, sdpMid = null, sdpMLineIndex = null } = isNested(trickled) ? trickled.candidate : trickled;
    return { candidate: bare(candidate), sdpMid, sdpMLineIndex };
  });

type Flat = z.output<typeof FlatSchema>;

function isNested(trickled: Flat | { candidate: Flat }): trickled is { candidate: Flat } {
  return typeof trickled.candidate === 'object' && trickled.candidate !== null;
}

function bare(candidate: string | null | undefined): string {
  const text = (candidate ?? '').trim().replace(/^a=/u, '');
  return isEndOfCandidates(text) ? '' : text;
}
