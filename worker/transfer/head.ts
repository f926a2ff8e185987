export interface Opened {
  /** The first bytes, at least as many as were asked for unless there are fewer. */
  readonly head: Uint8Array;
  /** Everything, the first bytes included. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Looks at the first bytes of something that is being received. */
export async function openHead(bytes: AsyncIterable<Uint8Array>, length: number): Promise<Opened> {
  const source = bytes[Symbol.asyncIterator]();
  let head = new Uint8Array();
  while (head.length < length) {
    const next = await source.next();
    if (next.done === true) break;
    head = joined(head, next.value);
  }
  return { head, bytes: resumed(head, source) };
}

async function* resumed(head: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => source };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
