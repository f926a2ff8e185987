import type { types } from 'mediasoup';
import type { MediaKind } from '../../shared/rtp.ts';
import type { Description, Feed, SectionInfo } from '../../shared/sdp.ts';
import { MediaError } from '../errors.ts';
import { malformed } from '../sdp/malformed.ts';
import { parseDescription } from '../sdp/parse.ts';
import type { Section as AnsweredSection } from '../sdp/parse.ts';
import { accepts, offeredSection } from '../sdp/offer.ts';
import type { OfferedCodecs } from '../sdp/offer.ts';
import { codecName, Connection, streamNames } from './connection.ts';
import type { Transport } from './transport.ts';

interface Carried {
  readonly stream: string;
  readonly producer: string;
  readonly consumer: types.Consumer;
}

interface OfferedSection {
  readonly mid: string;
  readonly kind: MediaKind;
  /** What the media line lists; stays when nothing flows any more. */
  media: OfferedCodecs;
  carried: Carried | undefined;
}

/** A connection in which the media node makes the offers, with the room's payload types and header extension ids. */
export class OfferingConnection extends Connection {
  readonly #sections: OfferedSection[] = [];
  #awaitsAnswer = false;

  /**
   * Makes an offer with these feeds and no others. When one cannot be offered, nothing has changed.
   *
   * @throws MediaError `producer-not-found`, `cannot-consume`
   */
  async offer(feeds: readonly Feed[]): Promise<Description> {
    const wanted = feeds.flatMap(({ stream, producers }) =>
      producers.map((producer) => ({ stream, producer, kind: this.room.kindOf(producer) })),
    );
    const { transport } = await this.open(() => undefined);
    const added = wanted.filter(({ stream, producer }) => this.#carrying(stream, producer) === undefined);
    const kept = this.#sections.filter(({ carried }) =>
      wanted.some(({ stream, producer }) => stream === carried?.stream && producer === carried.producer),
    );
    for (const section of this.#sections) {
      if (!kept.includes(section)) this.#empty(section);
    }
    for (const { stream, producer, kind } of added) await this.#add(transport, stream, producer, kind);
    this.#awaitsAnswer = true;
    return { ...this.describe(this.#sections.map(written), 'actpass'), sections: this.#sections.map(infoOf) };
  }

  /** @throws MediaError `invalid-sdp`; `already-connected` when there is no offer to answer. */
  async complete(sdp: string): Promise<SectionInfo[]> {
    if (!this.#awaitsAnswer) throw new MediaError('already-connected', 'this offer has been answered before');
    const { sections, link } = parseDescription(sdp);
    this.#assertAnswers(sections);
    if (link !== undefined && this.transport !== undefined) {
      this.assertSameClient(link);
      await this.link(this.transport, link);
    }
    this.#awaitsAnswer = false;
    for (const [index, section] of this.#sections.entries()) await this.#settle(section, sections[index]);
    return this.#sections.map(infoOf);
  }

  /** The client was told exactly what it gets. */
  attach(mid: string): Promise<SectionInfo> {
    this.#section(mid);
    return Promise.reject(new MediaError('needs-negotiation', 'in this connection another producer needs another offer'));
  }

  detach(mid: string): void {
    this.#section(mid).carried?.consumer.close();
  }

  #section(mid: string): OfferedSection {
    const section = this.#sections.find((one) => one.mid === mid);
    if (section === undefined) throw new MediaError('section-not-found', `there is no section ${mid}`);
    return section;
  }

  #carrying(stream: string, producer: string): OfferedSection | undefined {
    return this.#sections.find(({ carried }) => carried?.stream === stream && carried.producer === producer && !carried.consumer.closed);
  }

  #empty(section: OfferedSection): void {
    section.carried?.consumer.close();
    section.carried = undefined;
  }

  /** An empty section is used again, so that descriptions do not grow for ever. */
  async #add(transport: Transport, stream: string, producer: string, kind: MediaKind): Promise<void> {
    const empty = this.#sections.find((section) => section.kind === kind && section.carried === undefined);
    const mid = empty?.mid ?? String(this.#sections.length);
    const { rtpCapabilities } = this.room;
    // It waits for the client's answer; before that nobody could decode it.
    const consumer = await this.room.consume(transport, { producer, rtpCapabilities, paused: true, mid });
    const section = empty ?? { mid, kind, media: { codecs: [], headerExtensions: [] }, carried: undefined };
    section.media = mediaOf(consumer);
    section.carried = { stream, producer, consumer };
    if (empty === undefined) this.#sections.push(section);
  }

  #assertAnswers(sections: readonly AnsweredSection[]): void {
    const index = this.#sections.findIndex(({ mid }, place) => sections[place]?.mid !== mid);
    if (index !== -1) malformed(sections[index]?.lineOf('mid') ?? 1, 'the answer has other media sections than the offer');
    const extra = sections[this.#sections.length];
    if (extra !== undefined) malformed(extra.lineOf('m'), 'the answer has more media sections than the offer');
  }

  async #settle(section: OfferedSection, answered: AnsweredSection | undefined): Promise<void> {
    const { carried } = section;
    if (carried === undefined) return;
    if (answered === undefined || !accepts(answered, section.media)) this.#empty(section);
    else if (!carried.consumer.closed) await carried.consumer.resume();
  }
}

function mediaOf({ rtpParameters: { codecs, headerExtensions = [] } }: types.Consumer): OfferedCodecs {
  return { codecs: codecs as OfferedCodecs['codecs'], headerExtensions };
}

function written({ mid, kind, media, carried }: OfferedSection) {
  const isAlive = carried?.consumer.closed === false;
  const flow = isAlive ? { stream: carried.stream, track: `${carried.stream}-${mid}`, ssrc: streamNames(carried.consumer) } : undefined;
  return offeredSection(mid, kind, media, flow);
}

function infoOf({ mid, kind, carried }: OfferedSection): SectionInfo {
  if (carried === undefined || carried.consumer.closed) return { mid, kind, direction: 'inactive' };
  const { producer, consumer } = carried;
  return { mid, kind, direction: 'sendonly', producer, consumer: consumer.id, codec: codecName(consumer) };
}
