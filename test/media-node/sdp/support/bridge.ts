/** The bridge's pure functions put together as a connection does it, with a media node's side that stands still. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inactiveAnswer, publishAnswer, viewAnswer } from '../../../../media-node/sdp/answer.ts';
import { decide } from '../../../../media-node/sdp/decide.ts';
import type { Decision } from '../../../../media-node/sdp/decide.ts';
import { parseDescription } from '../../../../media-node/sdp/parse.ts';
import { writeDescription } from '../../../../media-node/sdp/write.ts';
import type { Endpoint } from '../../../../media-node/sdp/write.ts';
import type { RtpCapabilities } from '../../../../shared/rtp.ts';
import type { DescriptionLimits, SectionPlan } from '../../../../shared/sdp.ts';

const OFFERS = join(import.meta.dirname, '../offers');

/** All offers by name. */
export const offers: ReadonlyMap<string, string> = new Map(
  readdirSync(OFFERS)
    .filter((file) => file.endsWith('.sdp'))
    .map((file) => [file.replace('.sdp', ''), readFileSync(join(OFFERS, file), 'utf8')]),
);

export function offerOf(name: string): string {
  const offer = offers.get(name);
  if (offer === undefined) throw new Error(`there is no offer ${name}`);
  return offer;
}

const ENDPOINT: Endpoint = {
  iceParameters: { usernameFragment: 'w4ht20za63orfdk2cgmocioepwvm49t7', password: 'g89ulln27doh1cykyo8pubyjamogxm64', iceLite: true },
  iceCandidates: [
    {
      foundation: 'udpcandidate',
      priority: 1_076_558_079,
      ip: '127.0.0.1',
      address: '127.0.0.1',
      protocol: 'udp',
      port: 40_000,
      type: 'host',
    },
    {
      foundation: 'tcpcandidate',
      priority: 1_076_276_479,
      ip: '127.0.0.1',
      address: '127.0.0.1',
      protocol: 'tcp',
      port: 40_000,
      type: 'host',
      tcpType: 'passive',
    },
  ],
  dtlsParameters: {
    role: 'auto',
    fingerprints: [
      {
        algorithm: 'sha-256',
        value: '47:A2:39:CE:57:AD:71:DE:85:A2:60:57:8E:3F:8F:C9:4B:EA:66:08:01:BE:39:A4:49:D6:49:5C:6F:BB:3E:90',
      },
    ],
  },
};

export interface Answered {
  readonly sdp: string;
  readonly decisions: readonly Decision[];
}

/** @throws MediaError `invalid-sdp` */
export function answerTo(offer: string, plan: readonly SectionPlan[], room: RtpCapabilities, limits?: DescriptionLimits): Answered {
  const { sections, link } = parseDescription(offer, limits);
  const decisions = decide(sections, plan, room);
  const written = sections.map((section, index) => {
    const decision = decisions.find(({ mid }) => mid === section.mid);
    if (decision === undefined) return inactiveAnswer(section);
    if (decision.use === 'publish') return publishAnswer(section, decision.publication);
    return viewAnswer(section, decision, `track-${index}`, decision.isOnly ? undefined : { ssrc: 1_000 + index, cname: 'cname' });
  });
  return { decisions, sdp: writeDescription({ id: 1, version: 1, endpoint: link && ENDPOINT, setup: 'passive', sections: written }) };
}

/** The lines of each section, without line ends; the session's first. */
export function sectionsOf(sdp: string): string[][] {
  return sdp.split(/\r?\n(?=m=)/u).map((section) => section.split(/\r?\n/u).filter((line) => line !== ''));
}
