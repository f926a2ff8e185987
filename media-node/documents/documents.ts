import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MediaError } from '../errors.ts';
import { Drawing, DRAWING_LIMITS } from './drawing.ts';
import type { DrawingLimits } from './drawing.ts';

/** Drawing processes at one time. */
const MAX_DRAWING = 2;
/** Documents that wait for their process. */
const MAX_WAITING = 16;
/** Documents whose pages are kept at one time. */
const MAX_DOCUMENTS = 500;

interface Document {
  readonly folder: string;
  readonly drawing: Drawing;
  readonly timer: NodeJS.Timeout;
}

/** Documents whose pages are drawn, and kept in a temporary folder for a while. */
export class Documents {
  readonly #home: string;
  readonly #lifetimeMs: number;
  readonly #limits: DrawingLimits;
  readonly #documents = new Map<string, Document>();
  readonly #waiting: (() => void)[] = [];
  #drawing = 0;
  #isClosed = false;

  static async create(lifetimeSeconds: number, limits = DRAWING_LIMITS): Promise<Documents> {
    return new Documents(await mkdtemp(join(tmpdir(), 'parley-documents-')), lifetimeSeconds * 1000, limits);
  }

  private constructor(home: string, lifetimeMs: number, limits: DrawingLimits) {
    this.#home = home;
    this.#lifetimeMs = lifetimeMs;
    this.#limits = limits;
  }

  /** How many documents are kept. */
  get size(): number {
    return this.#documents.size;
  }

  /**
   * Opens a document; its pages are drawn from now on.
   *
   * @throws MediaError `invalid-document`, `encrypted-document`, `costly-document`, `overloaded`
   */
  async open(pdf: Uint8Array): Promise<{ document: string; pages: number }> {
    if (this.#documents.size >= MAX_DOCUMENTS) throw new MediaError('overloaded', 'too many documents are kept at the moment');
    await this.#turn();
    const document = randomUUID();
    try {
      const { drawing } = await this.#start(document, pdf);
      return { document, pages: await drawing.opened };
    } catch (error) {
      await this.#forget(document);
      throw error;
    }
  }

  /**
   * A page as PNG, as soon as it is drawn.
   *
   * @throws MediaError `document-not-found`, `page-not-found`, `invalid-document`, `costly-document`
   */
  async page(id: string, page: number): Promise<Uint8Array> {
    const { drawing, folder } = this.#document(id);
    await drawing.page(page);
    // It may have been closed in the meantime.
    this.#document(id);
    return readFile(join(folder, `${page}.png`));
  }

  /** @throws MediaError `document-not-found` */
  async close(id: string): Promise<void> {
    this.#document(id);
    await this.#forget(id);
  }

  /** Ends everything and leaves nothing behind. */
  async shutDown(): Promise<void> {
    this.#isClosed = true;
    for (const begin of this.#waiting.splice(0)) begin();
    await Promise.all([...this.#documents.keys()].map((id) => this.#forget(id)));
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Waits until a drawing process may be started. */
  async #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw new MediaError('overloaded', 'too many documents wait to be drawn');
    if (this.#drawing >= MAX_DRAWING) await new Promise<void>((begin) => this.#waiting.push(begin));
    else this.#drawing += 1;
    if (this.#isClosed) throw new MediaError('shutting-down', 'this media node is being stopped');
  }

  /** Gives the turn to the next document. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#drawing -= 1;
    else next();
  }

  async #start(id: string, pdf: Uint8Array): Promise<Document> {
    const folder = join(this.#home, id);
    const file = join(folder, 'document.pdf');
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(file, pdf);
    } catch (error) {
      this.#pass();
      throw error;
    }
    const drawing = new Drawing(file, folder, this.#limits);
    void drawing.over.then(() => {
      this.#pass();
      return rm(file, { force: true });
    });
    const timer = setTimeout(() => void this.#forget(id), this.#lifetimeMs).unref();
    const document = { folder, drawing, timer };
    this.#documents.set(id, document);
    return document;
  }

  async #forget(id: string): Promise<void> {
    const document = this.#documents.get(id);
    if (document === undefined) return;
    this.#documents.delete(id);
    clearTimeout(document.timer);
    document.drawing.end();
    await document.drawing.over;
    await rm(document.folder, { recursive: true, force: true });
  }

  #document(id: string): Document {
    const document = this.#documents.get(id);
    if (document === undefined) throw new MediaError('document-not-found', `there is no document ${id}, or its lifetime is over`);
    return document;
  }
}
