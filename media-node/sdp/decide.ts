/** What an offer and its plan make of each section, before anything is done about it. */
import type { MediaKind, RtpCapabilities } from '../../shared/rtp.ts';
import type { SectionPlan } from '../../shared/sdp.ts';
import { malformed } from './malformed.ts';
import { isMediaKind } from './parse.ts';
import type { Section } from './parse.ts';
import { publicationOf } from './publish.ts';
import type { Publication } from './publish.ts';
import { receivingCapabilities } from './view.ts';

export type ViewPlan = Extract<SectionPlan, { use: 'view' }>;

export interface PublishDecision {
  readonly use: 'publish';
  readonly mid: string;
  readonly publication: Publication;
}

export interface ViewDecision {
  readonly use: 'view';
  readonly mid: string;
  readonly kind: MediaKind;
  readonly part: ViewPlan;
  readonly capabilities: RtpCapabilities;
  /** Whether the client receives in no other section of this kind. Then it finds the section of any stream by its payload type. */
  readonly isOnly: boolean;
}

export type Decision = PublishDecision | ViewDecision;

/**
 * @param router what the router of the connection's transport can do.
 * @returns in the order of the offer, without the sections in which nothing can flow.
 * @throws MediaError `invalid-sdp`
 */
export function decide(sections: readonly Section[], plan: readonly SectionPlan[], router: RtpCapabilities): Decision[] {
  const parts = assignSections(sections, plan);
  const decisions = sections.flatMap((section) => {
    const part = parts.get(section.mid);
    return part === undefined || !isMediaKind(section.type) ? [] : (decisionOf(section, section.type, part, router) ?? []);
  });
  const views = decisions.filter((decision) => decision.use === 'view');
  return withDistinctStreams(sections, decisions).map((decision) => {
    if (decision.use === 'publish') return decision;
    return { ...decision, isOnly: views.filter(({ kind }) => kind === decision.kind).length === 1 };
  });
}

/** Which part of the plan takes each section, by mid. A part that names the section goes before one that takes all the rest. */
function assignSections(sections: readonly Section[], plan: readonly SectionPlan[]): ReadonlyMap<string, SectionPlan> {
  const named = new Map(plan.flatMap((part) => (part.mids ?? []).map((mid) => [mid, part] as const)));
  const takes = ({ kinds }: SectionPlan, { type }: Section) => kinds?.some((kind) => kind === type) ?? true;
  return new Map(
    sections.flatMap((section) => {
      const part = named.get(section.mid) ?? plan.find((one) => one.mids === undefined && takes(one, section));
      return part === undefined || !takes(part, section) ? [] : [[section.mid, part] as const];
    }),
  );
}

function decisionOf(section: Section, kind: MediaKind, part: SectionPlan, router: RtpCapabilities): Decision | undefined {
  const { mid } = section;
  if (part.use === 'publish') {
    const publication = publicationOf(section, kind, router);
    return publication && { use: 'publish', mid, publication };
  }
  const capabilities = receivingCapabilities(section, kind, router);
  return capabilities && { use: 'view', mid, kind, part, capabilities, isOnly: false };
}

/**
 * Without mids in the packets, ssrc and rid are all by which a transport tells producers apart. No client would use an ssrc twice; but two
 * simulcast pictures often have the same names for their layers, and then only the first can be taken.
 *
 * @throws MediaError `invalid-sdp`
 */
function withDistinctStreams(sections: readonly Section[], decisions: readonly Decision[]): Decision[] {
  const ssrcs = new Set<number>();
  const rids = new Set<string>();
  return decisions.filter((decision) => {
    if (decision.use === 'view') return true;
    const { encodings } = decision.publication.rtpParameters;
    for (const ssrc of encodings.flatMap((encoding) => [encoding.ssrc ?? [], encoding.rtx?.ssrc ?? []].flat())) {
      if (ssrcs.has(ssrc)) malformed(lineOf(sections, decision.mid, 'ssrc'), 'another media section uses the same ssrc');
      ssrcs.add(ssrc);
    }
    const own = encodings.flatMap(({ rid }) => rid ?? []);
    if (own.some((rid) => rids.has(rid))) return false;
    for (const rid of own) rids.add(rid);
    return true;
  });
}

function lineOf(sections: readonly Section[], mid: string, attribute: string): number {
  return sections.find((section) => section.mid === mid)?.lineOf(attribute) ?? 1;
}
