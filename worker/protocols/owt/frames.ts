import { z } from 'zod';

/**
 * What passes between the lobby at the front door and the adapter in the room object. Requests go in as JSON; what goes out is serialised once
 * for all who get it, and so a frame only says before it what it is.
 */

/** A request: its event, its argument, and the id by which the client wants to be answered. */
export interface RequestFrame {
  readonly event: string;
  readonly data: unknown;
  readonly ackId: number | null;
}

const RequestFrameSchema = z.tuple([z.string(), z.unknown(), z.number().int().nullable()]);

export function writeRequest({ event, data, ackId }: RequestFrame): string {
  return JSON.stringify([event, data ?? null, ackId]);
}

/** @throws Error for what {@link writeRequest} did not write. */
export function readRequest(frame: string): RequestFrame {
  const [event, data, ackId] = RequestFrameSchema.parse(JSON.parse(frame));
  return { event, data, ackId };
}

export function writeNotification(event: string, data: object): string {
  return `${event} ${JSON.stringify(data)}`;
}

export function writeOk(ackId: number, data?: unknown): string {
  return data === undefined ? `${ackId} "ok"` : `${ackId} "ok",${JSON.stringify(data)}`;
}

export function writeError(ackId: number, reason: string): string {
  return `${ackId} "error",${JSON.stringify(reason)}`;
}

/** What the client is to get: the arguments of an event, or of the answer to a request, as JSON without brackets. */
export type ServerFrame =
  | { readonly type: 'event'; readonly event: string; readonly json: string }
  | { readonly type: 'ack'; readonly ackId: number; readonly json: string };

export function readServerFrame(frame: string): ServerFrame {
  const at = frame.indexOf(' ');
  const [head, json] = [frame.slice(0, at), frame.slice(at + 1)];
  const ackId = Number(head);
  return Number.isNaN(ackId) ? { type: 'event', event: head, json } : { type: 'ack', ackId, json };
}
