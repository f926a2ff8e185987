/** The document's limits for pictures, by the number of members (reference 9), and what they need on the line. */

export interface Layout {
  /** The layout is for so many members. */
  readonly members: number;
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly framerate: number;
}

const LAYOUTS: readonly Layout[] = [
  { members: 2, width: 960, height: 540, framerate: 15 },
  { members: 4, width: 640, height: 360, framerate: 12 },
  { members: 6, width: 480, height: 270, framerate: 12 },
  { members: 9, width: 320, height: 180, framerate: 12 },
  { members: 12, width: 320, height: 180, framerate: 10 },
  { members: 16, width: 240, height: 135, framerate: 10 },
  { members: 20, width: 160, height: 120, framerate: 10 },
  { members: 25, width: 160, height: 120, framerate: 8 },
];

/** Of larger rooms, and of cameras while a screen is shared. */
export const SMALLEST: Layout = { members: Infinity, width: 120, height: 80, framerate: 8 };

/** The shared screen itself. */
export const SCREEN: Layout = { members: Infinity, width: 640, height: 360, framerate: 15 };

/** What cameras may send at most in a room with so many members, where no screen is shared. */
export function layoutOf(count: number): Layout {
  return LAYOUTS.find(({ members }) => count <= members) ?? SMALLEST;
}

/** Bits per pixel of a talking head in VP8, with room for movement. */
const BITS_PER_PIXEL = 0.12;

/** With less, encoders give up. In bits per second, as the next one. */
const LEAST_BITRATE = 40_000;

/** What pictures of this size need at most, in bits per second. */
export function bitrateOf({ width, height, framerate }: Layout): number {
  return Math.max(LEAST_BITRATE, Math.round(width * height * framerate * BITS_PER_PIXEL));
}

/** What a camera may send with layers for every layout, in bits per second: each is half as wide and high as the next. */
export const LAYERED_BITRATE = Math.round(bitrateOf(layoutOf(2)) * (1 + 1 / 4 + 1 / 16));

/** Of a camera that sends several sizes, the largest that fits: each of them is half as wide as the next, beginning at about 1280. */
export function spatialLayerOf({ width }: Layout): number {
  return width > 480 ? 2 : width > 240 ? 1 : 0;
}
