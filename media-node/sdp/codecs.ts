/** Which codecs of a client's section the room can use, by mediasoup-client's rules. */
import { getExtendedRtpCapabilities, getSendingRemoteRtpParameters, getSendingRtpParameters, reduceCodecs } from 'mediasoup-client/ortc';
import type {
  ExtendedRtpCapabilities,
  RtpCapabilities as ClientCapabilities,
  RtpParameters as ClientParameters,
} from 'mediasoup-client/types';
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';

/** A codec that client and room have in common. */
export interface SharedCodec {
  readonly offered: number;
  /** The payload type with which the room's router sends it. */
  readonly routed: number;
}

/** What both can do, in the order that the room prefers. Both have been normalized: by the parser, and by mediasoup. */
function commonGround(kind: MediaKind, client: RtpCapabilities, room: RtpCapabilities): ExtendedRtpCapabilities {
  return getExtendedRtpCapabilities(copyOf(kind, client), copyOf(kind, room), false);
}

/** The library changes codecs and their parameters while it compares them. Its types are a little narrower than the contract's. */
function copyOf(kind: MediaKind, { codecs, headerExtensions = [] }: RtpCapabilities): ClientCapabilities {
  return {
    codecs: codecs.filter((codec) => codec.kind === kind).map((codec) => ({ ...codec, parameters: { ...codec.parameters } })),
    headerExtensions: headerExtensions.filter((extension) => extension.kind === kind).map((extension) => ({ ...extension })),
  };
}

type Follow<Value> = (kind: MediaKind, client: RtpCapabilities, room: RtpCapabilities) => Value;

/**
 * Does once what follows from the capabilities of a section and of a router. They are the same objects again and again: one for all sections
 * that clients of one kind describe, and one for all routers that number codecs in one way.
 */
function once<Value>(follow: Follow<Value>): Follow<Value> {
  const known = new WeakMap<RtpCapabilities, WeakMap<RtpCapabilities, { readonly value: Value }>>();
  return (kind, client, room) => {
    const ofClient = known.get(client) ?? new WeakMap<RtpCapabilities, { readonly value: Value }>();
    const { value } = ofClient.get(room) ?? { value: follow(kind, client, room) };
    known.set(client, ofClient.set(room, { value }));
    return value;
  };
}

/** The codecs that a section of this kind shares with a router, without RTX, in the order that the room prefers. */
export const sharedCodecs: Follow<readonly SharedCodec[]> = once((kind, client, room) => {
  const { codecs } = commonGround(kind, client, room);
  return codecs.map(({ localPayloadType, remotePayloadType }) => ({ offered: localPayloadType, routed: remotePayloadType }));
});

/** Codecs and header extensions with the numbers of the client. */
export type Media = Pick<ClientParameters, 'codecs'> & { headerExtensions: NonNullable<ClientParameters['headerExtensions']> };

export interface SendingMedia {
  /** With the client's codec parameters: what its packets will be like. */
  readonly sent: Media;
  /** With the room's codec parameters: what the room asks for. */
  readonly wanted: Media;
}

/**
 * With what a client shall send in a section of this kind: the codec that the room likes best and its RTX codec, and the header extensions that
 * the room can read; `undefined` when they have no codec in common.
 */
export const sendingMedia: Follow<SendingMedia | undefined> = once((kind, client, room) => {
  const common = commonGround(kind, client, room);
  const sent = firstOf(getSendingRtpParameters(kind, common));
  return sent.codecs.length === 0 ? undefined : { sent, wanted: firstOf(getSendingRemoteRtpParameters(kind, common)) };
});

/** The library spells out what is not there as `undefined`, which the contract does not know. */
function firstOf({ codecs, headerExtensions = [] }: ClientParameters): Media {
  return JSON.parse(JSON.stringify({ codecs: codecs.length === 0 ? [] : reduceCodecs(codecs), headerExtensions })) as Media;
}
