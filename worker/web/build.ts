/**
 * Bundles the meeting page into `dist/web`, from where the Worker serves it. The names of script and style carry a hash of their content, so
 * that browsers may keep them for ever; `index.html` names the current ones. Run by `npm run build:web`.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';

const PAGE = resolve(import.meta.dirname, 'page');
const OUT = resolve(import.meta.dirname, '../../dist/web');

/** Nothing but what the page itself consists of and talks to: no inline script or style, no frames, no other origin. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** How the platform's static assets are to be served (the `_headers` file of Workers static assets). */
const HEADERS = `/assets/*
  Cache-Control: public, max-age=31536000, immutable
/*
  Content-Security-Policy: ${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'
  Permissions-Policy: camera=(self), microphone=(self), display-capture=(self)
  Referrer-Policy: no-referrer
  X-Content-Type-Options: nosniff
`;

async function bundle(): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: PAGE,
    entryPoints: ['main.ts', 'styles/page.css', 'icon.svg'],
    outdir: join(OUT, 'assets'),
    entryNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    target: ['chrome116', 'firefox124', 'safari17.4'],
    alias: { websocket: './signaling/native-websocket.ts' },
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}

/** From each entry point, as index.html names it, to the path of its bundle. */
function bundlePaths(metafile: Metafile): Map<string, string> {
  const entries = Object.entries(metafile.outputs).flatMap(([output, { entryPoint }]): [string, string][] =>
    entryPoint === undefined ? [] : [[entryPoint, relative(OUT, resolve(PAGE, output))]],
  );
  return new Map(entries);
}

function indexHtml(template: string, paths: ReadonlyMap<string, string>): string {
  const policy = `<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}" />`;
  const html = template.replace('<meta charset="utf-8" />', `$&\n    ${policy}`);
  return [...paths].reduce((text, [entry, path]) => text.replace(`"${entry}"`, `"/${path}"`), html);
}

/** Bundles of earlier builds go last: a server that is running serves from this folder meanwhile. */
async function removeStale(metafile: Metafile): Promise<void> {
  const current = new Set(Object.keys(metafile.outputs).map((output) => resolve(PAGE, output)));
  for (const name of await readdir(join(OUT, 'assets'))) {
    const path = join(OUT, 'assets', name);
    if (!current.has(path)) await rm(path);
  }
}

await mkdir(OUT, { recursive: true });
const metafile = await bundle();
const template = await readFile(join(PAGE, 'index.html'), 'utf8');
await writeFile(join(OUT, 'index.html'), indexHtml(template, bundlePaths(metafile)));
await writeFile(join(OUT, '_headers'), HEADERS);
await removeStale(metafile);
