/** From the bytes of a signed call to its checked parts. Every refusal is `invalid-parameters` and says what was wrong where. */
import type { z } from 'zod';
import { mediaApi } from '../../shared/media-api.ts';
import type { BodyOf, Endpoint, MediaOperation, QueryOf } from '../../shared/media-api.ts';
import { MediaError } from '../errors.ts';
import { PATH_SCHEMAS } from './call.ts';
import type { Call, PathName, PathValues } from './call.ts';

const MAX_ISSUES_TOLD = 3;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface RawCall {
  /** As they stand in the path, percent-encoded, by name. */
  readonly path: Readonly<Record<string, string>>;
  /** Without the question mark. */
  readonly query: string;
  readonly body: Uint8Array;
}

function refuse(message: string): never {
  throw new MediaError('invalid-parameters', message);
}

function check<Value>(where: string, schema: z.ZodType<Value>, value: unknown): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES_TOLD);
  return refuse(issues.map(({ path, message }) => [where, ...path].map(String).join('.') + `: ${message}`).join('; '));
}

function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(`path.${name}: is not valid percent-encoding`);
  }
}

function isPathName(name: string): name is PathName {
  return Object.hasOwn(PATH_SCHEMAS, name);
}

function parsePath(path: RawCall['path']): unknown {
  const entries = Object.entries(path).map(([name, text]) => {
    if (!isPathName(name)) throw new Error(`the contract has a path parameter that nobody knows: ${name}`);
    return [name, check<string | number>(`path.${name}`, PATH_SCHEMAS[name], decoded(name, text))];
  });
  return Object.fromEntries(entries);
}

function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return refuse('body: is not valid UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    return refuse('body: is not valid JSON');
  }
}

/**
 * @throws MediaError `invalid-parameters`
 */
export function parseCall<Operation extends MediaOperation>(operation: Operation, { path, query, body }: RawCall): Call<Operation> {
  const endpoint: Endpoint = mediaApi[operation];
  // The schemas are those of this operation, which TypeScript cannot follow through a union of all of them.
  return {
    path: parsePath(path) as PathValues<Operation>,
    query: check('query', endpoint.query, Object.fromEntries(new URLSearchParams(query))) as QueryOf<Operation>,
    body: check('body', endpoint.body, endpoint.bodyType === 'application/json' ? parseJson(body) : body) as BodyOf<Operation>,
  };
}
