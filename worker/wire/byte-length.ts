/** The length of a text in UTF-8, or of binary data, in bytes. */
export function byteLength(data: string | ArrayBuffer): number {
  if (typeof data !== 'string') return data.byteLength;
  let bytes = data.length;
  for (let index = 0; index < data.length; index++) {
    const code = data.charCodeAt(index);
    // Each half of a surrogate pair stands for two of the pair's four bytes.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
