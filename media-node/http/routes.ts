/** Registers every endpoint of the contract. Whatever is the same for all of them happens here and nowhere else. */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { MEDIA_ERROR_STATUS, mediaApi } from '../../shared/media-api.ts';
import type { Endpoint, MediaErrorReason, MediaOperation, ResultOf } from '../../shared/media-api.ts';
import { DIGEST_HEADER, SIGNATURE_HEADER } from '../../shared/signature.ts';
import { MediaError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { digestOf } from '../signing.ts';
import type { RequestLine, Verifier } from '../signing.ts';
import type { Handlers } from './call.ts';
import { Exchange } from './exchange.ts';
import type { Answer } from './exchange.ts';
import { parseCall } from './parse.ts';
import type { RawCall } from './parse.ts';

/** What the routes need to know of the server around them. */
export interface RouteContext {
  readonly handlers: Handlers;
  readonly verifier: Verifier;
  readonly log: Logger;
  /** Whether new calls are refused because the node is being stopped. */
  isShuttingDown(): boolean;
  /** A call has come in; the result is called with the status of its answer when it is over. */
  callStarted(operation: MediaOperation): (status: number) => void;
}

const REGISTER = { GET: 'get', POST: 'post', PUT: 'put', DELETE: 'del' } as const satisfies Record<Endpoint['method'], keyof TemplatedApp>;

/** Status that is counted for a client which went away before it was answered; nginx's number for the same. */
const CLIENT_WENT_AWAY = 499;

export function refusal(reason: MediaErrorReason, message: string): Answer {
  return { status: MEDIA_ERROR_STATUS[reason], body: JSON.stringify({ error: { reason, message } }) };
}

const WRONG_SIGNATURE = refusal('unauthorized', 'the signature is wrong or was used before');

export function registerRoutes(app: TemplatedApp, context: RouteContext): void {
  for (const operation of Object.keys(mediaApi) as MediaOperation[]) registerRoute(app, operation, context);
}

function registerRoute(app: TemplatedApp, operation: MediaOperation, context: RouteContext): void {
  const { method, path } = mediaApi[operation];
  const names = [...path.matchAll(/:(\w+)/gu)].map(([, name = '']) => name);
  app[REGISTER[method]](path, (response, request) => {
    void receive(operation, method, names, response, request, context);
  });
}

/** The request exists only until this function returns for the first time, so everything is taken from it before the first await. */
async function receive(
  operation: MediaOperation,
  method: Endpoint['method'],
  names: readonly string[],
  response: HttpResponse,
  request: HttpRequest,
  context: RouteContext,
): Promise<void> {
  const exchange = new Exchange(response, request);
  const finished = context.callStarted(operation);
  let status = CLIENT_WENT_AWAY;
  exchange.onOver(() => {
    finished(status);
  });
  // Other than declared: undefined when the request line has no question mark.
  const query = request.getQuery() as string | undefined;
  const line = { method, path: request.getUrl() + (query === undefined ? '' : `?${query}`) };
  const path = Object.fromEntries(names.map((name, index) => [name, request.getParameter(index)]));
  const answer = await answerTo(operation, line, { path, query: query ?? '' }, request, exchange, context);
  status = answer.status;
  exchange.answer(answer);
}

async function answerTo(
  operation: MediaOperation,
  line: RequestLine,
  raw: Omit<RawCall, 'body'>,
  request: HttpRequest,
  exchange: Exchange,
  context: RouteContext,
): Promise<Answer> {
  if (context.isShuttingDown()) return refusal('shutting-down', 'this media node is being stopped');
  const { maxBodyBytes, bodyType }: Endpoint = mediaApi[operation];
  if (Number(request.getHeader('content-length')) > maxBodyBytes) return tooLarge(maxBodyBytes);
  const claim = context.verifier.claimOf(request.getHeader(SIGNATURE_HEADER));
  if (claim === undefined) return refusal('unauthorized', "the call is not signed, or its time is too far from this machine's");
  const isSignedByDigest = bodyType !== 'application/json';
  const digest = request.getHeader(DIGEST_HEADER);
  if (isSignedByDigest && !context.verifier.accepts(claim, line, Buffer.from(digest))) return WRONG_SIGNATURE;
  const body = await exchange.readBody(maxBodyBytes);
  if (body === undefined) return tooLarge(maxBodyBytes);
  if (isSignedByDigest ? digestOf(body) !== digest : !context.verifier.accepts(claim, line, body)) return WRONG_SIGNATURE;
  return answerToSigned(operation, { ...raw, body }, context);
}

async function answerToSigned(operation: MediaOperation, raw: RawCall, { handlers, log }: RouteContext): Promise<Answer> {
  try {
    const result = await handle(operation, raw, handlers);
    const { resultType }: Endpoint = mediaApi[operation];
    return { status: 200, contentType: resultType, body: result instanceof Uint8Array ? result : JSON.stringify(result) };
  } catch (error) {
    if (error instanceof MediaError) return refusal(error.reason, error.message);
    log.error({ operation, err: error }, 'a call failed because of a bug');
    return refusal('internal', 'the media node failed; its log tells why');
  }
}

/** Binds the handler to the call of the same operation; the result is checked against the contract where the handler is declared. */
function handle<Operation extends MediaOperation>(
  operation: Operation,
  raw: RawCall,
  handlers: Handlers,
): ResultOf<Operation> | Promise<ResultOf<Operation>> {
  const handler: Handlers[Operation] = handlers[operation];
  return handler(parseCall(operation, raw));
}

function tooLarge(limit: number): Answer {
  return refusal('body-too-large', `the body is larger than ${limit} bytes`);
}
