/**
 * The drawing process: `draw.mjs <PDF file> <folder> <most pages>`. It reads one document, which may be hostile, and draws page `n` into
 * `<folder>/<n>.png`. It is a process of its own, without the media node's environment, so that what goes wrong in it can be ended and harms nobody.
 * It is plain JavaScript because it is started for every document: a TypeScript loader would take ten times as long as drawing a page.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createCanvas } from '@napi-rs/canvas';
import { getDocument, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs';

/** 144 pixels per inch: the inch of a PDF has 72 points. */
const SCALE = 2;
const MAX_PIXELS = 4_000_000;
const MAX_SIDE = 4_096;
/** Of a picture inside the document; larger ones are left out. */
const MAX_IMAGE_PIXELS = 40_000_000;

const PACKAGE = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));

/** @param {string} folder of the library's package. */
function resource(folder) {
  return `${join(PACKAGE, folder)}/`;
}

/**
 * @param {import('./messages.ts').DrawingMessage} message
 * @returns {Promise<void>} resolves when the message is on its way.
 */
function tell(message) {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => {
      resolve();
    });
  });
}

/** @param {string} file */
async function open(file) {
  return getDocument({
    data: new Uint8Array(await readFile(file)),
    verbosity: VerbosityLevel.ERRORS,
    isEvalSupported: false,
    enableXfa: false,
    useSystemFonts: false,
    maxImageSize: MAX_IMAGE_PIXELS,
    standardFontDataUrl: resource('standard_fonts'),
    cMapUrl: resource('cmaps'),
    wasmUrl: resource('wasm'),
    iccUrl: resource('iccs'),
  }).promise;
}

/**
 * The scale at which a page of this size, in points, is not too large.
 *
 * @param {number} width
 * @param {number} height
 */
function scaleFor(width, height) {
  const scale = Math.min(SCALE, MAX_SIDE / width, MAX_SIDE / height, Math.sqrt(MAX_PIXELS / (width * height)));
  if (!(scale > 0 && Number.isFinite(width * height * scale))) throw new Error(`it cannot have ${width} x ${height} points`);
  return scale;
}

/** @param {import('pdfjs-dist').PDFPageProxy} page */
async function draw(page) {
  const { width, height } = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: scaleFor(width, height) });
  const canvas = createCanvas(Math.max(1, Math.floor(viewport.width)), Math.max(1, Math.floor(viewport.height)));
  // The library's types know a browser's canvas only; this one has the same methods.
  await page.render({ canvas: /** @type {never} */ (canvas), viewport }).promise;
  page.cleanup();
  // At once and not in another thread (`encode`): there the library sometimes (1 in 12 here) ends the process with a segmentation fault.
  return canvas.toBuffer('image/png');
}

/**
 * @param {import('pdfjs-dist').PDFDocumentProxy} document
 * @param {number} page
 * @param {string} folder
 */
async function drawPage(document, page, folder) {
  try {
    await writeFile(join(folder, `${page}.png`), await draw(await document.getPage(page)));
    await tell({ type: 'drawn', page });
  } catch (error) {
    await tell({ type: 'failed', page, message: String(error) });
  }
}

/**
 * @param {unknown} error
 * @returns {import('./messages.ts').DrawingMessage}
 */
function refused(error) {
  const isEncrypted = error instanceof Error && error.name === 'PasswordException';
  if (isEncrypted) return { type: 'refused', reason: 'encrypted-document', message: 'the document is protected by a password' };
  return { type: 'refused', reason: 'invalid-document', message: `the document cannot be read: ${String(error)}` };
}

// Nobody waits for the pages any more.
process.on('disconnect', () => process.exit(1));

const [file = '', folder = '', maxPages = '0'] = process.argv.slice(2);
try {
  const document = await open(file);
  await tell({ type: 'opened', pages: document.numPages });
  for (let page = 1; page <= Math.min(document.numPages, Number(maxPages)); page += 1) await drawPage(document, page, folder);
} catch (error) {
  await tell(refused(error));
}
process.exit(0);
