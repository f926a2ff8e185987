import parseRange from 'range-parser';
import { toHex } from '../../shared/hex.ts';

/** An object, or the part of a whole that is one. */
export interface Segment {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
}

interface Slice {
  readonly key: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Answers with objects of the bucket, one after the other as one whole, or with the range of it that the request asks for (RFC 9110, section
 * 14; several ranges at once are answered with the whole).
 */
export async function send(request: Request, bucket: R2Bucket, segments: readonly Segment[], given: HeadersInit): Promise<Response> {
  const total = segments.reduce((sum, { size }) => sum + size, 0);
  const headers = new Headers(given);
  headers.set('accept-ranges', 'bytes');
  const range = rangeOf(request, total);
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${total}`);
    return new Response(null, { status: 416, headers });
  }
  const { start, end } = range ?? { start: 0, end: total - 1 };
  const length = end - start + 1;
  if (range) headers.set('content-range', `bytes ${start}-${end}/${total}`);
  headers.set('content-length', String(length));
  const status = range ? 206 : 200;
  if (request.method === 'HEAD') return new Response(null, { status, headers });
  const body = await streamed(bucket, slicesOf(segments, start, end + 1), length);
  return body ? new Response(body, { status, headers }) : new Response('No such file\n', { status: 404 });
}

/** The header that says how a file is called and whether it may be shown in place (RFC 6266, RFC 8187). */
export function dispositionOf(place: 'inline' | 'attachment', name: string): string {
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/gu, (character) => `%${toHex(Uint8Array.of(character.charCodeAt(0)))}`);
  return `${place}; filename*=UTF-8''${encoded}`;
}

function rangeOf(request: Request, total: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const header = request.headers.get('range');
  if (header === null) return undefined;
  const ranges = parseRange(total, header);
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}

/** What of each segment lies between two offsets of the whole. */
function slicesOf(segments: readonly Segment[], start: number, end: number): Slice[] {
  let position = 0;
  return segments.flatMap(({ key, size }) => {
    const offset = Math.max(start - position, 0);
    const length = Math.min(end - position, size) - offset;
    position += size;
    return length > 0 ? [{ key, offset, length }] : [];
  });
}

/** @returns `undefined` when the first object is not there. */
async function streamed(bucket: R2Bucket, [first, ...others]: readonly Slice[], length: number): Promise<ReadableStream | undefined> {
  const body = first && (await bodyOf(bucket, first));
  if (!body || others.length === 0) return body;
  const { readable, writable } = new FixedLengthStream(length);
  pump(bucket, body, others, writable).catch((error: unknown) => writable.abort(error).catch(() => undefined));
  return readable;
}

async function pump(bucket: R2Bucket, first: ReadableStream, others: readonly Slice[], out: WritableStream): Promise<void> {
  await first.pipeTo(out, { preventClose: true });
  for (const slice of others) {
    const body = await bodyOf(bucket, slice);
    if (!body) throw new Error(`${slice.key} is missing`);
    await body.pipeTo(out, { preventClose: true });
  }
  await out.close();
}

async function bodyOf(bucket: R2Bucket, { key, offset, length }: Slice): Promise<ReadableStream | undefined> {
  const object = await bucket.get(key, { range: { offset, length } });
  return object?.body;
}
