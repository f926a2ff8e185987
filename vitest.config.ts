import { mkdirSync } from 'node:fs';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { TEST_SECRET } from './test/harness/secrets.ts';

// The Worker's configuration names the folder of the meeting page, which nobody has built yet on a fresh machine.
mkdirSync('dist/web', { recursive: true });

/** Tests that start servers or browsers take turns: two cores are soon busy, and a starved browser drops frames. */
const heavy = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 };

/** They need a network that Firefox uses, and so `npm test` runs them by themselves. */
const FIREFOX_TESTS = 'test/media-node/sdp/firefox.test.ts';

/** All protocols in one room. Ten pages need both cores for themselves, and so `npm test` runs them when the others are done. */
const MATRIX = 'test/e2e/matrix.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{shared,room,tools,web}/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'media-node',
          include: ['test/media-node/**/*.test.ts'],
          exclude: [FIREFOX_TESTS],
          ...heavy,
        },
      },
      {
        test: {
          name: 'apart-matrix',
          include: [MATRIX],
          ...heavy,
        },
      },
      {
        test: {
          name: 'apart-firefox',
          include: [FIREFOX_TESTS],
          ...heavy,
        },
      },
      {
        test: {
          name: 'wire',
          include: ['test/wire/**/*.test.ts'],
          ...heavy,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                PARLEY_MODE: 'development',
                MEDIA_NODE_URL: 'http://127.0.0.1:1',
                MEDIA_NODE_SECRET: TEST_SECRET,
                TEST_MIGRATIONS: await readD1Migrations('worker/migrations'),
              },
            },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          setupFiles: ['test/worker/migrate.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'edge',
          include: ['test/{front-door,one-room,protocols,room-object,services}/**/*.test.ts'],
          ...heavy,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/{e2e,turn}/**/*.test.ts'],
          exclude: [MATRIX],
          ...heavy,
        },
      },
    ],
  },
});
