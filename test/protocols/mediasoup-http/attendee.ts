import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, Socket, type TcpNetConnectOpts } from 'node:net';
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { Device } from 'mediasoup-client';
import * as fakeParameters from 'mediasoup-client/fakeParameters';
import { FakeHandler } from 'mediasoup-client/handlers/FakeHandler';
import type { Consumer, Producer, RtpCapabilities, Transport, TransportOptions } from 'mediasoup-client/types';
import { type Notification, Peer, WebSocketTransport } from 'protoo-client';
import { eventually } from '../../harness/eventually.ts';
import { ApiClient } from './api-client.ts';

interface CreatedAttendee {
  readonly rtpCapabilities: RtpCapabilities;
  readonly sendParams: TransportOptions;
  readonly recvParams: TransportOptions;
}

export type StreamType = 'mic' | 'webcam' | 'screen';

/** Carries the notification socket of one client, and can be cut. */
class Line extends Agent {
  #socket: Socket | undefined;
  #isDead = false;

  override createConnection(options: ClientRequestArgs): Socket {
    if (this.#isDead) return new Socket().destroy();
    this.#socket = connect(options as TcpNetConnectOpts);
    return this.#socket;
  }

  /** @param forGood without it the client connects again by itself. */
  cut(forGood: boolean): void {
    this.#isDead = forGood;
    this.#socket?.destroy();
  }
}

/**
 * A member as the public client behaves: the real mediasoup-client (with the handler it ships for use outside of browsers, which makes real
 * parameters but no media) and the real protoo-client.
 */
export class Attendee {
  readonly mail: string;
  readonly room: string;
  readonly api: ApiClient;
  readonly notifications: Notification[] = [];
  peer: Peer | undefined;
  sendParams: TransportOptions | undefined;
  readonly #edgeUrl: string;
  readonly #line = new Line();
  #device: Device | undefined;
  #send: Transport | undefined;
  #receive: Transport | undefined;

  constructor(edgeUrl: string, room: string, mail: string) {
    this.#edgeUrl = edgeUrl;
    this.room = room;
    this.mail = mail;
    this.api = new ApiClient(edgeUrl);
  }

  get #who() {
    return { roomName: this.room, userMail: this.mail };
  }

  /** Creates the room if need be and takes a seat in it. */
  async create(): Promise<void> {
    await this.api.succeed(this.api.post('createRoom', this.#who));
    const { rtpCapabilities, sendParams, recvParams } = await this.api.succeed<CreatedAttendee>(this.api.post('createAttendee', this.#who));
    this.#device = await Device.factory({ handlerFactory: FakeHandler.createFactory(fakeParameters) });
    this.sendParams = sendParams;
    await this.#device.load({ routerRtpCapabilities: rtpCapabilities });
    this.#send = this.#device.createSendTransport(sendParams);
    this.#receive = this.#device.createRecvTransport(recvParams);
    this.#connectVia(this.#send, 'connectSender');
    this.#connectVia(this.#receive, 'connectReceiver');
    this.#send.on('produce', ({ rtpParameters, appData }, callback, failed) => {
      this.api
        .succeed<{ id: string }>(this.api.post('createProducer', { ...this.#who, type: appData.type, rtpParameters }))
        .then(callback, failed);
    });
  }

  async produce(type: StreamType): Promise<Producer> {
    if (!this.#send) throw new Error('create() comes first');
    const track = new FakeMediaStreamTrack({ kind: type === 'mic' ? 'audio' : 'video' });
    return this.#send.produce({ track, appData: { type }, stopTracks: true });
  }

  async consume(producerMail: string, id: string, kind: 'audio' | 'video'): Promise<Consumer> {
    if (!this.#device || !this.#receive) throw new Error('create() comes first');
    const { recvRtpCapabilities: rtpCapabilities } = this.#device;
    const consumed = await this.api.succeed<Pick<Consumer, 'id' | 'rtpParameters'>>(
      this.api.post('createConsumer', { ...this.#who, producerMail, id, rtpCapabilities }),
    );
    return this.#receive.consume({ id: consumed.id, producerId: id, kind, rtpParameters: consumed.rtpParameters });
  }

  /** Opens the notification socket. */
  async open(): Promise<void> {
    const origin = this.#edgeUrl.replace(/^http/u, 'ws');
    const url = `${origin}?roomName=${this.room}&userMail=${this.mail}`;
    const peer = new Peer(new WebSocketTransport(url, { requestOptions: { agent: this.#line } }));
    this.peer = peer;
    peer.on('notification', (notification) => this.notifications.push(notification));
    await eventually(`the socket of ${this.mail} opens`, () => peer.connected);
  }

  async join(): Promise<void> {
    await this.create();
    await this.open();
  }

  /** Waits for a notification of a method, and takes it and everything before it out of the list. */
  async next(method: string): Promise<unknown> {
    await eventually(`${method} reaches ${this.mail}`, () => this.notifications.some((one) => one.method === method));
    const index = this.notifications.findIndex((one) => one.method === method);
    return this.notifications.splice(0, index + 1).at(-1)?.data;
  }

  leave(): void {
    this.peer?.close();
  }

  /** Is cut off without a word, for good. */
  vanish(): void {
    this.#line.cut(true);
  }

  /** Is cut off, and comes back by itself. */
  async reconnect(): Promise<void> {
    const { peer } = this;
    const cut = new Promise<void>((resolve) => peer?.on('disconnected', resolve));
    this.#line.cut(false);
    await cut;
    await eventually(`the socket of ${this.mail} opens again`, () => peer?.connected === true);
  }

  #connectVia(transport: Transport, endpoint: string): void {
    transport.on('connect', ({ dtlsParameters }, callback, failed) => {
      this.api.succeed(this.api.post(endpoint, { ...this.#who, dtlsParameters })).then(callback, failed);
    });
  }
}
