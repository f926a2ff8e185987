// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- every program that includes this file needs these declarations
/// <reference path="./text-modules.d.ts" />
import minified4 from '../../node_modules/socket.io-client/dist/socket.io.min.js';
import minifiedMap4 from '../../node_modules/socket.io-client/dist/socket.io.min.js.map';
import readable4 from 'socket.io-client/dist/socket.io.js';
import readableMap4 from 'socket.io-client/dist/socket.io.js.map';
import minified2 from 'socket.io-client-2/dist/socket.io.js';
import minifiedMap2 from 'socket.io-client-2/dist/socket.io.js.map';

/** The generation of the browser library that is handed out: `2` speaks revision 3 of Engine.IO, `4` speaks revision 4. */
export type ClientLibraryVersion = '2' | '4';

interface LibraryFile {
  readonly text: string;
  readonly contentType: string;
}

const SCRIPT = 'application/javascript; charset=utf-8';
const MAP = 'application/json; charset=utf-8';

/** By version and by the name at the end of the path. The package of version 2 publishes its library in minified form only. */
const FILES: Readonly<Record<ClientLibraryVersion, Readonly<Record<string, LibraryFile>>>> = {
  '2': {
    'socket.io.js': { text: minified2, contentType: SCRIPT },
    'socket.io.min.js': { text: minified2, contentType: SCRIPT },
    'socket.io.js.map': { text: minifiedMap2, contentType: MAP },
  },
  '4': {
    'socket.io.js': { text: readable4, contentType: SCRIPT },
    'socket.io.min.js': { text: minified4, contentType: SCRIPT },
    'socket.io.js.map': { text: readableMap4, contentType: MAP },
    'socket.io.min.js.map': { text: minifiedMap4, contentType: MAP },
  },
};

/** The comment with which the published files begin. */
const RELEASE_PATTERN = /Socket\.IO v(\d+\.\d+\.\d+)/;

/**
 * Hands out the client library as its maintainers published it, for pages that load it from the server
 * (`<script src="/socket.io/socket.io.js">`). Answers `undefined` to a request for anything else.
 *
 * The library is bundled as text: the bundler's configuration needs a rule of type `Text` for `socket.io*.js` and `socket.io*.js.map`
 * in folders named `dist`.
 */
export function clientLibraryResponse(request: Request, version: ClientLibraryVersion): Response | undefined {
  const name = new URL(request.url).pathname.split('/').at(-1) ?? '';
  const file = Object.hasOwn(FILES[version], name) ? FILES[version][name] : undefined;
  if (!file || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined;
  const etag = `"${RELEASE_PATTERN.exec(FILES[version]['socket.io.min.js']?.text ?? '')?.[1] ?? version}"`;
  const headers = { 'content-type': file.contentType, 'cache-control': 'public, max-age=0', etag };
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers });
  return new Response(request.method === 'HEAD' ? null : file.text, { headers });
}
