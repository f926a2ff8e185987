/** The beginnings of real files, filled up to a size where one is given. */
export const CONTENT = {
  png: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13],
  jpeg: [0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1],
  gif: [...Buffer.from('GIF89a'), 1, 0, 1, 0, 0, 0],
  webp: [...Buffer.from('RIFF'), 20, 0, 0, 0, ...Buffer.from('WEBP')],
  webm: [0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 1, 0x42, 0xf7, 0x81],
  mp4: [0, 0, 0, 24, ...Buffer.from('ftypisom')],
} as const;

/** Bytes that differ from place to place, so that a piece that is missing, doubled or in the wrong place is found out. */
export function bytesOf(beginning: readonly number[], size = beginning.length): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >>> 8) * 17 + (index >>> 16)) % 251;
  bytes.set(beginning.slice(0, size));
  return bytes;
}

/** A form with one file in it. */
export function formOf(bytes: Uint8Array<ArrayBuffer>, name = 'picture.png', { field = 'uploadFile', type = 'image/png' } = {}): FormData {
  const form = new FormData();
  form.append('note', 'a field before the file');
  form.append(field, new Blob([bytes], { type }), name);
  return form;
}

/** Sends a form. @returns the status and what was answered. */
export async function upload(
  url: string,
  body: FormData | BodyInit,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, answer: (await response.json()) as Answer };
}

export interface Answer {
  readonly code: string;
  readonly message: string;
  readonly roomId: string;
  readonly orgname: string;
  readonly type: string;
  readonly size: number;
  readonly url: string;
  readonly fileUrl: string;
  readonly filename: string;
  readonly pages?: readonly string[];
  readonly part: number;
  readonly received: number;
  readonly parts: readonly { number: number; size: number }[];
}
