import { BodyError } from './body.ts';
import { make, type MultipartError, type Parser, type PartInfo } from 'multipasta';

/** A form has a few short fields beside its file. */
const MAX_PARTS = 32;
const MAX_FIELD_BYTES = 64 * 1024;

export interface IncomingFile {
  /** As the client gave it: anything may stand there. */
  readonly name: string;
  /** Ends with the file. @throws BodyError when the body ends before. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * The first file of a `multipart/form-data` body (RFC 7578), whatever its field is called. It is read as it comes, no faster than the
 * caller takes it; what follows it is not read at all.
 *
 * @throws BodyError when the body is no form, or has no file.
 */
export async function firstFileOf(body: AsyncIterable<Uint8Array>, contentType: string): Promise<IncomingFile> {
  const form = new Form(contentType);
  const source = body[Symbol.asyncIterator]();
  while (form.fileName === undefined) await form.read(source);
  return { name: form.fileName, bytes: fileBytes(form, source) };
}

async function* fileBytes(form: Form, source: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* form.take();
  while (!form.fileEnded) {
    await form.read(source);
    yield* form.take();
  }
}

/** A form of which the head was read. */
class Form {
  /** Of the first file, once its head was read. */
  fileName: string | undefined;
  fileEnded = false;
  readonly #parser: Parser;
  #chunks: Uint8Array[] = [];
  #error: string | undefined;

  constructor(contentType: string) {
    this.#parser = make({
      headers: { 'content-type': contentType },
      maxParts: MAX_PARTS,
      maxFieldSize: MAX_FIELD_BYTES,
      isFile: (part) => fileNameOf(part) !== '',
      onField: () => undefined,
      onFile: (part) => this.#onFile(fileNameOf(part)),
      onError: (error) => {
        this.#error ??= nameOf(error);
      },
      onDone: () => undefined,
    });
    this.#check();
  }

  /** Reads one chunk more. */
  async read(source: AsyncIterator<Uint8Array>): Promise<void> {
    const next = await source.next();
    if (next.done === true) throw new BodyError(this.fileName === undefined ? 'the form has no file' : 'the form was cut off');
    try {
      this.#parser.write(next.value);
    } catch (error) {
      // The parser throws at some heads that are beyond repair.
      throw new BodyError(String(error));
    }
    this.#check();
  }

  /** What came of the file since the last time. */
  take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  #onFile(name: string): (chunk: Uint8Array | null) => void {
    if (this.fileName !== undefined) return () => undefined;
    this.fileName = name;
    return (chunk) => {
      if (chunk === null) this.fileEnded = true;
      else this.#chunks.push(chunk);
    };
  }

  /** Nothing that is wrong with the form behind its file matters any more. */
  #check(): void {
    if (this.#error !== undefined && !this.fileEnded) throw new BodyError(this.#error);
  }
}

/**
 * The parser reads names of Latin-1 letters only, but browsers send the bytes of UTF-8 as they are, with `%22` for a quotation mark (HTML, multipart
 * form data). A part without a name is no file: browsers send one with an empty name where nobody chose a file.
 */
function fileNameOf({ headers }: PartInfo): string {
  const disposition = String(headers['content-disposition']);
  const [, quoted] = /;\s*filename="((?:[^"\\]|\\.)*)"/iu.exec(disposition) ?? [];
  const [, plain = ''] = /;\s*filename=([^";\s]+)/iu.exec(disposition) ?? [];
  return quoted?.replaceAll(/\\(["\\])/gu, '$1').replaceAll('%22', '"') ?? plain;
}

function nameOf(error: MultipartError): string {
  return error._tag === 'ReachedLimit' ? `the form is too large (${error.limit})` : `the form is malformed (${error._tag})`;
}
