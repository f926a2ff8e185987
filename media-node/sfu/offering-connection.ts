import type { types } from 'mediasoup';
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import { type Description, type Feed, LONG_DESCRIPTION, type SectionInfo } from '../../shared/sdp.ts';
import { MediaError } from '../errors.ts';
import { acceptedCapabilities, offeredCapabilities, offeredSection } from '../sdp/offer.ts';
import { malformed } from '../sdp/malformed.ts';
import { parseDescription } from '../sdp/parse.ts';
import type { Section as AnsweredSection } from '../sdp/parse.ts';
import { codecName, Connection } from './connection.ts';
import { Downlink } from './downlink.ts';
import type { Layers } from './layers.ts';

interface OfferedSection {
  readonly mid: string;
  readonly kind: MediaKind;
  readonly downlink: Downlink;
  /** Of the feed to which the section belongs; nothing flows in it without. */
  stream: string | undefined;
  /** What is to be attached as soon as the client has answered. */
  planned: string | undefined;
  /** What the client takes in this section, when it has answered. */
  accepted: RtpCapabilities | undefined;
}

/** A place in a feed that needs a section. */
interface Slot {
  readonly stream: string;
  readonly kind: MediaKind;
  readonly producer: string | undefined;
}

/**
 * A connection in which the media node makes the offers, with the room's payload types and header extension ids.
 *
 * The client is told no ssrcs: it finds the section of a packet by the mid in it. So producers come and go without a new offer.
 */
export class OfferingConnection extends Connection {
  readonly #sections: OfferedSection[] = [];
  #awaitsAnswer = false;

  /**
   * Makes an offer with these feeds and no others. When one cannot be offered, nothing has changed.
   *
   * @throws MediaError `producer-not-found`
   */
  async offer(feeds: readonly Feed[]): Promise<Description> {
    const slots = feeds.flatMap((feed) => this.#slotsOf(feed));
    await this.open(() => undefined);
    const assigned = this.#assign(slots);
    for (const section of this.#sections) {
      if (!assigned.has(section)) leaveEmpty(section);
    }
    for (const [section, { producer }] of assigned) await this.#plan(section, producer);
    this.#awaitsAnswer = true;
    const written = this.#sections.map(({ mid, kind, stream }) => offeredSection(mid, kind, this.#offered(kind), stream));
    return { ...this.describe(written, 'actpass'), sections: this.#sections.map(infoOf) };
  }

  /** @throws MediaError `invalid-sdp`; `already-connected` when there is no offer to answer. */
  async complete(sdp: string): Promise<SectionInfo[]> {
    if (!this.#awaitsAnswer) throw new MediaError('already-connected', 'this offer has been answered before');
    const { sections, link } = parseDescription(sdp, LONG_DESCRIPTION);
    this.#assertAnswers(sections);
    if (link !== undefined && this.transport !== undefined) {
      this.assertSameClient(link);
      await this.link(this.transport, link);
    }
    this.#awaitsAnswer = false;
    for (const [index, section] of this.#sections.entries()) await this.#settle(section, sections[index]);
    return this.#sections.map(infoOf);
  }

  async attach(mid: string, producer: string): Promise<SectionInfo> {
    const section = this.#section(mid);
    if (section.stream === undefined) throw new MediaError('section-not-found', `section ${mid} belongs to no feed`);
    if (this.room.kindOf(producer) !== section.kind) throw new MediaError('invalid-parameters', `section ${mid} is for ${section.kind}`);
    if (section.accepted === undefined) section.planned = producer;
    else await section.downlink.attach(this.openTransport, producer, section.accepted);
    return infoOf(section);
  }

  detach(mid: string): void {
    const section = this.#section(mid);
    section.planned = undefined;
    section.downlink.detach();
  }

  setPaused(mid: string, isPaused: boolean): Promise<void> {
    return this.#section(mid).downlink.setPaused(isPaused);
  }

  setLayers(mid: string, layers: Layers): Promise<void> {
    return this.#section(mid).downlink.setLayers(layers);
  }

  consumerIn(mid: string): types.Consumer | undefined {
    return this.#section(mid).downlink.attached?.consumer;
  }

  #section(mid: string): OfferedSection {
    const section = this.#sections.find((one) => one.mid === mid);
    if (section === undefined) throw new MediaError('section-not-found', `there is no section ${mid}`);
    return section;
  }

  #offered(kind: MediaKind): Required<RtpCapabilities> {
    return offeredCapabilities(kind, this.room.rtpCapabilities);
  }

  /** A section for each producer, and one for each kind that is wanted and that no producer has. */
  #slotsOf({ stream, producers, kinds }: Feed): Slot[] {
    const slots = producers.map((producer) => ({ stream, producer, kind: this.room.kindOf(producer) }));
    const lacking = kinds.filter((kind) => slots.every((slot) => slot.kind !== kind));
    return [...slots, ...lacking.map((kind) => ({ stream, kind, producer: undefined }))];
  }

  /** What a section carries stays in it, and what is new goes to sections of its feed, to empty ones, and only then to new ones: descriptions must not grow for ever. */
  #assign(slots: readonly Slot[]): ReadonlyMap<OfferedSection, Slot> {
    const assigned = new Map<OfferedSection, Slot>();
    const left = new Set(slots);
    const fit = (fits: (section: OfferedSection, slot: Slot) => boolean) => {
      for (const slot of left) {
        const section = this.#sections.find((one) => one.kind === slot.kind && !assigned.has(one) && fits(one, slot));
        if (section === undefined) continue;
        assigned.set(section, slot);
        left.delete(slot);
      }
    };
    fit(({ stream, downlink, planned }, slot) => stream === slot.stream && (downlink.attached?.producer ?? planned) === slot.producer);
    fit(({ stream }, slot) => stream === slot.stream);
    fit(({ stream }) => stream === undefined || slots.every((slot) => slot.stream !== stream));
    for (const slot of left) assigned.set(this.#newSection(slot.kind), slot);
    for (const [section, { stream }] of assigned) {
      if (section.stream !== stream) leaveEmpty(section);
      section.stream = stream;
    }
    return assigned;
  }

  #newSection(kind: MediaKind): OfferedSection {
    const mid = String(this.#sections.length);
    const section = { mid, kind, downlink: new Downlink(this.room, mid), stream: undefined, planned: undefined, accepted: undefined };
    this.#sections.push(section);
    return section;
  }

  /** A section that the client has accepted for this feed needs no answer for another producer. */
  async #plan(section: OfferedSection, producer: string | undefined): Promise<void> {
    const { accepted, downlink } = section;
    if (producer === undefined) {
      section.planned = undefined;
      downlink.detach();
    } else if (accepted === undefined) section.planned = producer;
    else await downlink.attachIfPossible(this.openTransport, producer, accepted);
  }

  #assertAnswers(sections: readonly AnsweredSection[]): void {
    const index = this.#sections.findIndex(({ mid }, place) => sections[place]?.mid !== mid);
    if (index !== -1) malformed(sections[index]?.lineOf('mid') ?? 1, 'the answer has other media sections than the offer');
    const extra = sections[this.#sections.length];
    if (extra !== undefined) malformed(extra.lineOf('m'), 'the answer has more media sections than the offer');
  }

  async #settle(section: OfferedSection, answered: AnsweredSection | undefined): Promise<void> {
    if (section.stream === undefined) return;
    const accepted = answered && acceptedCapabilities(answered, this.#offered(section.kind));
    if (accepted === undefined) {
      leaveEmpty(section);
      return;
    }
    const { downlink, planned } = section;
    section.accepted = accepted;
    section.planned = undefined;
    if (planned !== undefined) await downlink.attachIfPossible(this.openTransport, planned, accepted);
  }
}

function leaveEmpty(section: OfferedSection): void {
  section.downlink.detach();
  section.stream = undefined;
  section.planned = undefined;
  section.accepted = undefined;
}

function infoOf({ mid, kind, stream, downlink, planned }: OfferedSection): SectionInfo {
  if (stream === undefined) return { mid, kind, direction: 'inactive' };
  const { attached } = downlink;
  if (attached === undefined) return { mid, kind, direction: 'sendonly', ...(planned !== undefined && { producer: planned }) };
  const { producer, consumer } = attached;
  return { mid, kind, direction: 'sendonly', producer, consumer: consumer.id, codec: codecName(consumer) };
}
