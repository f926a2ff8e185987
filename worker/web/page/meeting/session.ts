import { Device, type types } from 'mediasoup-client';
import type { LocalMedia } from '../media/local-media.ts';
import { Receiver } from '../media/receiver.ts';
import { Sender } from '../media/sender.ts';
import type { Attendance, MediaType } from '../signaling/messages.ts';
import { NotificationSocket } from '../signaling/notification-socket.ts';
import { CallError, RoomApi, type Caller } from '../signaling/room-api.ts';
import { explain, explainEnd, isRefusal } from './explain.ts';
import { displayNameOf } from './identity.ts';
import { Roster } from './roster.ts';

/** Everything that a participant can send, the slowest to get going first. */
export const OWN_TYPES = ['webcam', 'mic', 'screen'] as const;

/** How often and after how many milliseconds `createAttendee` is repeated while the server still knows the attendee of before a reload. */
const ATTENDEE_RETRIES = 12;
const ATTENDEE_RETRY_DELAY = 1_000;

/** Milliseconds after a reconnect in which packets of everything that is not paused have arrived. */
const GUESS_DELAY = 1_500;

/** Why a session is over although nobody left. */
export interface SessionEnd {
  readonly cause: 'ended-by-server' | 'media-lost' | 'forgotten' | 'unreachable';
  readonly text: string;
}

export interface SessionListener {
  readonly participantJoined: (user: string) => void;
  readonly participantLeft: (user: string) => void;
  readonly mediaStarted: (user: string, type: MediaType, track: MediaStreamTrack, paused: boolean) => void;
  readonly mediaStopped: (user: string, type: MediaType) => void;
  readonly mediaPaused: (user: string, type: MediaType, paused: boolean) => void;
  /** The notification socket was cut; media goes on, and it comes back by itself. */
  readonly interrupted: () => void;
  readonly restored: () => void;
  /** Something failed that does not end the session; `retry` tries it again. */
  readonly problem: (text: string, retry: () => void) => void;
  /** The session is over and closed. */
  readonly ended: (end: SessionEnd) => void;
}

/** One stay of this page in a room, from joining to leaving, by section 4.1 of the protocol. */
export class Session {
  readonly #api: RoomApi;
  readonly #listener: SessionListener;
  readonly #transports: types.Transport[];
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #roster: Roster;
  #socket: NotificationSocket | undefined;
  /** While joining: fails the joining. */
  #abandonStart: ((error: CallError) => void) | undefined;
  #wasOpen = false;
  #closed = false;

  /**
   * Joins the room and creates it where it does not exist. Resolves when the others know of this participant.
   *
   * @throws CallError when the server refuses or cannot be reached.
   */
  static async join(caller: Caller, local: LocalMedia, listener: SessionListener): Promise<Session> {
    const api = new RoomApi(caller);
    const [device, attendance] = await Promise.all([Device.factory(), attend(api)]);
    await device.load({ routerRtpCapabilities: attendance.rtpCapabilities });
    const session = new Session(api, device, attendance, local, listener);
    try {
      await session.#start();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  private constructor(api: RoomApi, device: Device, attendance: Attendance, local: LocalMedia, listener: SessionListener) {
    this.#api = api;
    this.#listener = listener;
    const send = device.createSendTransport(attendance.sendParams);
    const recv = device.createRecvTransport(attendance.recvParams);
    this.#transports = [send, recv];
    for (const transport of this.#transports) this.#watch(transport);
    send.on('produce', ({ rtpParameters, appData }, done, failed) => {
      api.createProducer(appData.type as MediaType, rtpParameters).then((id) => {
        done({ id });
      }, failed);
    });
    this.#sender = new Sender(
      send,
      (type) => local.source(type),
      (method, type) => this.#socket?.notify(method, type),
    );
    this.#receiver = new Receiver(recv, (user, id) => api.createConsumer(user, id, device.recvRtpCapabilities), {
      started: listener.mediaStarted,
      stopped: listener.mediaStopped,
      paused: listener.mediaPaused,
      failed: this.#handleReceptionFailure,
    });
    this.#roster = new Roster(api.caller.userMail, {
      participantJoined: listener.participantJoined,
      participantLeft: listener.participantLeft,
      published: (user, type, id) => {
        this.#receiver.start(user, type, id);
      },
      unpublished: (user, type, id) => {
        this.#receiver.stop(user, type, id);
      },
      paused: (user, type, paused) => {
        this.#receiver.setPaused(user, type, paused);
      },
    });
  }

  /** Brings what is sent into step with what the person wants. Failures are reported as problems. */
  async updateSource(type: MediaType): Promise<void> {
    try {
      await this.#sender.update(type);
    } catch (error) {
      if (this.#closed) return;
      this.#listener.problem(`The others cannot ${type === 'mic' ? 'hear you' : 'see this'} now. ${explain(error)}`, () => {
        void this.updateSource(type);
      });
    }
  }

  /** How loud the others and, under the own name, this participant are: 0 to 1. */
  async levels(): Promise<Map<string, number>> {
    const own = this.#closed ? 0 : await this.#sender.level();
    return this.#receiver.levels().set(this.#api.caller.userMail, own);
  }

  /** Leaves the room. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket?.close();
    this.#api.close();
    for (const transport of this.#transports) transport.close();
  }

  /**
   * Announcing, sending and receiving do not wait for each other: the protocol lets the socket come first, and then every producer is
   * announced as soon as it is there.
   */
  async #start(): Promise<void> {
    const parts = [this.#openSocket(), this.#refresh(), ...OWN_TYPES.map((type) => this.updateSource(type))];
    const over = new Promise<never>((_resolve, reject) => {
      this.#abandonStart = reject;
    });
    await Promise.race([Promise.all(parts), over]);
    this.#abandonStart = undefined;
  }

  #openSocket(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      this.#socket = new NotificationSocket(this.#api.caller, {
        opened: () => {
          this.#handleOpen();
          resolve();
        },
        notified: (notification) => {
          this.#roster.handle(notification);
        },
        interrupted: this.#listener.interrupted,
        attemptFailed: () => void this.#checkMembership(),
        ended: (reason) => {
          this.#end(endOf(reason));
        },
      });
    });
  }

  #handleOpen(): void {
    const reopened = this.#wasOpen;
    this.#wasOpen = true;
    if (reopened) this.#catchUp();
    else this.#sender.tellPaused();
    this.#refresh().catch((error: unknown) => {
      if (this.#closed) return;
      this.#listener.problem(`You may not see everybody. ${explain(error)}`, () => {
        this.#handleOpen();
      });
    });
  }

  /** What was said while the socket was closed is lost, in both directions. */
  #catchUp(): void {
    this.#listener.restored();
    this.#sender.tellEverything();
    setTimeout(() => {
      if (!this.#closed) this.#receiver.guessPaused();
    }, GUESS_DELAY);
  }

  #refresh(): Promise<void> {
    return this.#roster.refresh(() => this.#api.producers());
  }

  /** A socket that is refused again and again may belong to an attendee whom the server has given up. */
  async #checkMembership(): Promise<void> {
    try {
      const attendees = await this.#api.attendees();
      if (attendees.includes(this.#api.caller.userMail)) return;
    } catch (error) {
      // Without an answer nothing is known, and protoo-client goes on trying.
      if (!isRefusal(error, 'Room not found')) return;
    }
    this.#end({ cause: 'forgotten', text: 'You were away for too long and have been removed from the room.' });
  }

  /** This protocol has no ICE restart: a transport that failed is lost. */
  #watch(transport: types.Transport): void {
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#api.connect(transport.direction, dtlsParameters).then(done, failed);
    });
    transport.on('connectionstatechange', (state) => {
      if (state === 'failed') this.#end({ cause: 'media-lost', text: 'The connection for sound and picture was lost.' });
    });
  }

  readonly #handleReceptionFailure = (user: string, type: MediaType, id: string, error: unknown): void => {
    if (this.#closed) return;
    this.#listener.problem(`You do not get everything from ${displayNameOf(user)}. ${explain(error)}`, () => {
      this.#receiver.start(user, type, id);
    });
  };

  #end(end: SessionEnd): void {
    if (this.#closed) return;
    this.close();
    if (this.#abandonStart) this.#abandonStart(new CallError('unreachable', end.text));
    else this.#listener.ended(end);
  }
}

/** Enters the room. After a reload the server may still be about to notice that the attendee of before is gone. */
async function attend(api: RoomApi): Promise<Attendance> {
  for (let retries = ATTENDEE_RETRIES; ; retries -= 1) {
    try {
      if (!(await api.exists())) await api.createRoom();
      return await api.createAttendee();
    } catch (error) {
      const mayPass = isRefusal(error, 'Attendee already created') || isRefusal(error, 'Room not found');
      if (!mayPass || retries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, ATTENDEE_RETRY_DELAY));
    }
  }
}

function endOf(reason: string | undefined): SessionEnd {
  if (reason === undefined) return { cause: 'unreachable', text: 'The connection to the server was lost.' };
  return { cause: /media/iu.test(reason) ? 'media-lost' : 'ended-by-server', text: explainEnd(reason) };
}
