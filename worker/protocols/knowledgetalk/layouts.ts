/** The document's limits for cameras, by the number of members (reference 9). */

export interface Layout {
  /** The layout fits so many members. */
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
  { members: 30, width: 120, height: 80, framerate: 8 },
];

const SMALLEST: Layout = { members: Infinity, width: 120, height: 80, framerate: 8 };

/** What cameras may send at most in a room with so many members. */
export function layoutOf(count: number): Layout {
  return LAYOUTS.find(({ members }) => count <= members) ?? SMALLEST;
}
