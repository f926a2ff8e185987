/** PDF documents against a live node: pages as pixels, documents that are broken, locked or hostile, and what they may cost. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCanvas, loadImage, PDFDocument } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_DOCUMENT_BYTES, MAX_DOCUMENT_PAGES } from '../../shared/media-api.ts';
import { Documents } from '../../media-node/documents/documents.ts';
import { MediaError } from '../../media-node/errors.ts';
import { pathTo, signature } from './support/client.ts';
import { startTestNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { expectRefused } from './support/refusals.ts';

let t: TestNode;
beforeAll(async () => {
  t = await startTestNode();
});
afterAll(() => t.close());

interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly left: string;
  readonly right: string;
}

/** Each sheet has two colours side by side and a line of text. */
function pdfOf(sheets: readonly Sheet[]): Buffer {
  const pdf = new PDFDocument();
  for (const { width, height, left, right } of sheets) {
    const context = pdf.beginPage(width, height);
    context.fillStyle = left;
    context.fillRect(0, 0, width / 2, height);
    context.fillStyle = right;
    context.fillRect(width / 2, 0, width / 2, height);
    context.fillStyle = 'black';
    context.font = '20px sans-serif';
    context.fillText('Hello', 10, 40);
    pdf.endPage();
  }
  return pdf.close();
}

/** A document out of objects, numbered from 1, with a right table of offsets. */
function handMade(objects: readonly string[], trailer = ''): Buffer {
  let text = '%PDF-1.7\n';
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = text.length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

/** One page with this size and content. */
function onePage(mediaBox: string, content: string, resources = ''): Buffer {
  return handMade([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox ${mediaBox} /Contents 4 0 R /Resources << ${resources} >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ]);
}

async function pixelsOf(png: Uint8Array) {
  const image = await loadImage(Buffer.from(png));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return {
    width: image.width,
    height: image.height,
    at: (x: number, y: number) => [...data.subarray((y * image.width + x) * 4, (y * image.width + x) * 4 + 4)],
    count: (matches: (pixel: Uint8ClampedArray) => boolean) =>
      Array.from({ length: data.length / 4 }, (_, index) => data.subarray(index * 4, index * 4 + 4)).filter(matches).length,
  };
}

function open(body: Uint8Array) {
  return t.client.call('openDocument', { body });
}

async function pageOf(document: string, page: number) {
  return pixelsOf(await t.client.call('documentPage', { path: { document, page: String(page) } }));
}

test('every page is drawn: size, colours, text', async () => {
  const { document, pages } = await open(
    pdfOf([
      { width: 300, height: 200, left: '#ff0000', right: '#0000ff' },
      { width: 612, height: 792, left: '#00ff00', right: '#ffffff' },
    ]),
  );
  expect(pages).toBe(2);
  const [first, second] = await Promise.all([pageOf(document, 1), pageOf(document, 2)]);
  expect([first.width, first.height, second.width, second.height]).toEqual([600, 400, 1224, 1584]);
  expect([first.at(100, 300), first.at(500, 300)]).toEqual([
    [255, 0, 0, 255],
    [0, 0, 255, 255],
  ]);
  expect([second.at(100, 1500), second.at(1200, 1500)]).toEqual([
    [0, 255, 0, 255],
    [255, 255, 255, 255],
  ]);
  const black = first.count(([r = 0, g = 0, b = 0]) => r + g + b < 60);
  expect(black).toBeGreaterThan(200);
  await expectRefused(t.client.call('documentPage', { path: { document, page: '3' } }), 'page-not-found');
  expect((await t.client.send({ method: 'GET', path: '/metrics' })).text).toContain('parley_media_documents 1\n');
  await t.client.call('closeDocument', { path: { document } });
  await expectRefused(t.client.call('documentPage', { path: { document, page: '1' } }), 'document-not-found');
  await expectRefused(t.client.call('closeDocument', { path: { document } }), 'document-not-found');
});

test('a standard font that the document does not carry is drawn', async () => {
  const { document } = await open(
    onePage('[0 0 300 100]', 'BT /F 48 Tf 10 30 Td (Hello) Tj ET', '/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>'),
  );
  const page = await pageOf(document, 1);
  expect(page.count(([r = 0, g = 0, b = 0]) => r + g + b < 60)).toBeGreaterThan(1_000);
});

test('a page of any size becomes a picture of bounded size', async () => {
  const { document } = await open(onePage('[0 0 14400 1000]', '1 0 0 rg 0 0 14400 1000 re f'));
  const wide = await pageOf(document, 1);
  expect([wide.width, wide.at(4000, 100)]).toEqual([4096, [255, 0, 0, 255]]);
  const tiny = await open(onePage('[0 0 0.1 0.1]', ''));
  expect((await pageOf(tiny.document, 1)).width).toBe(1);
});

const ENCRYPTION =
  '/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A> ' +
  '/U <28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A> >> /ID [<00> <00>]';

describe('documents that are refused', () => {
  const pagesOf = (count: number) =>
    handMade([
      '<< /Type /Catalog /Pages 2 0 R >>',
      `<< /Type /Pages /Kids [${'3 0 R '.repeat(count)}] /Count ${count} >>`,
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>',
    ]);

  test.each([
    ['empty', Buffer.alloc(0), 'invalid-document'],
    ['not a PDF', Buffer.from('<html>'.repeat(100)), 'invalid-document'],
    ['only a head', Buffer.from('%PDF-1.7\n'), 'invalid-document'],
    ['without pages', handMade(['<< /Type /Catalog >>']), 'invalid-document'],
    ['with a password', handMade(['<< /Type /Catalog /Pages 2 0 R >>', '<< /Kids [] /Count 0 >>'], ENCRYPTION), 'encrypted-document'],
    ['with too many pages', pagesOf(MAX_DOCUMENT_PAGES + 1), 'costly-document'],
  ] as const)('%s', async (_name, body, reason) => {
    await expectRefused(open(body), reason);
  });

  test('larger than allowed', async () => {
    const sent = { method: 'POST', path: '/v1/documents', body: Buffer.alloc(MAX_DOCUMENT_BYTES + 1) };
    expect((await t.client.sendDigested(sent)).status).toBe(413);
  });

  test('the largest one is read whole', async () => {
    const pdf = pdfOf([{ width: 20, height: 20, left: 'red', right: 'blue' }]);
    const padding = Buffer.from(`%${'x'.repeat(MAX_DOCUMENT_BYTES - pdf.length - 2)}\n`);
    const { document, pages } = await open(Buffer.concat([pdf.subarray(0, 9), padding, pdf.subarray(9)]));
    expect(pages).toBe(1);
    await t.client.call('closeDocument', { path: { document } });
  });
});

describe('signatures of documents', () => {
  const body = pdfOf([{ width: 20, height: 20, left: 'red', right: 'blue' }]);
  const sent = { method: 'POST', path: '/v1/documents' };

  test('a body other than the signed one is refused', async () => {
    const digested = await signedHeaders(body);
    const other = Buffer.from(body);
    other[other.length - 1] = 0;
    expect((await t.client.send({ ...sent, body: other, headers: digested })).status).toBe(401);
  });

  test('a digest that was not signed is refused, and so is a body signed like JSON', async () => {
    const { authorization = '' } = await signedHeaders(body);
    expect((await t.client.send({ ...sent, body, headers: { authorization } })).status).toBe(401);
    expect((await t.client.sendSigned({ ...sent, body })).status).toBe(401);
  });

  test('a repeated call is refused', async () => {
    const headers = await signedHeaders(body);
    expect((await t.client.send({ ...sent, body, headers })).status).toBe(200);
    expect((await t.client.send({ ...sent, body, headers })).status).toBe(401);
  });

  /** The headers of a rightly signed call, before it is made. */
  async function signedHeaders(content: Uint8Array): Promise<Record<string, string>> {
    const digest = `sha-256=:${createHash('sha256').update(content).digest('base64')}:`;
    return { authorization: await signature({ ...sent, body: digest }, { secret: t.secret }), 'content-digest': digest };
  }
});

test.each(['', '0', 'x', '-1', '1.5', '99999999999999999999'])('page %j does not exist', async (page) => {
  const { status } = await t.client.sendSigned({ method: 'GET', path: pathTo('documentPage', { document: 'none', page }) });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
});

describe('what a document may cost', () => {
  const limits = { stepMs: 20_000, totalMs: 60_000, memoryBytes: 1024 ** 3 };
  /** Lines through each other: a second or more for any library. */
  const slow = onePage('[0 0 2000 2000]', '0 0 m 2000 2000 l 2000 0 l 0 2000 l f*\n'.repeat(200_000));

  async function refusalOf(promise: Promise<unknown>): Promise<string> {
    return promise.then(
      () => 'none',
      (error: unknown) => (error instanceof MediaError ? `${error.reason}: ${error.message}` : String(error)),
    );
  }

  test('time of a page', async () => {
    const documents = await Documents.create(60, { ...limits, stepMs: 2_500 });
    const { document } = await documents.open(slow);
    expect(await refusalOf(documents.page(document, 1))).toBe('costly-document: drawing page 1 takes longer than 2.5 s');
    await documents.shutDown();
  });

  test('memory', async () => {
    const documents = await Documents.create(60, { ...limits, memoryBytes: 1024 ** 2 });
    expect(await refusalOf(documents.open(slow))).toBe('costly-document: drawing the document needs too much memory');
    await documents.shutDown();
  });

  test('its lifetime ends, and nothing is left on disk', async () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('parley-documents-'));
    const before = left();
    const documents = await Documents.create(1, limits);
    const { document } = await documents.open(pdfOf([{ width: 20, height: 20, left: 'red', right: 'blue' }]));
    await documents.page(document, 1);
    await sleep(1_500);
    expect(documents.size).toBe(0);
    expect(await refusalOf(documents.page(document, 1))).toMatch(/^document-not-found/u);
    await documents.shutDown();
    expect(left()).toEqual(before);
  });

  test('documents wait for each other, and too many are refused', async () => {
    const documents = await Documents.create(60, limits);
    const pdf = pdfOf([{ width: 20, height: 20, left: 'red', right: 'blue' }]);
    const outcomes = await Promise.all(Array.from({ length: 22 }, () => refusalOf(documents.open(pdf))));
    expect(outcomes.filter((outcome) => outcome === 'none').length).toBe(18);
    expect(outcomes.filter((outcome) => outcome.startsWith('overloaded')).length).toBe(4);
    await documents.shutDown();
  });

  test('a page that somebody waits for is refused when its document is closed', async () => {
    const documents = await Documents.create(60, limits);
    const { document } = await documents.open(slow);
    const waiting = refusalOf(documents.page(document, 1));
    await documents.close(document);
    expect(await waiting).toBe('document-not-found: the document was closed');
    await documents.shutDown();
  });
});
