import type { MediaId, ParticipantId, StreamId } from '../../shared/ids.ts';
import type { Connection } from './connection.ts';
import type { MediaOrder } from './events.ts';
import type { Publication } from './publication.ts';
import { Collection, type RecordStore } from './records.ts';
import { arrange, type View, type ViewSection } from './view.ts';

/**
 * The connections of all participants and the views in them. Orders go out for whatever the media node has to do; those that own the
 * publications are asked for them.
 */
export class Connections {
  readonly #connections: Collection<Connection>;
  readonly #views: Collection<View>;
  readonly #order: (order: MediaOrder) => void;

  constructor(
    stored: { readonly connections: readonly Connection[]; readonly views: readonly View[] },
    store: RecordStore,
    order: (order: MediaOrder) => void,
  ) {
    this.#connections = new Collection('connections', store, stored.connections);
    this.#views = new Collection('views', store, stored.views);
    this.#order = order;
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

  /** All connections that the participant has for one purpose, in the order in which they were opened. */
  for({ participantId, purpose }: Pick<Connection, 'participantId' | 'purpose'>): Connection[] {
    return this.of(participantId).filter((connection) => connection.purpose === purpose);
  }

  set(connection: Connection): Connection {
    return this.#connections.set(connection);
  }

  /** Ends a connection, the views in it, and what it is on the media node. */
  close({ id, participantId, direction, negotiated }: Connection): void {
    this.#order(
      negotiated
        ? { type: 'close-connection', participantId, direction, connection: id }
        : { type: 'close-transport', participantId, transport: id },
    );
    this.#connections.delete(id);
    for (const view of this.#views.filter((one) => one.connectionId === id)) this.#views.delete(view.id);
  }

  /** Everything is gone on the media node: there is nothing to order. */
  forgetAll(): void {
    for (const { id } of this.#connections.values()) this.#connections.delete(id);
    for (const { id } of this.#views.values()) this.#views.delete(id);
  }

  /** @param publications all that the watched participant publishes. */
  addView(view: View, publications: readonly Publication[]): View {
    return this.#arrange(view, publications);
  }

  /** What a participant publishes has changed: whoever views it gets to see the change. */
  show(watchedId: ParticipantId, publications: readonly Publication[]): void {
    for (const view of this.#views.filter((one) => one.watchedId === watchedId)) this.#arrange(view, publications);
  }

  /** A participant is gone: nobody can view it any more, and connections that served nothing else are closed. */
  endViewsOf(watchedId: ParticipantId): void {
    this.#endViews((view) => view.watchedId === watchedId);
  }

  viewsOfStream(stream: StreamId): View[] {
    return this.#views.filter((view) => view.streamId === stream);
  }

  /** A stream has ended; whoever views its owner goes on. */
  endViewsOfStream(stream: StreamId): void {
    this.#endViews((view) => view.streamId === stream);
  }

  #endViews(isOver: (view: View) => boolean): void {
    const ended = this.#views.filter(isOver);
    for (const { id } of ended) this.#views.delete(id);
    for (const { connectionId } of ended) {
      const connection = this.#connections.get(connectionId);
      const isUsed = this.#views.filter((view) => view.connectionId === connectionId).length > 0;
      if (connection && !isUsed) this.close(connection);
    }
  }

  #arrange(view: View, publications: readonly Publication[]): View {
    const watched = publications.filter(({ stream }) => view.streamId === undefined || view.streamId === stream);
    const sections = arrange(view.sections, watched);
    for (const [index, section] of sections.entries()) {
      if (section.publicationId !== view.sections[index]?.publicationId) this.#orderSection(view, section);
    }
    return this.#views.set({ ...view, sections });
  }

  #orderSection({ participantId, connectionId }: View, { mid, publicationId }: ViewSection): void {
    const place = { participantId, connection: connectionId, mid };
    this.#order(
      publicationId === null ? { type: 'detach-producer', ...place } : { type: 'attach-producer', ...place, producer: publicationId },
    );
  }
}
