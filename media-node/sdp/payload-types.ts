/** Payload types of clients that number the codecs in another way than the room's router, as Firefox does. */
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import { sharedCodecs } from './codecs.ts';
import type { SharedCodec } from './codecs.ts';
import { isMediaKind } from './parse.ts';
import type { Section } from './parse.ts';

/** The client's numbers by the room's. */
export type PayloadTypes = ReadonlyMap<number, number>;

/**
 * @param room what the room's own router can do.
 * @returns `undefined` when the room's numbers will do: the client has them for the codecs that the room likes best.
 */
export function foreignPayloadTypes(sections: readonly Section[], room: RtpCapabilities): PayloadTypes | undefined {
  const byKind = (['audio', 'video'] as const).map((kind) => sharedByAll(sections, kind, room));
  if (byKind.every(([best]) => best === undefined || best.offered === best.routed)) return undefined;
  return new Map(byKind.flat().map(({ offered, routed }) => [routed, offered]));
}

/** All sections of a kind have the same numbers (RFC 8843, section 9.1), but one may have more codecs than another. */
function sharedByAll(sections: readonly Section[], kind: MediaKind, room: RtpCapabilities): readonly SharedCodec[] {
  const richest = sections
    .flatMap(({ type, capabilities }) => (isMediaKind(type) && type === kind && capabilities !== undefined ? [capabilities] : []))
    .reduce<RtpCapabilities | undefined>(
      (best, next) => (best !== undefined && best.codecs.length >= next.codecs.length ? best : next),
      undefined,
    );
  return richest === undefined ? [] : sharedCodecs(kind, richest, room);
}

/** Names the numbering: clients with the same one can share a router. */
export function nameOf(payloadTypes: PayloadTypes): string {
  return [...payloadTypes]
    .sort(([a], [b]) => a - b)
    .map(([routed, offered]) => `${routed}=${offered}`)
    .join();
}
