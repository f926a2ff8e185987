import { createCanvas, loadImage, PDFDocument } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaNode } from '../../media-node/media-node.ts';
import type { Edge } from '../harness/edge.ts';
import { startTestMediaNode } from '../harness/media-node.ts';
import { formOf, upload } from './content.ts';
import { Member, startProbedEdge } from './member.ts';
import { basic } from './tenant.ts';

let mediaNode: MediaNode;
let edge: Edge;
let uploadUrl: string;

beforeAll(async () => {
  mediaNode = await startTestMediaNode('http://127.0.0.1:1');
  edge = await startProbedEdge({}, mediaNode.url);
  uploadUrl = await (await Member.join(edge, 'default/documents/ada')).fileUploadUrl();
});

afterAll(() => Promise.all([edge.stop(), mediaNode.close()]));

/** A document with a page of each colour. */
function pdfOf(colours: readonly string[]): Uint8Array<ArrayBuffer> {
  const pdf = new PDFDocument();
  for (const colour of colours) {
    const context = pdf.beginPage(200, 100);
    context.fillStyle = colour;
    context.fillRect(0, 0, 200, 100);
    pdf.endPage();
  }
  return new Uint8Array(pdf.close());
}

async function pixelOf(url: string): Promise<{ type: string | null; pixel: number[] }> {
  const response = await fetch(url);
  const image = await loadImage(Buffer.from(await response.arrayBuffer()));
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return { type: response.headers.get('content-type'), pixel: [...context.getImageData(image.width / 2, image.height / 2, 1, 1).data] };
}

async function storedKeys(): Promise<number> {
  return (await (await edge.bucket()).list()).objects.length;
}

describe('a PDF', () => {
  it('comes with a picture of each page beside it, in order', async () => {
    const bytes = pdfOf(['#ff0000', '#00ff00', '#0000ff']);
    const { status, answer } = await upload(uploadUrl, formOf(bytes, 'Quarterly report.pdf', { type: 'application/pdf' }));
    expect(status).toBe(200);
    expect(answer).toMatchObject({ type: 'pdf', orgname: 'Quarterly report.pdf' });
    expect(answer.url).toMatch(/\/Quarterly_report\.pdf$/u);
    expect(answer.pages).toEqual([1, 2, 3].map((page) => answer.url.replace(/\.pdf$/u, `.${page}.png`)));

    const pages = await Promise.all((answer.pages ?? []).map(pixelOf));
    expect(pages).toEqual([
      { type: 'image/png', pixel: [255, 0, 0, 255] },
      { type: 'image/png', pixel: [0, 255, 0, 255] },
      { type: 'image/png', pixel: [0, 0, 255, 255] },
    ]);
    const document = await fetch(answer.url);
    expect(document.headers.get('content-type')).toBe('application/pdf');
    expect(document.headers.get('content-disposition')).toMatch(/^attachment;/u);
    expect(Buffer.compare(new Uint8Array(await document.arrayBuffer()), bytes)).toBe(0);
    expect(answer.size).toBeGreaterThan(bytes.length);

    const list = await fetch(`${edge.url}/api/tenant/files`, { headers: basic('default', 'demo') });
    expect(await list.json()).toMatchObject({
      items: [{ room: 'documents', name: 'Quarterly report.pdf', url: answer.url, pages: answer.pages }],
    });
  });

  it('that is none behind its first bytes is refused, and nothing is left of it', async () => {
    const before = await storedKeys();
    const { status, answer } = await upload(uploadUrl, formOf(new TextEncoder().encode('%PDF-1.7\nnot really'), 'x.pdf'));
    expect([status, answer.code]).toEqual([422, '422']);
    expect(await storedKeys()).toBe(before);
  });
});

it('without a media node a PDF is refused for now, and nothing is left of it; pictures need none', async () => {
  const lonely = await startProbedEdge();
  try {
    const url = await (await Member.join(lonely, 'default/documents/ada')).fileUploadUrl();
    const { status, answer } = await upload(url, formOf(pdfOf(['#fff']), 'x.pdf'));
    expect([status, answer.code]).toEqual([502, '570']);
    expect((await (await lonely.bucket()).list()).objects).toEqual([]);
  } finally {
    await lonely.stop();
  }
});
