/**
 * The numbered errors with which an Engine.IO server refuses a request. Numbers, texts and statuses are those of the official server,
 * because clients and their operators look them up in its documentation.
 */
export interface EngineError {
  readonly code: 0 | 1 | 2 | 3 | 4 | 5;
  readonly message: string;
  readonly status: 400 | 403;
}

export const UNKNOWN_TRANSPORT: EngineError = { code: 0, message: 'Transport unknown', status: 400 };
export const UNKNOWN_SID: EngineError = { code: 1, message: 'Session ID unknown', status: 400 };
export const BAD_HANDSHAKE_METHOD: EngineError = { code: 2, message: 'Bad handshake method', status: 400 };
export const BAD_REQUEST: EngineError = { code: 3, message: 'Bad request', status: 400 };
export const FORBIDDEN: EngineError = { code: 4, message: 'Forbidden', status: 403 };
export const UNSUPPORTED_REVISION: EngineError = { code: 5, message: 'Unsupported protocol version', status: 400 };

/** The answer to a refused request: `{"code", "message"}` as JSON. */
export function errorResponse({ code, message, status }: EngineError): Response {
  return Response.json({ code, message }, { status });
}
