/** What members may share, by what the bytes begin with. A file's name and what a client says of it count for nothing. */
export interface FileType {
  readonly mime: string;
  readonly extension: string;
  readonly isDocument: boolean;
}

/** As many bytes as the longest of the beginnings has. */
export const HEAD_BYTES = 12;

/** Each beginning as Latin-1; a dot stands for any byte. */
const BEGINNINGS: readonly (readonly [RegExp, FileType])[] = [
  [/^%PDF-/su, { mime: 'application/pdf', extension: 'pdf', isDocument: true }],
  [/^\u0089PNG\r\n\u001a\n/su, { mime: 'image/png', extension: 'png', isDocument: false }],
  [/^\u00ff\u00d8\u00ff/su, { mime: 'image/jpeg', extension: 'jpg', isDocument: false }],
  [/^GIF8[79]a/su, { mime: 'image/gif', extension: 'gif', isDocument: false }],
  [/^RIFF.{4}WEBP/su, { mime: 'image/webp', extension: 'webp', isDocument: false }],
];

/** The type of a file by its first bytes; `undefined` when it is none that may be shared. */
export function fileTypeOf(head: Uint8Array): FileType | undefined {
  const beginning = latin1(head);
  return BEGINNINGS.find(([pattern]) => pattern.test(beginning))?.[1];
}

/** The content type of a stored file by its extension, which followed from its content. */
export function mimeOf(name: string): string | undefined {
  return BEGINNINGS.find(([, { extension }]) => name.endsWith(`.${extension}`))?.[1].mime;
}

function latin1(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, HEAD_BYTES));
}
