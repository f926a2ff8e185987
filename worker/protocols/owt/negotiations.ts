import type { MediaKind } from '../../../shared/rtp.ts';
import type { SectionInfo } from '../../../shared/sdp.ts';
import { logger } from '../../platform/logger.ts';
import type { Negotiated, OfferedPart } from '../../room/conference.ts';
import type { Connection } from '../../room/connection.ts';
import { Refusal } from '../../room/errors.ts';
import { kindOf, type Source } from '../../room/publication.ts';
import { NOT_NEGOTIATED, PROBLEMS, Problem, TRANSPORT_LOST } from './errors.ts';
import type { Ledger, Member, PublicationSession, SessionRecord, SubscriptionSession, Transport } from './ledger.ts';
import { type ClientRequest, ROLES } from './messages.ts';
import type { Sessions } from './sessions.ts';
import type { Streams } from './streams.ts';
import type { Teller } from './teller.ts';

/** A session and the media sections of an offer that it is about. */
interface Concerned {
  readonly session: SessionRecord;
  readonly parts: readonly OfferedPart[];
}

/**
 * The offers of members, and what comes of them: answers, transports that are connected, sessions that are established. The client offers a
 * connection anew with every session that it begins in it; sessions that it has ended go on being offered, and are answered `inactive`.
 */
export class Negotiations {
  readonly #ledger: Ledger;
  readonly #streams: Streams;
  readonly #sessions: Sessions;
  readonly #tell: Teller;

  constructor(ledger: Ledger, streams: Streams, sessions: Sessions, tell: Teller) {
    this.#ledger = ledger;
    this.#streams = streams;
    this.#sessions = sessions;
    this.#tell = tell;
  }

  /**
   * Takes signaling about a transport.
   *
   * @returns the work on an offer, which tells the client how it went; `undefined` where nothing is to be done.
   * @throws Problem when the member has no such transport.
   */
  signal(member: Member, { transportId, offer }: Extract<ClientRequest, { event: 'soac' }>): Promise<void> | undefined {
    const transport = this.#ledger.transports.get(transportId);
    if (transport?.participantId !== member.id) throw new Problem(PROBLEMS.soacId);
    return offer === undefined ? undefined : this.#negotiate(member, transport, offer);
  }

  /** A connection of a member was connected, lost or closed. */
  connectionChanged(connection: Connection, isConnected: boolean): void {
    const transport = this.#ledger.transports.filter(({ connectionId }) => connectionId === connection.id).at(0);
    if (!transport) return;
    if (isConnected) this.#establish(transport);
    else this.#fail(transport, TRANSPORT_LOST);
  }

  async #negotiate(member: Member, { id, connectionId }: Transport, sdp: string): Promise<void> {
    const { conference } = this.#ledger;
    const brought = this.#ledger.sessions.filter(({ transportId, state }) => transportId === id && state === 'new');
    let concerned: readonly Concerned[] = [];
    const parts = (): readonly OfferedPart[] => {
      concerned = this.#concernedBy(member, id);
      return concerned.flatMap((one) => one.parts);
    };
    try {
      const negotiated =
        connectionId === null
          ? await conference.negotiate(member.id, { sdp, purpose: `transport ${id}` }, parts)
          : await conference.negotiateAgain(member.id, connectionId, sdp, parts);
      this.#take(id, negotiated, concerned);
    } catch (error) {
      this.#failed(id, brought, error);
    }
  }

  #take(transportId: string, { sdp, sections, connection }: Negotiated, concerned: readonly Concerned[]): void {
    const { room, transports } = this.#ledger;
    const transport = transports.get(transportId);
    if (!transport) {
      room.closeConnection(connection.id);
      return;
    }
    const answered = transports.set({ ...transport, connectionId: connection.id });
    this.#tell.member(transport.participantId, {
      event: 'progress',
      data: { id: transportId, status: 'soac', data: { type: 'answer', sdp } },
    });
    for (const one of concerned) this.#settle(one, answered, sections);
    if (room.connection(connection.id)?.state === 'connected') this.#establish(answered);
  }

  /** Notes what has come of a session, which may have ended in the meantime: then nothing must be sent for it. */
  #settle({ session: { id }, parts }: Concerned, transport: Transport, sections: readonly SectionInfo[]): void {
    const session = this.#ledger.sessions.get(id);
    // It was opened while the offer was on its way, which knows nothing of it: the next one will.
    if (session?.state === 'new' && !isOffered(session, sections)) return;
    if (!session || session.state === 'ended') {
      const mids = parts.flatMap((part) => (part.use === 'view' ? (part.mids ?? []) : []));
      if (transport.connectionId !== null) this.#ledger.room.endViews(transport.connectionId, mids);
      return;
    }
    const state = session.state === 'new' ? 'answered' : session.state;
    if (session.type === 'publication') {
      if (this.#ledger.room.stream(session.id)) this.#ledger.sessions.set({ ...session, state });
      else this.#fall(session, NOT_NEGOTIATED);
      return;
    }
    const carrying = sectionsOf(session, transport, sections).filter(
      ({ direction, producer }) => direction === 'sendonly' && producer !== undefined,
    );
    if (carrying.length === 0) {
      this.#fall(session, NOT_NEGOTIATED);
      return;
    }
    const settled = { ...session, state, sections: carrying.map(({ mid, kind }) => ({ mid, kind })) };
    this.#ledger.sessions.set(settled);
    this.#sessions.choose(settled);
  }

  /** The transport is connected: what was answered is established, and what is published can be announced. */
  #establish(transport: Transport): void {
    const { sessions, transports, members } = this.#ledger;
    const { id, participantId } = transport;
    // Clients of earlier revisions take the first word of readiness for that of their session.
    const isToldOfTransports = members.get(participantId)?.revision === '1.2';
    if (!transport.isReady && isToldOfTransports) this.#tell.member(participantId, { event: 'progress', data: { id, status: 'ready' } });
    transports.set({ ...transport, isReady: true });
    for (const session of sessions.filter(({ transportId, state }) => transportId === id && state === 'answered')) {
      sessions.set({ ...session, state: 'ready' });
      this.#tell.member(participantId, { event: 'progress', data: { id: session.id, sessionId: session.id, status: 'ready' } });
      if (session.type === 'publication') this.#tell.deliver(this.#tell.changes(this.#streams.update(session.id)));
    }
  }

  /**
   * An offer was not answered. A connection that had been negotiated before stays as it was, and with it all but the sessions for which the offer
   * was made.
   */
  #failed(transportId: string, brought: readonly SessionRecord[], error: unknown): void {
    // There is a newer offer, or the member has left: nobody waits for this one.
    if (error instanceof Refusal && error.reason === 'superseded') return;
    if (!(error instanceof Refusal)) throw error;
    logger.warn('owt: an offer was not answered', { room: this.#ledger.room.id, reason: error.reason });
    const transport = this.#ledger.transports.get(transportId);
    if (!transport) return;
    const reason = error.reason === 'media-unavailable' ? PROBLEMS.noMedia : (error.detail ?? error.reason);
    if (transport.connectionId === null) {
      this.#fail(transport, reason);
      return;
    }
    for (const { id } of brought) {
      const session = this.#ledger.sessions.get(id);
      if (session?.state === 'new') this.#fall(session, reason);
    }
  }

  /** A transport has come to its end: the client ends all that is on it, and so does the room. */
  #fail(transport: Transport, reason: string): void {
    this.#tell.member(transport.participantId, { event: 'progress', data: { id: transport.id, status: 'error', data: reason } });
    this.#sessions.endTransport(transport);
  }

  #fall(session: SessionRecord, reason: string): void {
    this.#tell.sessionLost(session, reason);
    this.#sessions.end(session);
  }

  // ---- What sections are for -----------------------------------------------------------------------------------------------

  #concernedBy(member: Member, id: string): readonly Concerned[] {
    const transport = this.#ledger.transports.get(id);
    if (!transport) return [];
    const open = this.#ledger.sessions.filter(({ transportId, state }) => transportId === id && state !== 'ended');
    return open.map((session) => ({
      session,
      parts: session.type === 'publication' ? [publishingPart(session)] : this.#viewingParts(member, session),
    }));
  }

  /** One part for each stream of the room that is subscribed to, which is one but in strange cases. */
  #viewingParts(member: Member, session: SubscriptionSession): OfferedPart[] {
    const allowed = ROLES[member.role].subscribe;
    const parts = new Map<string, { mids: string[]; sources: Set<Source>; isByMid: boolean }>();
    for (const { streamId, mid, kind } of session.tracks) {
      const stream = this.#ledger.streams.get(streamId);
      const sources = stream ? this.#streams.publicationsOf(stream).map(({ source }) => source) : [];
      const fitting = sources.filter((source) => allowed[kindOf(source)] && (kind === undefined || kind === kindOf(source)));
      if (!stream || fitting.length === 0) continue;
      const part = parts.get(stream.stream) ?? { mids: [], sources: new Set(), isByMid: mid !== undefined };
      if (mid !== undefined) part.mids.push(mid);
      for (const source of fitting) part.sources.add(source);
      parts.set(stream.stream, part);
    }
    return [...parts].flatMap(([stream, { mids, sources, isByMid }]): OfferedPart[] => {
      if (!this.#ledger.room.stream(stream)) return [];
      return [
        { use: 'view', watched: { stream }, sources: [...sources], mediaStream: session.id, isAnnounced: true, ...(isByMid && { mids }) },
      ];
    });
  }
}

/** Without media sections, a part takes all; the kinds of its sources tell which of them. */
function publishingPart({ id, tracks }: PublicationSession): OfferedPart {
  const mids = tracks.flatMap(({ mid }) => mid ?? []);
  const sources: Partial<Record<MediaKind, Source>> = {};
  for (const { kind, source } of tracks) {
    sources[kind] = kind === 'audio' ? 'microphone' : source === 'screen-cast' ? 'screen' : 'camera';
  }
  return { use: 'publish', stream: id, sources, ...(mids.length > 0 && { mids }) };
}

/** Whether an offer has sections for a session; where requests do not name them, every offer has. */
function isOffered({ tracks }: SessionRecord, sections: readonly SectionInfo[]): boolean {
  const mids = tracks.flatMap(({ mid }) => mid ?? []);
  return mids.length === 0 || sections.some(({ mid }) => mids.includes(mid));
}

function sectionsOf({ tracks }: SubscriptionSession, { form }: Transport, sections: readonly SectionInfo[]): readonly SectionInfo[] {
  if (form === 'kinds') return sections;
  return sections.filter(({ mid }) => tracks.some((track) => track.mid === mid));
}
