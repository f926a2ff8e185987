import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SdkVersion, type Streamer, VERSIONS, WcsSite } from './wcs-client/page.ts';
import { useWorld } from './world.ts';

const world = useWorld('wcs');
const open: Streamer[] = [];
let site: WcsSite;

beforeAll(async () => {
  site = await WcsSite.open();
});

afterEach(async () => {
  const complaints = open.flatMap((streamer) => streamer.complaints);
  await Promise.all(open.splice(0).map((streamer) => streamer.close()));
  expect(complaints).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function visit(version: SdkVersion): Promise<Streamer> {
  const streamer = await site.visit(world.browser, version);
  open.push(streamer);
  return streamer;
}

/** The address of the socket, with the room of this test. */
function socketUrl(): string {
  return `${world.stack.url.replace('http', 'ws')}/wcs/${encodeURIComponent(world.room())}`;
}

async function connected(version: SdkVersion = '2.0.276', url = socketUrl()): Promise<Streamer> {
  const streamer = await visit(version);
  await streamer.connect(url);
  expect(await streamer.sessionLog()).toEqual(['ESTABLISHED']);
  return streamer;
}

describe.each(VERSIONS)('with the WebSDK %s', (version) => {
  it('a stream is published, played, muted, stopped and unpublished', async () => {
    const [ada, bob] = [await connected(version), await connected(version)];
    expect(await bob.available('cam')).toBe('Stream not found');
    await ada.publish('cam');
    await ada.logs('publish cam', 'PUBLISHING');
    expect(await bob.available('cam')).toBe('available');

    await bob.play('cam');
    await bob.logs('play cam', 'PLAYING');
    await bob.receives('play cam');

    await bob.stop('play cam');
    await bob.logs('play cam', 'STOPPED Stopped by user');
    await bob.play('cam', 'again');
    await bob.receives('again');

    await ada.stop('publish cam');
    await ada.logs('publish cam', 'UNPUBLISHED Stopped by publisher stop');
    await bob.logs('again', 'FAILED Stopped by publisher stop');
    expect(await bob.available('cam')).toBe('Stream not found');
  });
});
