import { toHex } from '../../shared/hex.ts';

/** What members may share, by what the bytes begin with. A file's name and what a client says of it count for nothing. */
export interface FileType {
  readonly mime: string;
  readonly extension: string;
  readonly isDocument: boolean;
}

/** As many bytes as the longest of the beginnings has. */
export const HEAD_BYTES = 12;

/** Each beginning in hex; a dot stands for any digit. */
const BEGINNINGS: readonly (readonly [RegExp, FileType])[] = [
  [/^255044462d/u, { mime: 'application/pdf', extension: 'pdf', isDocument: true }],
  [/^89504e470d0a1a0a/u, { mime: 'image/png', extension: 'png', isDocument: false }],
  [/^ffd8ff/u, { mime: 'image/jpeg', extension: 'jpg', isDocument: false }],
  [/^47494638(?:37|39)61/u, { mime: 'image/gif', extension: 'gif', isDocument: false }],
  [/^52494646.{8}57454250/u, { mime: 'image/webp', extension: 'webp', isDocument: false }],
];

/** The type of a file by its first bytes; `undefined` when it is none that may be shared. */
export function fileTypeOf(head: Uint8Array): FileType | undefined {
  const beginning = toHex(head.subarray(0, HEAD_BYTES));
  return BEGINNINGS.find(([pattern]) => pattern.test(beginning))?.[1];
}

/** The content type of a stored file by its extension, which followed from its content. */
export function mimeOf(name: string): string | undefined {
  return BEGINNINGS.find(([, { extension }]) => name.endsWith(`.${extension}`))?.[1].mime;
}
