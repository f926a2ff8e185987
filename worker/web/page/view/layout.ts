/** Sizes of the tiles of a grid. */

const GAP = 8;

export interface TileSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The largest size, in CSS pixels, at which `count` equal tiles of 16:9 fit into an area in rows of equal length.
 */
export function tileSize(count: number, areaWidth: number, areaHeight: number): TileSize {
  let best: TileSize = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const widthByColumns = (areaWidth - GAP * (columns - 1)) / columns;
    const widthByRows = ((areaHeight - GAP * (rows - 1)) / rows) * (16 / 9);
    const width = Math.floor(Math.min(widthByColumns, widthByRows));
    if (width > best.width) best = { width, height: Math.floor((width * 9) / 16) };
  }
  return best;
}
