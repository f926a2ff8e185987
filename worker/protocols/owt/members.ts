import type { Participant } from '../../room/participant.ts';
import type { ParticipantId } from '../../../shared/ids.ts';
import { codedIdOf } from './ids.ts';
import type { Ledger } from './ledger.ts';
import type { MemberInfo } from './messages.ts';

/** A participant's id in this protocol. */
export function memberIdOf(id: ParticipantId, { members }: Ledger): string {
  return members.get(id)?.memberId ?? codedIdOf(id);
}

/** Whom members of this protocol call so. */
export function participantCalled(memberId: string, ledger: Ledger): Participant | undefined {
  return ledger.room.participants().find(({ id }) => memberIdOf(id, ledger) === memberId);
}

/** Members of other protocols may do everything, as presenters may. */
export function memberInfoOf({ id, name }: Participant, ledger: Ledger): MemberInfo {
  const member = ledger.members.get(id);
  return { id: memberIdOf(id, ledger), user: member?.user ?? name ?? id, role: member?.role ?? 'presenter' };
}
