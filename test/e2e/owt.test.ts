import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClientKind } from './owt-client/conference.ts';
import { LIBRARIES, type Library, type OwtPage, OwtSite, type OwtVisit } from './owt-client/page.ts';
import { useWorld } from './world.ts';

const world = useWorld('owt');
const pages: OwtPage[] = [];
let site: OwtSite;

beforeAll(async () => {
  site = await OwtSite.open();
});

afterEach(async () => {
  const faults = await Promise.all(pages.splice(0).map((page) => faultsAtTheEnd(page)));
  expect(faults.flat()).toEqual([]);
});

afterAll(() => {
  site.close();
});

async function faultsAtTheEnd(page: OwtPage): Promise<string[]> {
  if (page.page.isClosed()) return [];
  const faults = await page.faults();
  await page.close();
  return faults;
}

async function join(user: string, options: Partial<OwtVisit> = {}): Promise<OwtPage> {
  const page = await site.join(world.browser, { edge: world.stack.url, room: world.room(), user, ...options });
  pages.push(page);
  return page;
}

const CLIENTS: readonly (readonly [ClientKind, Library])[] = [
  ...LIBRARIES.map((library) => ['sdk-5', library] as const),
  ['sdk-4', '2'],
  ['document', '4'],
];

describe.each(CLIENTS)('a client like %s with Socket.IO %s.x', (kind, library) => {
  it('publishes, is seen and heard by one that is there and by one that comes later', async () => {
    const [ada, bob] = [await join('ada', { kind, library }), await join('bob', { kind, library })];
    const published = await ada.publish();
    const own = await ada.streamsOf(ada.id, published.length);
    expect(own.map(({ id }) => id).sort()).toEqual([...published].sort());
    const late = await join('late', { kind, library });
    for (const viewer of [bob, late]) {
      await viewer.streamsOf(ada.id, published.length);
      for (const stream of published) await viewer.subscribe(stream, wanted(kind, published.indexOf(stream)));
      if (published.length === 1) await viewer.receives(published[0] ?? '');
      else for (const [index, stream] of published.entries()) await viewer.gets(stream, index === 0 ? 'audioPackets' : 'framesDecoded');
    }
    const added = (await ada.log()).filter((line) => line.startsWith('stream add'));
    expect(added).toHaveLength(published.length);
  });
});

/** The document's client publishes sound first, and the picture as another stream. */
function wanted(kind: ClientKind, index: number) {
  return kind === 'document' ? { audio: index === 0, video: index === 1 } : {};
}
