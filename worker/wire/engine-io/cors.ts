import type { OriginPolicy } from './settings.ts';

const MAX_AGE_SECONDS = 600;

/** Whether a page of this origin may connect; `null` when the request does not come from a page. */
export function isOriginAllowed(origin: string | null, policy: OriginPolicy | undefined): boolean {
  return origin === null || policy === undefined || policy.origins === '*' || policy.origins.includes(origin);
}

/**
 * The cross-origin headers of a response. The exact origin is echoed, never `*`: clients of revision 3 poll with credentials, and a
 * browser rejects the wild card for those.
 */
export function corsHeaders(origin: string | null, policy: OriginPolicy | undefined): Record<string, string> {
  if (!policy) return {};
  if (origin === null || !isOriginAllowed(origin, policy)) return { vary: 'Origin' };
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' };
}

/** Adds to an answer what every answer to a client carries. */
export function withCors(response: Response, request: Request, policy: OriginPolicy | undefined): Response {
  response.headers.set('cache-control', 'no-store');
  for (const [name, value] of Object.entries(corsHeaders(request.headers.get('origin'), policy))) response.headers.set(name, value);
  return response;
}

/** The answer to a preflight request. */
export function preflightResponse(request: Request, policy: OriginPolicy | undefined): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...corsHeaders(request.headers.get('origin'), policy),
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? 'content-type',
      'access-control-max-age': String(MAX_AGE_SECONDS),
    },
  });
}
