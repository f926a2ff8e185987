import { z } from 'zod';
import { assertNever } from '../../../shared/assert-never.ts';
import type { Participant } from '../../room/participant.ts';
import type { AnnouncedStream, Ledger } from './ledger.ts';
import { memberInfoOf, participantCalled } from './members.ts';
import { ROLES } from './messages.ts';
import type { Streams } from './streams.ts';
import { roomNameOf } from './token.ts';

/** What the front door asks the room object for an administrator. */
const ManagementCallSchema = z.discriminatedUnion('type', [
  /** Its `_id` is what clients call it. A room is there as soon as somebody enters it. */
  z.object({ type: z.literal('room'), name: z.string() }),
  z.object({ type: z.literal('participants') }),
  z.object({ type: z.literal('participant'), id: z.string() }),
  z.object({ type: z.literal('expel'), id: z.string() }),
  z.object({ type: z.literal('streams') }),
  z.object({ type: z.literal('stream'), id: z.string() }),
  z.object({ type: z.literal('end-stream'), id: z.string() }),
]);
export type ManagementCall = z.infer<typeof ManagementCallSchema>;

const ManagementResultSchema = z.object({ status: z.literal([200, 404, 501]), body: z.looseObject({}).or(z.array(z.unknown())) });
/** An HTTP status and what is to be answered with it, as JSON. */
export interface ManagementResult {
  readonly status: 200 | 404 | 501;
  readonly body: object;
}

export function readManagementResult(json: string): ManagementResult {
  return ManagementResultSchema.parse(JSON.parse(json));
}

const NO_ROOM: ManagementResult = { status: 404, body: { error: 'Room not found' } };
const NO_PARTICIPANT: ManagementResult = { status: 404, body: { error: 'Participant not found' } };
const NO_STREAM: ManagementResult = { status: 404, body: { error: 'Stream not found' } };

const NOT_OURS: ManagementResult = { status: 501, body: { error: 'Only streams of members of this protocol can be ended' } };

/** Answers a call in the room object. @param ledger `undefined` while nobody is in the room. */
export function answerManagement(request: object, ledger: Ledger | undefined, streams: Streams | undefined): ManagementResult {
  const call = ManagementCallSchema.parse(request);
  if (call.type === 'room') return { status: 200, body: describeRoom(call.name, ledger) };
  if (!ledger || !streams) return NO_ROOM;
  streams.updateAll();
  switch (call.type) {
    case 'participants':
      return { status: 200, body: ledger.room.participants().map((participant) => describe(participant, ledger)) };
    case 'participant': {
      const participant = participantCalled(call.id, ledger);
      return participant ? { status: 200, body: describe(participant, ledger) } : NO_PARTICIPANT;
    }
    case 'expel': {
      const participant = participantCalled(call.id, ledger);
      if (!participant) return NO_PARTICIPANT;
      ledger.room.expel(participant.id);
      return { status: 200, body: {} };
    }
    case 'streams':
      return { status: 200, body: streams.all().map((stream) => streams.infoOf(stream, '1.2')) };
    case 'stream': {
      const stream = streams.all().find(({ id }) => id === call.id);
      return stream ? { status: 200, body: streams.infoOf(stream, '1.2') } : NO_STREAM;
    }
    case 'end-stream': {
      const stream = streams.all().find(({ id }) => id === call.id);
      return stream ? endStream(stream, ledger) : NO_STREAM;
    }
    default:
      return assertNever(call);
  }
}

/** Ends what a member publishes, which is told so. Members of other protocols would go on sending without a word. */
function endStream({ stream }: AnnouncedStream, { room, sessions }: Ledger): ManagementResult {
  if (!sessions.get(stream)) return NOT_OURS;
  room.closeStream(stream);
  return { status: 200, body: {} };
}

/** Rooms need not be made: every name is one, and it has whatever roles and limits this server has. */
function describeRoom(name: string, ledger: Ledger | undefined): object {
  const roles = Object.entries(ROLES).map(([role, permission]) => ({ role, ...permission }));
  const called = ledger ? roomNameOf(ledger.room.id) : name;
  return { _id: called, id: called, name: called, roles, views: [], participants: ledger?.room.participants().length ?? 0 };
}

function describe(participant: Participant, ledger: Ledger): object {
  const info = memberInfoOf(participant, ledger);
  return { ...info, permission: ROLES[info.role] };
}
