/** Shared by the edge and the media node in tests. */
export const TEST_SECRET = '7f2c1be09d3a4856b1e7c0f98a6d524330b9e8c7';
