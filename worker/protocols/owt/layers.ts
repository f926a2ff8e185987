import type { WantedTrack } from './ledger.ts';
import type { Parameters } from './messages.ts';

/** Layers of a simulcast picture, counted from the lowest. */
export interface Layers {
  readonly spatialLayer: number;
  readonly temporalLayer?: number;
}

/** What a camera gives where nobody has said it. */
const USUAL = { resolution: { width: 1280, height: 720 }, framerate: 30 };

/** Browsers send each simulcast layer with this many temporal ones, each with half of the frames of the next. */
const TEMPORAL_LAYERS = 3;

/**
 * The layers that come closest to what a subscriber wants.
 *
 * @param rids the layers that there are, lowest first; each is half as wide and high as the next.
 * @param published how good the best layer is, where it is known.
 * @returns `undefined` where there is nothing to choose, or nothing is wished.
 */
export function wishedLayers(
  { rid, parameters }: WantedTrack,
  rids: readonly string[],
  published: Parameters | undefined,
): Layers | undefined {
  if (rids.length < 2 || (rid === undefined && !parameters)) return undefined;
  const named = rid === undefined ? -1 : rids.indexOf(rid);
  const spatialLayer = named === -1 ? spatialLayerFor(parameters ?? {}, rids.length, published) : named;
  const temporalLayer = temporalLayerFor(parameters, published);
  return { spatialLayer, ...(temporalLayer !== undefined && { temporalLayer }) };
}

/** The lowest layer that has at least what is wished. */
function spatialLayerFor({ resolution, bitrateMultiplier = 1 }: Parameters, count: number, published: Parameters | undefined): number {
  const full = published?.resolution ?? USUAL.resolution;
  const ofPixels = resolution ? (resolution.width * resolution.height) / (full.width * full.height) : 1;
  const wished = Math.min(1, ofPixels, bitrateMultiplier);
  const enough = Array.from({ length: count }, (_, layer) => 4 ** (layer - count + 1)).findIndex((share) => share >= wished * 0.99);
  return enough === -1 ? count - 1 : enough;
}

function temporalLayerFor({ framerate }: Parameters = {}, published: Parameters | undefined): number | undefined {
  if (framerate === undefined) return undefined;
  const share = framerate / (published?.framerate ?? USUAL.framerate);
  const halvings = Math.max(0, Math.floor(Math.log2(1 / share) + 0.01));
  return Math.max(0, TEMPORAL_LAYERS - 1 - halvings);
}
