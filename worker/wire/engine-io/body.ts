import { byteLength } from '../byte-length.ts';
import { codecOf } from './codec.ts';
import type { Packet, Revision } from './packet.ts';

export type Body = { readonly packets: readonly Packet[]; readonly bytes: number } | 'too large' | 'malformed';

/** Reads and decodes the body of a polling POST, never more of it than is allowed. */
export async function readBody(request: Request, revision: Revision, maxBytes: number): Promise<Body> {
  const isBinary = request.headers.get('content-type') === 'application/octet-stream';
  // Revision 4 has no binary bodies (protocol document v4, "From v3 to v4").
  if (isBinary && revision === 4) return 'malformed';
  const bytes = await readAtMost(request, maxBytes);
  if (!bytes) return 'too large';
  const body = isBinary ? bytes : decodeText(bytes);
  const packets = body === undefined ? undefined : codecOf(revision).decodePayload(body);
  return packets ? { packets, bytes: byteLength(bytes) } : 'malformed';
}

async function readAtMost(request: Request, maxBytes: number): Promise<ArrayBuffer | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return undefined;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of (request.body as ReadableStream<Uint8Array> | null) ?? []) {
    total += chunk.length;
    if (total > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return new Blob(chunks).arrayBuffer();
}

function decodeText(bytes: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
