import { z } from 'zod';
import { RoomIdSchema } from '../../../shared/ids.ts';
import { SdpSchema } from '../../../shared/sdp.ts';
import { type Code, CODES } from './errors.ts';
import { type Contents, type Fields, OPERATIONS, type OperationName, type Request, SERVER_OPERATIONS } from './messages.ts';

/** Fields that say nothing of what an operation is about. */
const FRAME: ReadonlySet<string> = new Set([
  'eventOp',
  'signalOp',
  'code',
  'message',
  'cpCode',
  'authKey',
  'reqNo',
  'reqDate',
  'resDate',
  'roomId',
  'userId',
]);

/** Fields that are not relayed: the name is written anew, the credentials are nobody's business, and a code means an answer. */
const WITHHELD: ReadonlySet<string> = new Set(['eventOp', 'signalOp', 'cpCode', 'authKey', 'code']);

/** Most members of a room (reference 10.5). */
export const MAX_CAPACITY = 24;

const MAX_NAME = 200;
const MAX_URL = 2000;

/** Numbers come as texts, and texts as numbers. */
const text = z.union([z.string(), z.number().transform(String)]);
const number = z.union([z.number(), z.string().trim().min(1).transform(Number)]).pipe(z.number());

/** Rooms of this protocol are named by eight digits; a number has lost its zeros. */
const eightDigits = z
  .union([z.string(), z.number().transform((id) => String(id).padStart(8, '0'))])
  .pipe(z.string().regex(/^\d{8}$/u, 'must be 8 digits'));

/** Rooms that members of other protocols have made may have other names. */
const roomName = z
  .union([z.string(), z.number().transform((id) => String(id).padStart(8, '0'))])
  .refine((name) => RoomIdSchema.safeParse(`tenant/${name}`).success, 'is no name of a room');

const capacity = z.preprocess(
  (given) => (given === '' || given === null ? undefined : given),
  number.pipe(z.int().min(1).max(MAX_CAPACITY)).optional(),
);

const address = z
  .string()
  .max(MAX_URL)
  .regex(/^(?:https?:\/\/|\/)/iu, 'must be an http(s) address');

const nothing = z.object({});
const status = z.boolean();
const reqDate = text.optional().catch(undefined);

const SCHEMAS: Readonly<Record<OperationName, z.ZodType>> = {
  CreateRoom: z.object({ capacity }),
  CreateRoomWithRoomId: z.object({ roomId: eightDigits, capacity }),
  DestroyRoom: nothing,
  RoomJoin: z.object({ roomId: roomName }),
  VideoRoomJoin: z.object({ roomId: roomName, userName: z.string().min(1).max(MAX_NAME).optional().catch(undefined) }),
  RoomJoinAsObserver: z.object({ roomId: roomName }),
  ExitRoom: nothing,
  KickOut: z.object({ userId: text }),
  KeepAlive: nothing,
  SDP: z.object({
    usage: z.enum(['cam', 'screen']),
    sdp: z.object({ type: z.enum(['offer', 'answer']), sdp: SdpSchema.min(1) }),
    pluginId: text.optional(),
  }),
  Candidate: nothing,
  SendFeed: z.object({ feedId: text }),
  EditFeed: z.object({ userId: text, type: z.enum(['video', 'audio']), status: z.enum(['on', 'off']) }),
  SessionReserve: nothing,
  SessionReserveEnd: nothing,
  ScreenShareConferenceEnd: nothing,
  StartCall: nothing,
  EndCall: nothing,
  WhiteBoardStart: nothing,
  WhiteBoardStop: nothing,
  FileShareStart: nothing,
  FileShareStop: nothing,
  FileShare: z.object({ url: address }),
  RecordStart: nothing,
  RecordStop: z.object({
    fileName: text,
    filePath: text,
    fileSize: number.pipe(z.number().min(0)),
    note: text.optional().catch(undefined),
  }),
  SetVideo: z.object({ status, reqDate }),
  SetAudio: z.object({ status, reqDate }),
  SetBlur: z.object({ status }),
  ChangeName: z.object({ name: text.pipe(z.string().min(1).max(MAX_NAME)) }),
  Chat: z.object({ message: text }),
  Draw: nothing,
};

/** What a client showed to prove whom it belongs to; absent where it showed nothing. */
export interface Credentials {
  readonly cpCode?: string;
  readonly authKey?: string;
}

export type ParsedMessage =
  | { readonly kind: 'request'; readonly request: Request; readonly credentials: Credentials }
  /** A client's word that something has arrived, with or without sense: nobody waits for it. */
  | { readonly kind: 'acknowledgement' }
  | {
      readonly kind: 'refused';
      /** As the answer begins: the operation's name under its key, and the request's number. */
      readonly head: Fields;
      readonly code: Code;
      readonly message: string;
    };

/** Reads the one argument of a client's event, as leniently as real clients need it (reference 2). */
export function parseMessage(argument: unknown): ParsedMessage {
  const message = z.record(z.string(), z.unknown()).safeParse(argument).data;
  if (!message) return { kind: 'refused', head: {}, code: CODES.invalid, message: 'A message must be an object' };
  const name = nameOf(message);
  if (isAcknowledgement(message) || (name !== undefined && SERVER_OPERATIONS.includes(name))) return { kind: 'acknowledgement' };
  if (name === undefined || !isOperation(name)) {
    const head = name === undefined ? {} : { eventOp: name.slice(0, 100) };
    return { kind: 'refused', head: { ...head, ...reqNoOf(message) }, code: CODES.invalid, message: 'No such operation' };
  }
  return parseOperation(name, message);
}

/** The beginning of every answer to a request. */
export function headOf({ operation, reqNo }: Pick<Request, 'operation' | 'reqNo'>): Fields {
  return { [OPERATIONS[operation]]: operation, ...(reqNo !== undefined && { reqNo }) };
}

function parseOperation(operation: OperationName, message: Fields): ParsedMessage {
  const reqNo = reqNoOf(message);
  const parsed = SCHEMAS[operation].safeParse(message);
  if (!parsed.success) {
    const head = headOf({ operation, ...reqNo });
    const [issue] = parsed.error.issues;
    const isMissing = issue !== undefined && valueAt(message, issue.path) === undefined;
    const problem = `${issue?.path.join('.') ?? ''} ${isMissing ? 'is missing' : 'is invalid'}`;
    return { kind: 'refused', head, code: isMissing ? CODES.missing : CODES.invalid, message: problem };
  }
  const roomId = roomName.optional().catch(undefined).parse(message.roomId);
  const contents = { ...(parsed.data as object), ...extraOf(operation, message) };
  // The schema of each operation makes its contents, but TypeScript cannot follow that through the table.
  const request = { operation, contents, ...(roomId !== undefined && { roomId }), ...reqNo } as Request;
  return { kind: 'request', request, credentials: credentialsOf(message) };
}

/** Whatever else stands in what is relayed goes with it. */
function extraOf(operation: OperationName, message: Fields): Partial<Contents['Draw']> {
  if (operation === 'Draw') return { clears: message.status === 'clear', fields: relayed(message) };
  if (operation === 'Candidate') return { fields: relayed(message) };
  if (operation !== 'SDP') return {};
  // The description stands in the contents already, and is long.
  return { fields: relayed(message, 'sdp') };
}

function relayed(message: Fields, except?: string): Fields {
  return Object.fromEntries(Object.entries(message).filter(([key]) => !WITHHELD.has(key) && key !== except));
}

function nameOf({ eventOp, signalOp }: Fields): string | undefined {
  const name = eventOp ?? signalOp;
  return typeof name === 'string' ? name.trim() : undefined;
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}

/** A code, and nothing that any operation is about. */
function isAcknowledgement(message: Fields): boolean {
  return message.code !== undefined && Object.keys(message).every((key) => FRAME.has(key));
}

function reqNoOf({ reqNo }: Fields): { reqNo?: string | number } {
  return (typeof reqNo === 'string' && reqNo.length <= 100) || typeof reqNo === 'number' ? { reqNo } : {};
}

function credentialsOf({ cpCode, authKey }: Fields): Credentials {
  return {
    ...(typeof cpCode === 'string' && { cpCode }),
    ...(typeof authKey === 'string' && { authKey }),
  };
}

function valueAt(message: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined), message);
}
