import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MAX_DOCUMENT_PAGES } from '../../shared/media-api.ts';
import type { MediaErrorReason } from '../../shared/media-api.ts';
import { deferred } from '../deferred.ts';
import type { Deferred } from '../deferred.ts';
import { MediaError } from '../errors.ts';
import { DrawingMessageSchema } from './messages.ts';
import type { DrawingMessage } from './messages.ts';

const PROGRAM = fileURLToPath(new URL('draw.mjs', import.meta.url));

/** What one document may cost. */
export interface DrawingLimits {
  /** To open it, and to draw each page, in milliseconds. */
  readonly stepMs: number;
  /** To draw it all, in milliseconds. */
  readonly totalMs: number;
  /** Of the drawing process, in bytes of resident memory. */
  readonly memoryBytes: number;
}

export const DRAWING_LIMITS: DrawingLimits = { stepMs: 15_000, totalMs: 90_000, memoryBytes: 1024 * 1024 * 1024 };

/** Media is more urgent than documents. */
const NICENESS = 5;
/** The part of its memory that JavaScript may fill; pictures are kept outside of it. */
const HEAP_MB = 512;
const MEMORY_CHECK_MS = 100;
const PAGE_BYTES = 4096;

/** One document being drawn by a process of its own. */
export class Drawing {
  /** Resolves to the number of pages. */
  readonly opened: Promise<number>;
  /** Resolves when the process has ended, for whatever reason. */
  readonly over: Promise<void>;
  readonly #limits: DrawingLimits;
  readonly #child: ChildProcess;
  readonly #opening = deferred<number>();
  readonly #pages: Deferred<undefined>[] = [];
  readonly #timers: NodeJS.Timeout[];
  #step: NodeJS.Timeout | undefined;

  /**
   * @param file the PDF.
   * @param folder where the pages are drawn to.
   */
  constructor(file: string, folder: string, limits: DrawingLimits) {
    this.#limits = limits;
    this.#child = spawn(
      process.execPath,
      [`--max-old-space-size=${HEAP_MB}`, PROGRAM, file, folder, String(MAX_DOCUMENT_PAGES)],
      // Whoever takes the process over finds no secret in it.
      { env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
    );
    this.opened = this.#opening.promise;
    this.over = this.#waitForEnd();
    if (this.#child.pid !== undefined) setPriority(this.#child.pid, NICENESS);
    this.#startStep('opening it');
    this.#timers = [
      setTimeout(() => {
        this.#end('costly-document', `drawing the document takes longer than ${limits.totalMs / 1000} s`);
      }, limits.totalMs),
      setInterval(() => {
        this.#checkMemory();
      }, MEMORY_CHECK_MS),
    ];
    this.#child.on('message', (message) => {
      this.#take(DrawingMessageSchema.parse(message));
    });
  }

  /**
   * Waits until a page is drawn.
   *
   * @throws MediaError `page-not-found`, `invalid-document`, `costly-document`; `document-not-found` when it is ended in the meantime.
   */
  async page(number: number): Promise<void> {
    const page = this.#pages[number - 1];
    if (page === undefined) throw new MediaError('page-not-found', `the document has ${this.#pages.length} pages`);
    await page.promise;
  }

  /** Ends it; who waits for a page is refused. */
  end(): void {
    this.#end('document-not-found', 'the document was closed');
  }

  async #waitForEnd(): Promise<void> {
    this.#child.on('error', () => {
      this.#end('internal', 'the drawing process cannot be started');
    });
    await once(this.#child, 'close').catch(() => undefined);
    const { exitCode, signalCode } = this.#child;
    // JavaScript that finds no more memory ends itself like this, and so does a fault of the library.
    this.#end('costly-document', `the document made the drawing process end (${signalCode ?? `exit code ${String(exitCode)}`})`);
  }

  #take(message: DrawingMessage): void {
    switch (message.type) {
      case 'opened':
        this.#open(message.pages);
        return;
      case 'refused':
        this.#end(message.reason, message.message);
        return;
      case 'drawn':
        this.#pages[message.page - 1]?.resolve(undefined);
        this.#startStep(`drawing page ${message.page + 1}`);
        return;
      case 'failed':
        this.#pages[message.page - 1]?.reject(new MediaError('invalid-document', `page ${message.page}: ${message.message}`));
        this.#startStep(`drawing page ${message.page + 1}`);
    }
  }

  #open(pages: number): void {
    if (pages > MAX_DOCUMENT_PAGES) {
      this.#end('costly-document', `the document has ${pages} pages; ${MAX_DOCUMENT_PAGES} are the most`);
      return;
    }
    this.#pages.push(...Array.from({ length: pages }, () => deferred<undefined>()));
    this.#opening.resolve(pages);
    this.#startStep('drawing page 1');
  }

  #startStep(name: string): void {
    clearTimeout(this.#step);
    this.#step = setTimeout(() => {
      this.#end('costly-document', `${name} takes longer than ${this.#limits.stepMs / 1000} s`);
    }, this.#limits.stepMs);
  }

  #checkMemory(): void {
    if (this.#child.pid === undefined || residentBytes(this.#child.pid) <= this.#limits.memoryBytes) return;
    this.#end('costly-document', 'drawing the document needs too much memory');
  }

  /** What is settled already stays so: after the last page this changes nothing. */
  #end(reason: MediaErrorReason, message: string): void {
    clearTimeout(this.#step);
    for (const timer of this.#timers) clearTimeout(timer);
    const error = new MediaError(reason, message);
    this.#opening.reject(error);
    for (const page of this.#pages) page.reject(error);
    this.#child.kill('SIGKILL');
  }
}

/** Linux's own count; 0 when the process has ended. */
function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
