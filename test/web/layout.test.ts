import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tileSize } from '../../worker/web/page/view/layout.ts';

describe('the size of tiles', () => {
  it('fills the area with one tile as far as 16:9 allows', () => {
    expect(tileSize(1, 1600, 2000)).toEqual({ width: 1600, height: 900 });
    expect(tileSize(1, 4000, 900)).toEqual({ width: 1600, height: 900 });
  });

  it('puts two tiles side by side in a wide area and one above the other in a narrow one', () => {
    expect(tileSize(2, 1608, 450).width).toBe(800);
    expect(tileSize(2, 400, 800).width).toBe(400);
  });

  it('never lets tiles overflow, whatever their number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 320, max: 4000 }),
        fc.integer({ min: 320, max: 3000 }),
        (count, width, height) => {
          const tile = tileSize(count, width, height);
          expect(tile.width).toBeGreaterThan(0);
          const columns = Math.floor((width + 8) / (tile.width + 8));
          const rows = Math.ceil(count / columns);
          expect(rows * tile.height + (rows - 1) * 8).toBeLessThanOrEqual(height);
        },
      ),
    );
  });

  it('is nothing where there is nothing to show', () => {
    expect(tileSize(0, 800, 600)).toEqual({ width: 0, height: 0 });
  });
});
