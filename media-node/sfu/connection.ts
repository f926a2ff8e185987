import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import type { TransportInfo } from '../../shared/media-api.ts';
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import type { Description, SectionInfo } from '../../shared/sdp.ts';
import { MediaError } from '../errors.ts';
import { malformed } from '../sdp/malformed.ts';
import type { Link } from '../sdp/parse.ts';
import type { PayloadTypes } from '../sdp/payload-types.ts';
import { candidatesOf, writeDescription } from '../sdp/write.ts';
import type { Setup, StreamNames, WrittenSection } from '../sdp/write.ts';
import type { Layers } from './layers.ts';
import type { RoomRouter } from './routers.ts';
import type { ConsumerOrder, ProducerOrder, Transport } from './transport.ts';

/** What a connection needs of its room. */
export interface ConnectionRoom {
  readonly rtpCapabilities: RtpCapabilities;
  router(payloadTypes: PayloadTypes | undefined): Promise<RoomRouter>;
  openTransport(router: RoomRouter, id: string): Promise<Transport>;
  produce(transport: Transport, order: ProducerOrder): Promise<types.Producer>;
  consume(transport: Transport, order: ConsumerOrder): Promise<types.Consumer>;
  /** Whether the producer is open. */
  knows(producer: string): boolean;
  kindOf(producer: string): MediaKind;
  closeProducer(id: string): void;
  closeTransport(id: string): void;
}

interface Opened {
  readonly transport: Transport;
  readonly rtpCapabilities: RtpCapabilities;
}

/** The peer of one PeerConnection of a client: a transport, and the descriptions that were exchanged about it. */
export abstract class Connection {
  protected readonly room: ConnectionRoom;
  readonly #id: string;
  readonly #onClosed: () => void;
  /** Names the descriptions of this connection in their `o=` line. */
  readonly #descriptionId = randomInt(1, 2 ** 31);
  #version = 0;
  #opened: Opened | undefined;
  #iceParameters: TransportInfo['iceParameters'] | undefined;
  #client: Link | undefined;
  #isClosed = false;

  /** @param onClosed called once, when the connection is closed for whatever reason. */
  constructor(id: string, room: ConnectionRoom, onClosed: () => void) {
    this.#id = id;
    this.room = room;
    this.#onClosed = onClosed;
  }

  /** `undefined` until a description asked for one. */
  get transport(): Transport | undefined {
    return this.#opened?.transport;
  }

  protected get openTransport(): Transport {
    if (this.transport === undefined) throw new Error('a section is active in a connection without a transport');
    return this.transport;
  }

  /** Whether there was a description for the client. */
  get isDescribed(): boolean {
    return this.#version > 0;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws MediaError `section-not-found`, `needs-negotiation`, `producer-not-found`, `cannot-consume`, `invalid-parameters` */
  abstract attach(mid: string, producer: string): Promise<SectionInfo>;

  /** @throws MediaError `section-not-found` */
  abstract detach(mid: string): void;

  /** @throws MediaError `section-not-found` */
  abstract setPaused(mid: string, isPaused: boolean): Promise<void>;

  /** @throws MediaError `section-not-found` */
  abstract setLayers(mid: string, layers: Layers): Promise<void>;

  /** @throws MediaError `section-not-found` */
  abstract consumerIn(mid: string): types.Consumer | undefined;

  /** Closes the connection with its producers and consumers. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    if (this.transport?.closed === false) this.room.closeTransport(this.#id);
    this.#close();
  }

  /** Opens the transport when there is none. */
  protected async open(payloadTypes: () => PayloadTypes | undefined): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const router = await this.room.router(payloadTypes());
    const transport = await this.room.openTransport(router, this.#id);
    if (this.#isClosed) {
      this.room.closeTransport(this.#id);
      throw new MediaError('connection-not-found', 'the connection was closed in the meantime');
    }
    transport.onClose(() => {
      this.#close();
    });
    this.#iceParameters = transport.info.iceParameters;
    return (this.#opened = { transport, rtpCapabilities: router.rtpCapabilities });
  }

  /** @throws MediaError `invalid-sdp` when this cannot be the client that the connection has. */
  protected assertSameClient({ dtlsParameters, line }: Link): void {
    const known = this.#client?.dtlsParameters.fingerprints[0]?.value;
    if (known !== undefined && known !== dtlsParameters.fingerprints[0]?.value)
      malformed(line, 'the certificate of a connection cannot change');
  }

  /** Tells the transport whom to expect, or that its client looks for a new way to it. */
  protected async link(transport: Transport, client: Link): Promise<void> {
    const known = this.#client;
    if (known === undefined) {
      const role = client.dtlsParameters.role === 'server' ? 'server' : 'client';
      this.#client = { ...client, dtlsParameters: { ...client.dtlsParameters, role } };
      await transport.connect(this.#client.dtlsParameters);
    } else if (known.usernameFragment !== client.usernameFragment) {
      this.#client = { ...known, usernameFragment: client.usernameFragment };
      this.#iceParameters = await transport.restartIce();
    }
  }

  protected describe(sections: readonly WrittenSection[], setup: Setup): Pick<Description, 'sdp' | 'candidates'> {
    const { transport } = this;
    const endpoint =
      transport === undefined ? undefined : { ...transport.info, iceParameters: this.#iceParameters ?? transport.info.iceParameters };
    this.#version += 1;
    return {
      sdp: writeDescription({ id: this.#descriptionId, version: this.#version, endpoint, setup, sections }),
      candidates: endpoint === undefined ? [] : candidatesOf(endpoint, sections),
    };
  }

  /** The DTLS role that the media node takes in answers, which is the other one than the client's. */
  protected get setup(): Setup {
    return this.#client?.dtlsParameters.role === 'server' ? 'active' : 'passive';
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed();
  }
}

/** As in `a=rtpmap`. */
export function codecName({ rtpParameters }: types.Producer | types.Consumer): string {
  const { mimeType } = rtpParameters.codecs[0] ?? { mimeType: '' };
  return mimeType.slice(mimeType.indexOf('/') + 1);
}

/** By what the packets of a consumer are known. */
export function streamNames({ id, rtpParameters: { encodings = [], rtcp } }: types.Consumer): StreamNames {
  const [{ ssrc } = {}] = encodings;
  if (ssrc === undefined) throw new Error('mediasoup made a consumer without an ssrc');
  return { ssrc, cname: rtcp?.cname ?? id };
}
