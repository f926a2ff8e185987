import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { MediaOrder, Notice } from './events.ts';
import type { Publication } from './publication.ts';
import { Collection, type RecordStore } from './records.ts';
import { arrange, type NegotiatedView, type View, type ViewSection } from './view.ts';

interface Outlet {
  order(order: MediaOrder): void;
  notice(notice: Notice): void;
}

/**
 * The connections of all participants and the views in them. Orders go out for whatever the media node has to do, notices for what their
 * participants could not know; those that own the publications are asked for them.
 */
export class Connections {
  readonly #connections: Collection<Connection>;
  readonly #views: Collection<View>;
  readonly #outlet: Outlet;

  constructor(
    stored: { readonly connections: readonly Connection[]; readonly views: readonly View[] },
    store: RecordStore,
    outlet: Outlet,
  ) {
    this.#connections = new Collection('connections', store, stored.connections);
    this.#views = new Collection('views', store, stored.views);
    this.#outlet = outlet;
  }

  get(id: MediaId): Connection | undefined {
    return this.#connections.get(id);
  }

  of(participantId: ParticipantId): Connection[] {
    return this.#connections.filter((connection) => connection.participantId === participantId);
  }

  viewsBy(participantId: ParticipantId): View[] {
    return this.#views.filter((view) => view.participantId === participantId);
  }

  viewsIn(connectionId: MediaId): View[] {
    return this.#views.filter((view) => view.connectionId === connectionId);
  }

  /** All connections that the participant has for one purpose, in the order in which they were opened. */
  for({ participantId, purpose }: Pick<Connection, 'participantId' | 'purpose'>): Connection[] {
    return this.of(participantId).filter((connection) => connection.purpose === purpose);
  }

  set(connection: Connection): Connection {
    return this.#connections.set(connection);
  }

  /** Ends a connection, the views in it, and what it is on the media node. */
  close({ id, participantId, direction, negotiated }: Connection): void {
    this.#outlet.order(
      negotiated
        ? { type: 'close-connection', participantId, direction, connection: id }
        : { type: 'close-transport', participantId, transport: id },
    );
    this.#connections.delete(id);
    for (const view of this.viewsIn(id)) this.#views.delete(view.id);
  }

  /** Closes a connection without its participant having asked for it. */
  end(connection: Connection): void {
    this.close(connection);
    const { participantId, isEstablished } = connection;
    if (isEstablished) this.#outlet.notice({ type: 'connection-closed', participantId, connection });
  }

  /** Everything is gone on the media node: there is nothing to order. */
  forgetAll(): void {
    for (const { id } of this.#connections.values()) this.#connections.delete(id);
    for (const { id } of this.#views.values()) this.#views.delete(id);
  }

  /** These are the views in a connection now, and no others. A section that its participant has paused stays so. */
  setViews(
    { id, participantId }: Connection,
    negotiated: readonly NegotiatedView[],
    publicationsOf: (watchedId: ParticipantId) => readonly Publication[],
  ): void {
    const before = this.viewsIn(id);
    const paused = new Set(before.flatMap(({ sections }) => sections.flatMap((section) => (section.paused === true ? section.mid : []))));
    for (const view of before) this.#views.delete(view.id);
    for (const [index, { sections, ...view }] of negotiated.entries()) {
      const kept = sections.map((section) => (paused.has(section.mid) ? { ...section, paused: true } : section));
      const added = { ...view, id: `${id} ${index}`, participantId, connectionId: id, sections: kept };
      for (const { mid } of kept.filter((section) => section.paused)) this.#orderPause(added, mid, true);
      this.#arrange(added, publicationsOf(view.watchedId));
    }
  }

  /** What a participant publishes has changed: whoever views it gets to see the change. */
  show(watchedId: ParticipantId, publications: readonly Publication[]): void {
    for (const view of this.#views.filter((one) => one.watchedId === watchedId)) {
      if (!this.#arrange(view, publications)) continue;
      const changed = this.#views.get(view.id);
      if (changed) this.#outlet.notice({ type: 'view-changed', participantId: view.participantId, view: changed });
    }
  }

  /** A participant is gone: nobody can view it any more, and connections that were for nothing else end, also those that are only offered yet. */
  endViewsOf(watchedId: ParticipantId): void {
    this.#endViewed((one) => one.watchedId === watchedId);
  }

  viewsOfStream(stream: StreamId): View[] {
    return this.#views.filter((view) => view.stream === stream);
  }

  /** A stream has ended. Whoever views everything of its owner goes on. */
  endViewsOfStream(stream: StreamId): void {
    this.#endViewed((one) => one.stream === stream);
  }

  /** @param isOver whether what is watched, or is to be watched when an offer is answered, is not there any more. */
  #endViewed(isOver: (watched: Pick<View, 'watchedId' | 'stream'>) => boolean): void {
    const offered = this.#connections.filter(({ isEstablished, offered: one }) => !isEstablished && one !== undefined && isOver(one));
    for (const connection of offered) this.close(connection);
    const ended = this.#views.filter(isOver);
    for (const view of ended) this.endView(view);
    for (const { connectionId } of ended) {
      const connection = this.#connections.get(connectionId);
      if (connection?.direction === 'receive' && this.viewsIn(connectionId).length === 0) this.end(connection);
    }
  }

  /** Nothing is sent in the sections of a view any more; the connection stays. */
  endView(view: View): void {
    for (const section of view.sections) {
      if (section.publicationId !== null) this.#orderSection(view, { ...section, publicationId: null });
    }
    this.#views.delete(view.id);
  }

  /** Stops a section for the participant that watches, or lets it go on. */
  setSectionPaused(view: View, mid: string, paused: boolean): void {
    this.#views.set({ ...view, sections: view.sections.map((section) => (section.mid === mid ? { ...section, paused } : section)) });
    this.#orderPause(view, mid, paused);
  }

  /** @returns whether anything changed in the sections. */
  #arrange(view: View, publications: readonly Publication[]): boolean {
    const sections = arrange(view, publications);
    const changed = sections.filter((section, index) => section.publicationId !== view.sections[index]?.publicationId);
    for (const section of changed) this.#orderSection(view, section);
    this.#views.set({ ...view, sections });
    return changed.length > 0;
  }

  #orderPause({ participantId, connectionId }: View, mid: string, paused: boolean): void {
    this.#outlet.order({ type: 'pause-section', participantId, connection: connectionId, mid, paused });
  }

  #orderSection({ participantId, connectionId }: View, { mid, publicationId }: ViewSection): void {
    const place = { participantId, connection: connectionId, mid };
    this.#outlet.order(
      publicationId === null ? { type: 'detach-producer', ...place } : { type: 'attach-producer', ...place, producer: publicationId },
    );
  }
}
