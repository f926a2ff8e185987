const encoder = new TextEncoder();
/** Written to and never read: the runtime counts the bytes of a text many times faster than a loop over its characters does. */
const scratch = new Uint8Array(16_384);
/** One UTF-16 code unit becomes three bytes at most. */
const MAX_BYTES_PER_UNIT = 3;
const CHUNK_UNITS = Math.floor(scratch.length / MAX_BYTES_PER_UNIT);

/** The length of a text in UTF-8, or of binary data, in bytes. */
export function byteLength(data: string | ArrayBuffer): number {
  if (typeof data !== 'string') return data.byteLength;
  if (data.length <= CHUNK_UNITS) return encoder.encodeInto(data, scratch).written;
  let bytes = 0;
  // A pair of surrogates at the end of a chunk is left to the next one.
  for (let start = 0; start < data.length;) {
    const { read, written } = encoder.encodeInto(data.slice(start, start + scratch.length), scratch);
    start += read;
    bytes += written;
  }
  return bytes;
}

/** Whether {@link byteLength} exceeds a limit; mostly known without counting. */
export function isLongerThan(data: string | ArrayBuffer, maxBytes: number): boolean {
  if (typeof data !== 'string') return data.byteLength > maxBytes;
  return data.length > maxBytes || (data.length * MAX_BYTES_PER_UNIT > maxBytes && byteLength(data) > maxBytes);
}
