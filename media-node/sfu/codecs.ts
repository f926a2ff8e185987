/**
 * The codecs of every room and their payload types.
 *
 * An SFU must send with the payload types that the receiver offered, but mediasoup always sends with those of its router. So the
 * router's are the ones that Chromium 156 offers. What Chromium does not offer gets numbers that it uses for nothing else.
 */
import { LRUCache } from 'lru-cache';
import type { types } from 'mediasoup';
import { RtpCapabilitiesSchema } from '../../shared/rtp.ts';
import type { RtpCapabilities } from '../../shared/rtp.ts';
import type { PayloadTypes } from '../sdp/payload-types.ts';
import { toContract } from './contract.ts';

type Codec = types.RouterRtpCodecCapability & { preferredPayloadType: number };

function video(mimeType: string, preferredPayloadType: number, parameters: Record<string, string | number> = {}): Codec {
  return { kind: 'video', mimeType, clockRate: 90_000, preferredPayloadType, parameters };
}

function h264(preferredPayloadType: number, profileLevelId: string, packetizationMode: 0 | 1): Codec {
  return video('video/H264', preferredPayloadType, {
    'packetization-mode': packetizationMode,
    'profile-level-id': profileLevelId,
    'level-asymmetry-allowed': 1,
  });
}

const OPUS: Codec = {
  kind: 'audio',
  mimeType: 'audio/opus',
  clockRate: 48_000,
  channels: 2,
  preferredPayloadType: 111,
  // A lost packet can be restored from the next one.
  parameters: { useinbandfec: 1, minptime: 10 },
};

/** In order of preference: clients that take their first codec from the router's list start with VP8, which all of them know. */
const CODECS: readonly Codec[] = [
  OPUS,
  video('video/VP8', 96),
  h264(108, '42e01f', 1), // Constrained Baseline: Chromium, Safari, Firefox
  h264(114, '42e01f', 0),
  h264(102, '42001f', 1), // Baseline: Chromium
  h264(104, '42001f', 0),
  h264(116, '4d001f', 1), // Main: Chromium
  h264(39, '4d001f', 0),
  h264(50, '640c1f', 1), // Constrained High: Safari
  h264(51, '640c1f', 0),
  h264(52, '64001f', 1), // High: Chrome with a hardware encoder
  h264(53, '64001f', 0),
  h264(41, 'f4001f', 1), // High 4:4:4 Predictive: Chromium, to receive
  h264(43, 'f4001f', 0),
  video('video/VP9', 98, { 'profile-id': 0 }),
  video('video/VP9', 100, { 'profile-id': 2 }),
  video('video/AV1', 45),
];

/** mediasoup gives RTX payload types away beginning with this one, upwards, and continues with 96 after 127. */
const FIRST_RTX_PAYLOAD_TYPE = 100;
const PAYLOAD_TYPES = 128;
const FIRST_DYNAMIC_PAYLOAD_TYPE = 96;
const RTX_PAYLOAD_TYPES = Array.from(
  { length: PAYLOAD_TYPES - FIRST_DYNAMIC_PAYLOAD_TYPE },
  (_, index) =>
    FIRST_DYNAMIC_PAYLOAD_TYPE +
    ((index + FIRST_RTX_PAYLOAD_TYPE - FIRST_DYNAMIC_PAYLOAD_TYPE) % (PAYLOAD_TYPES - FIRST_DYNAMIC_PAYLOAD_TYPE)),
);

/**
 * The codecs in the order in which mediasoup accepts them. While it goes through the list it takes the next free number for each
 * RTX codec, and fails when a later codec asks for that number; in ascending order, beginning where it begins, this cannot happen.
 */
export function routerCodecs(): types.RouterRtpCodecCapability[] {
  return inRouterOrder(CODECS);
}

function inRouterOrder(codecs: readonly Codec[]): Codec[] {
  return codecs.toSorted((a, b) => placeInRouter(a) - placeInRouter(b));
}

function placeInRouter({ kind, preferredPayloadType }: Codec): number {
  if (kind === 'audio') return -1; // Audio has no RTX codec, so it only keeps its number free.
  return (preferredPayloadType - FIRST_RTX_PAYLOAD_TYPE + PAYLOAD_TYPES) % PAYLOAD_TYPES;
}

/**
 * The codecs for clients that have other numbers for them: as many as mediasoup can take with these numbers, beginning with those that the
 * room likes best. Its choice of RTX numbers can stand in the way of others.
 */
export function renumberedCodecs(payloadTypes: PayloadTypes): types.RouterRtpCodecCapability[] {
  const chosen: Codec[] = [];
  for (const codec of CODECS) {
    const preferredPayloadType = payloadTypes.get(codec.preferredPayloadType);
    if (preferredPayloadType === undefined) continue;
    const candidates = [...chosen, { ...codec, preferredPayloadType }];
    if (isAccepted(inRouterOrder(candidates))) chosen.push({ ...codec, preferredPayloadType });
  }
  return inRouterOrder(chosen);
}

/** Whether mediasoup takes these codecs in this order; it takes the numbers of RTX from the beginning of its list. */
function isAccepted(codecs: readonly Codec[]): boolean {
  const taken = new Set<number>();
  for (const { kind, preferredPayloadType } of codecs) {
    if (taken.has(preferredPayloadType)) return false;
    taken.add(preferredPayloadType);
    if (kind === 'audio') continue;
    const rtx = RTX_PAYLOAD_TYPES.find((payloadType) => !taken.has(payloadType));
    if (rtx === undefined) return false;
    taken.add(rtx);
  }
  return true;
}

function rank(codec: types.RtpCodecCapability): number {
  const mediaPayloadType = codec.parameters?.apt ?? codec.preferredPayloadType;
  return CODECS.findIndex(({ preferredPayloadType }) => preferredPayloadType === mediaPayloadType);
}

/** One numbering for the room and one for each kind of browser that numbers otherwise; more are of strangers. */
const MAX_KNOWN_CAPABILITIES = 32;

const known = new LRUCache<string, RtpCapabilities, types.RtpCapabilities>({
  max: MAX_KNOWN_CAPABILITIES,
  memoMethod: (_text, _stale, { context: { codecs = [], headerExtensions = [] } }) =>
    toContract(RtpCapabilitiesSchema, { codecs: codecs.toSorted((a, b) => rank(a) - rank(b)), headerExtensions }),
});

/**
 * A router's capabilities as the contract has them, codecs in order of preference, each with its RTX codec behind it. The same object for all
 * routers with the same ones, so that what follows from it has to be found only once.
 */
export function capabilitiesOf({ rtpCapabilities }: types.Router): RtpCapabilities {
  return known.memo(JSON.stringify(rtpCapabilities), { context: rtpCapabilities });
}
