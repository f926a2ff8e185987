import type { Participant } from '../../room/participant.ts';
import { memberIdOf } from './ids.ts';
import type { Ledger } from './ledger.ts';
import type { MemberInfo } from './messages.ts';

/** Members of other protocols may do everything, as presenters may. */
export function memberInfoOf({ id, name }: Participant, { members }: Ledger): MemberInfo {
  const member = members.get(id);
  return { id: memberIdOf(id), user: member?.user ?? name ?? id, role: member?.role ?? 'presenter' };
}
