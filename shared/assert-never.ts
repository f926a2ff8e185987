/**
 * Ends a `switch` over a union: a case that is missing fails to compile, and a value that should not exist
 * at run time throws instead of being passed over in silence.
 *
 * @throws Error always.
 */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
