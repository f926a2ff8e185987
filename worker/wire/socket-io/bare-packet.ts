/**
 * Events and answers on their way between the front door, which speaks Socket.IO to the client, and a server behind it that does not: the
 * text of a Socket.IO packet without its namespace, `2["name",…]`, `2<id>["name",…]` for an event that wants an answer, `3<id>[…]` for the
 * answer. A server makes such a text once, however many clients get it. Binary data has no place in it.
 */
export interface BareEvent {
  readonly name: string;
  readonly args: readonly unknown[];
  /** Where the client wants an answer: the id for {@link bareAck}. */
  readonly ackId: number | undefined;
}

const EVENT_PATTERN = /^2(\d*)(\[.*)$/s;
const PACKET_PATTERN = /^[23]\d*\[/;

export function bareEvent(name: string, args: readonly unknown[], ackId?: number): string {
  return `2${ackId ?? ''}${JSON.stringify([name, ...args])}`;
}

/** The answer to an event that came with an id. */
export function bareAck(ackId: number, args: readonly unknown[]): string {
  return `3${ackId}${JSON.stringify(args)}`;
}

/** An event whose arguments are serialised already, separated by commas: what came as JSON from another object is not read and written again. */
export function serialisedEvent(name: string, json: string): string {
  return `2[${JSON.stringify(name)}${json === '' ? '' : ','}${json}]`;
}

/** An answer with such arguments. */
export function serialisedAck(ackId: number, json: string): string {
  return `3${ackId}[${json}]`;
}

/** Reads what {@link bareEvent} wrote; `undefined` where it is anything else. */
export function readBareEvent(packet: string): BareEvent | undefined {
  const [, id, json = ''] = EVENT_PATTERN.exec(packet) ?? [];
  try {
    const [name, ...args] = JSON.parse(json) as unknown[];
    return typeof name === 'string' ? { name, args, ackId: id ? Number(id) : undefined } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The packet for clients in a namespace.
 *
 * @throws Error when it is neither an event nor an answer.
 */
export function withNamespace(packet: string, namespace: string): string {
  if (!PACKET_PATTERN.test(packet)) throw new Error(`a bare packet is an event or an answer, not ${packet.slice(0, 40)}`);
  return namespace === '/' ? packet : `${packet.slice(0, 1)}${namespace},${packet.slice(1)}`;
}
