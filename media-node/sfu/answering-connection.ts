import type { types } from 'mediasoup';
import type { MediaKind } from '../../shared/rtp.ts';
import { type Description, LONG_DESCRIPTION, type SectionInfo, type SectionPlan, SHORT_DESCRIPTION } from '../../shared/sdp.ts';
import { MediaError } from '../errors.ts';
import { inactiveAnswer, publishAnswer, viewAnswer } from '../sdp/answer.ts';
import { decide } from '../sdp/decide.ts';
import type { Decision, PublishDecision, ViewDecision, ViewPlan } from '../sdp/decide.ts';
import { isMediaKind, parseDescription } from '../sdp/parse.ts';
import type { Link, Section } from '../sdp/parse.ts';
import { foreignPayloadTypes } from '../sdp/payload-types.ts';
import type { WrittenSection } from '../sdp/write.ts';
import { codecName, Connection, streamNames } from './connection.ts';
import { Downlink } from './downlink.ts';
import type { Layers } from './layers.ts';

interface Publishing extends PublishDecision {
  readonly producer: types.Producer;
}

interface Viewing extends ViewDecision {
  readonly downlink: Downlink;
  /** Whether the section began in a later negotiation than the first. */
  readonly isLate: boolean;
  /** Whether the answer named the ssrc: then the client would not recognise another stream in this section. */
  isAnnounced: boolean;
}

/** A connection in which the client makes the offers. */
export class AnsweringConnection extends Connection {
  #sections: readonly Section[] = [];
  #active = new Map<string, Publishing | Viewing>();

  /**
   * Answers an offer. When the offer makes no sense, nothing has changed. A later one that has lost sections makes none (RFC 3264, section 8).
   *
   * @throws MediaError `invalid-sdp`
   */
  async answer(sdp: string, plan: readonly SectionPlan[]): Promise<Description> {
    const isForSeveral = plan.some(({ mids }) => mids !== undefined);
    const { sections, link } = parseDescription(sdp, isForSeveral ? LONG_DESCRIPTION : SHORT_DESCRIPTION);
    if (sections.length < this.#sections.length) throw new MediaError('invalid-sdp', 'media sections of the offer before are missing');
    await this.#apply(link === undefined ? [] : await this.#decided(sections, link, plan));
    this.#sections = sections;
    return {
      ...this.describe(
        sections.map((section) => this.#written(section)),
        this.setup,
      ),
      sections: this.#infos(),
    };
  }

  async #decided(sections: readonly Section[], link: Link, plan: readonly SectionPlan[]): Promise<Decision[]> {
    this.assertSameClient(link);
    const { transport, rtpCapabilities } = await this.open(() => foreignPayloadTypes(sections, this.room.rtpCapabilities));
    const decisions = decide(sections, plan, rtpCapabilities);
    await this.link(transport, link);
    return decisions;
  }

  async attach(mid: string, producer: string): Promise<SectionInfo> {
    const view = this.#view(mid);
    if (view.downlink.attached?.producer === producer) return infoOf(mid, view.kind, view);
    if (view.isAnnounced) throw new MediaError('needs-negotiation', `the answer has announced the stream of section ${mid}`);
    if (this.room.kindOf(producer) !== view.kind) throw new MediaError('invalid-parameters', `section ${mid} is for ${view.kind}`);
    await view.downlink.attach(this.openTransport, producer, view.capabilities);
    return infoOf(mid, view.kind, view);
  }

  detach(mid: string): void {
    this.#view(mid).downlink.detach();
  }

  setPaused(mid: string, isPaused: boolean): Promise<void> {
    return this.#view(mid).downlink.setPaused(isPaused);
  }

  setLayers(mid: string, layers: Layers): Promise<void> {
    return this.#view(mid).downlink.setLayers(layers);
  }

  consumerIn(mid: string): types.Consumer | undefined {
    return this.#view(mid).downlink.attached?.consumer;
  }

  #view(mid: string): Viewing {
    const active = this.#active.get(mid);
    if (active?.use === 'view') return active;
    throw new MediaError('section-not-found', `section ${mid} was not answered sendonly`);
  }

  /** What is the same as before goes on undisturbed. */
  async #apply(decisions: readonly Decision[]): Promise<void> {
    const before = this.#active;
    const going = new Map(
      decisions.flatMap((decision) => continued(before.get(decision.mid), decision) ?? []).map((one) => [one.mid, one]),
    );
    this.#active = going;
    for (const [mid, active] of before) {
      if (!isSame(active, going.get(mid))) this.#end(active);
    }
    for (const decision of decisions) {
      if (going.has(decision.mid)) continue;
      going.set(decision.mid, decision.use === 'publish' ? await this.#publish(decision) : this.#viewing(decision));
    }
    await this.#attachPlanned(decisions);
    this.#announce();
  }

  async #publish(decision: PublishDecision): Promise<Publishing> {
    const { kind, rtpParameters } = decision.publication;
    return { ...decision, producer: await this.room.produce(this.openTransport, { kind, rtpParameters, paused: false }) };
  }

  #viewing(decision: ViewDecision): Viewing {
    return { ...decision, downlink: new Downlink(this.room, decision.mid), isLate: this.isDescribed, isAnnounced: false };
  }

  #end(active: Publishing | Viewing): void {
    if (active.use === 'view') active.downlink.detach();
    else if (!active.producer.closed) this.room.closeProducer(active.producer.id);
  }

  async #attachPlanned(decisions: readonly Decision[]): Promise<void> {
    const parts = new Set(decisions.flatMap((decision) => (decision.use === 'view' ? [decision.part] : [])));
    for (const part of parts) {
      const views = this.#views().filter((view) => view.part === part);
      if (part.producers.length > 0) await this.#attachPart(views, part);
    }
  }

  async #attachPart(views: readonly Viewing[], { producers }: ViewPlan): Promise<void> {
    for (const { downlink } of views) {
      if (downlink.attached !== undefined && !producers.includes(downlink.attached.producer)) downlink.detach();
    }
    for (const producer of producers) {
      if (views.some(({ downlink }) => downlink.attached?.producer === producer)) continue;
      const kind = this.room.knows(producer) ? this.room.kindOf(producer) : undefined;
      const free = views.find((view) => view.kind === kind && view.downlink.attached === undefined);
      await free?.downlink.attachIfPossible(this.openTransport, producer, free.capabilities);
    }
  }

  /**
   * Where a client receives in several sections of a kind, only the ssrc tells it which is which, and a section without one has to wait. And
   * Chromium may not find the section of an unknown ssrc where the sections of the connection have changed.
   */
  #announce(): void {
    for (const view of this.#views()) {
      const isAttached = view.downlink.attached !== undefined;
      const isFixed = !view.isOnly || view.part.isAnnounced === true;
      view.isAnnounced = isAttached && (view.isAnnounced || isFixed || view.isLate);
      if (isFixed && !isAttached) this.#active.delete(view.mid);
    }
  }

  #views(): Viewing[] {
    return [...this.#active.values()].filter((active) => active.use === 'view');
  }

  #written(section: Section): WrittenSection {
    const active = this.#active.get(section.mid);
    if (active === undefined) return inactiveAnswer(section);
    if (active.use === 'publish') return publishAnswer(section, active.publication);
    const { attached } = active.downlink;
    const announced = active.isAnnounced && attached !== undefined ? streamNames(attached.consumer) : undefined;
    return viewAnswer(section, active, `${active.part.stream}-${this.#sections.indexOf(section)}`, announced);
  }

  #infos(): SectionInfo[] {
    return this.#sections.flatMap(({ mid, type }) => (isMediaKind(type) ? [infoOf(mid, type, this.#active.get(mid))] : []));
  }
}

/** @returns what goes on in a section when it is negotiated anew; `undefined` when it has to begin anew. */
function continued(active: Publishing | Viewing | undefined, decision: Decision): Publishing | Viewing | undefined {
  if (active?.use === 'publish' && decision.use === 'publish') {
    const isUnchanged = !active.producer.closed && areEqual(active.publication.rtpParameters, decision.publication.rtpParameters);
    return isUnchanged ? { ...decision, producer: active.producer } : undefined;
  }
  if (active?.use === 'view' && decision.use === 'view') {
    const isUnchanged = areEqual(active.capabilities, decision.capabilities);
    return isUnchanged ? { ...active, ...decision } : undefined;
  }
  return undefined;
}

/** Whether the producer or the consumer of one is that of the other. */
function isSame(before: Publishing | Viewing, now: Publishing | Viewing | undefined): boolean {
  if (before.use === 'publish') return now?.use === 'publish' && now.producer === before.producer;
  return now?.use === 'view' && now.downlink === before.downlink;
}

function areEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function infoOf(mid: string, kind: MediaKind, active: Publishing | Viewing | undefined): SectionInfo {
  if (active === undefined) return { mid, kind, direction: 'inactive' };
  if (active.use === 'publish')
    return {
      mid,
      kind,
      direction: 'recvonly',
      producer: active.producer.id,
      codec: codecName(active.producer),
      ...(active.publication.rids.length > 0 && { rids: [...active.publication.rids] }),
    };
  const { attached } = active.downlink;
  if (attached === undefined) return { mid, kind, direction: 'sendonly' };
  const { producer, consumer } = attached;
  return { mid, kind, direction: 'sendonly', producer, consumer: consumer.id, codec: codecName(consumer) };
}
