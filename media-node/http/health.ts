/** What an operator's tools ask: is it alive, may it get work, how is it doing. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Metrics } from '../metrics.ts';
import { Exchange } from './exchange.ts';
import type { Answer } from './exchange.ts';
import { refusal } from './routes.ts';

export interface HealthContext {
  readonly metrics: Metrics;
  /** Bearer token for `/metrics`; `undefined` leaves it open. */
  readonly metricsToken: string | undefined;
  /** Whether the node can open rooms at this moment. */
  readonly isReady: () => boolean;
}

export function registerHealth(app: TemplatedApp, { metrics, metricsToken, isReady }: HealthContext): void {
  app.get(
    '/healthz',
    answering(() => ({ status: 200, body: '{"status":"ok"}' })),
  );
  app.get(
    '/readyz',
    answering(() => (isReady() ? { status: 200, body: '{"status":"ready"}' } : refusal('shutting-down', 'no new rooms at the moment'))),
  );
  app.get(
    '/metrics',
    answering(async (request) => {
      if (!isAllowed(request.getHeader('authorization'), metricsToken))
        return refusal('unauthorized', 'the metrics token is missing or wrong');
      return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
    }),
  );
}

function answering(answerTo: (request: HttpRequest) => Answer | Promise<Answer>) {
  return (response: HttpResponse, request: HttpRequest): void => {
    const exchange = new Exchange(response, request);
    void Promise.resolve(answerTo(request))
      .catch((error: unknown) => refusal('internal', String(error)))
      .then((answer) => {
        exchange.answer(answer);
      });
  };
}

/** Hashes have the same length whatever was sent, which the constant-time comparison needs. */
function isAllowed(header: string, token: string | undefined): boolean {
  if (token === undefined) return true;
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(header), hash(`Bearer ${token}`));
}
