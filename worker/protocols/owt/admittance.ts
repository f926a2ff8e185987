import { z } from 'zod';
import { type Revision, ROLES, type Role } from './messages.ts';

/** What the lobby writes into the URL of the socket to the room, and the adapter reads from it. */
export type Admittance =
  | {
      readonly by: 'token';
      readonly tokenId: string;
      readonly expires: number;
      readonly user: string;
      readonly role: Role;
      readonly revision: Revision;
      /** By which the client wants its login to be answered. */
      readonly ackId?: number;
    }
  | { readonly by: 'ticket'; readonly memberId: string; readonly ticket: string; readonly ackId?: number };

const number = z
  .string()
  .regex(/^\d{1,16}$/u)
  .transform(Number);

const AdmittanceSchema = z.discriminatedUnion('by', [
  z.object({
    by: z.literal('token'),
    tokenId: z.string(),
    expires: number,
    user: z.string(),
    role: z.enum(Object.keys(ROLES) as [Role, ...Role[]]),
    revision: z.enum(['1.0', '1.1', '1.2']),
    ackId: number.exactOptional(),
  }),
  z.object({ by: z.literal('ticket'), memberId: z.string(), ticket: z.string(), ackId: number.exactOptional() }),
]);

export function admittanceQuery(admittance: Admittance): Record<string, string> {
  return Object.fromEntries(Object.entries(admittance).map(([name, value]) => [name, String(value)]));
}

/** @throws Error when the URL is not one that {@link admittanceQuery} has made. */
export function readAdmittance({ searchParams }: URL): Admittance {
  return AdmittanceSchema.parse(Object.fromEntries(searchParams));
}
