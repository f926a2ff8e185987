import type { ParticipantId } from '../../../shared/ids.ts';
import type { Announcement } from '../protocol.ts';
import { SOURCE_LOST } from './errors.ts';
import { writeNotification } from './frames.ts';
import type { AnnouncedStream, Ledger, SessionRecord, SubscriptionSession } from './ledger.ts';
import type { Notification, Revision } from './messages.ts';
import type { StreamChange, Streams } from './streams.ts';

const everybody = (): boolean => true;

/** Puts what happened into the protocol's words, for all members or for one. */
export class Teller {
  readonly #ledger: Ledger;
  readonly #streams: Streams;

  constructor(ledger: Ledger, streams: Streams) {
    this.#ledger = ledger;
    this.#streams = streams;
  }

  /** Tells a member something at once. */
  member(id: ParticipantId, notification: Notification): void {
    this.#ledger.host.sendTo(id, frameOf(notification));
  }

  sessionLost({ id, participantId }: SessionRecord, reason: string): void {
    this.member(participantId, lossOf(id, reason));
  }

  /** Tells announcements at once, where no event of the room does it. */
  deliver(announcements: readonly Announcement[]): void {
    for (const { frame, audience = everybody } of announcements) {
      for (const { id } of this.#ledger.members.values()) if (audience(id)) this.#ledger.host.sendTo(id, frame);
    }
  }

  all(notification: Notification): Announcement {
    return { frame: frameOf(notification), audience: everybody };
  }

  others(notification: Notification): Announcement {
    return { frame: frameOf(notification) };
  }

  only(member: ParticipantId, notification: Notification): Announcement {
    return { frame: frameOf(notification), audience: (id) => id === member };
  }

  /** Tells everybody, publishers included, how streams have changed, and subscribers that they have lost what they were subscribed to. */
  changes(changes: readonly StreamChange[]): Announcement[] {
    return changes.flatMap(({ type, stream }) => {
      const { id } = stream;
      switch (type) {
        case 'added':
          return this.#byRevision((revision) => ({
            event: 'stream',
            data: { id, status: 'add', data: this.#streams.infoOf(stream, revision) },
          }));
        case 'changed':
          return this.#byRevision((revision) => ({
            event: 'stream',
            data: { id, status: 'update', data: { field: '.', value: this.#streams.infoOf(stream, revision) } },
          }));
        case 'removed':
          return [this.all({ event: 'stream', data: { id, status: 'remove', data: {} } }), ...this.#losses(stream)];
      }
    });
  }

  /** Makes a frame once for each revision that somebody speaks. */
  #byRevision(notificationFor: (revision: Revision) => Notification): Announcement[] {
    const { members } = this.#ledger;
    const revisions = new Set(members.values().map(({ revision }) => revision));
    return [...revisions].map((revision) => ({
      frame: frameOf(notificationFor(revision)),
      audience: (id) => members.get(id)?.revision === revision,
    }));
  }

  /** Ends the subscriptions that have nothing left. */
  #losses({ id, stream }: AnnouncedStream): Announcement[] {
    const { sessions, streams } = this.#ledger;
    const isLost = (session: SubscriptionSession) =>
      session.tracks.some(({ streamId }) => streamId === id) && session.tracks.every(({ streamId }) => !streams.get(streamId));
    const lost = sessions.filter((session) => session.type === 'subscription' && session.state !== 'ended' && isLost(session));
    // What its owner did not end itself has been lost by it, too.
    const own = sessions.filter((session) => session.id === stream && session.type === 'publication' && session.state !== 'ended');
    return [...lost, ...own].map((session) => {
      sessions.set({ ...session, state: 'ended', tracks: [] });
      return this.only(session.participantId, lossOf(session.id, SOURCE_LOST));
    });
  }
}

function lossOf(id: string, reason: string): Notification {
  return { event: 'progress', data: { id, sessionId: id, status: 'error', data: reason } };
}

function frameOf({ event, data }: Notification): string {
  return writeNotification(event, data);
}
