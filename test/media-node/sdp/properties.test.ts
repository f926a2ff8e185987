/** Whatever is offered: a refusal that names the line, or an answer that Chromium's own parser takes. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MediaError } from '../../../media-node/errors.ts';
import type { RtpCapabilities } from '../../../shared/rtp.ts';
import { type DescriptionLimits, LONG_DESCRIPTION, type SectionPlan } from '../../../shared/sdp.ts';
import { freshRoom, startTestNode } from '../support/node.ts';
import { answerTo, offers } from './support/bridge.ts';
import { PeerBrowser } from './support/peer.ts';

const MUTATED_OFFERS = 1_500;
const BROWSER_OFFERS = 80;

let room: RtpCapabilities;
let chromium: PeerBrowser;
beforeAll(async () => {
  const t = await startTestNode();
  ({ rtpCapabilities: room } = await t.client.call('openRoom', { path: freshRoom() }));
  await t.close();
  chromium = await PeerBrowser.chromium();
});
afterAll(() => chromium.close());

const mids: fc.Arbitrary<string[]> = fc.constantFrom(['0'], ['1', '0'], ['audio', 'video'], ['2', '3']);
const stream = fc.constantFrom('S', 'T-1');
const producers = fc.constant<string[]>([]);
const plans: fc.Arbitrary<SectionPlan[]> = fc.array(
  fc.oneof(
    fc.record({ use: fc.constant('publish' as const) }),
    fc.record({ use: fc.constant('publish' as const), mids }),
    fc.record({ use: fc.constant('view' as const), stream, producers }),
    fc.record({ use: fc.constant('view' as const), stream, producers, mids }),
  ),
  { maxLength: 3 },
);

/** @returns the answer; `undefined` where the offer is refused as it should be. */
function answered(offer: string, plan: SectionPlan[], limits?: DescriptionLimits): string | undefined {
  try {
    return answerTo(offer, plan, room, limits).sdp;
  } catch (error) {
    expect(error).toBeInstanceOf(MediaError);
    expect((error as MediaError).reason).toBe('invalid-sdp');
    expect((error as MediaError).message).toMatch(/^line [1-9]\d*: /u);
    return undefined;
  }
}

/** What Chromium says against descriptions that are offered to it. */
async function objections(descriptions: readonly string[]): Promise<(readonly [problem: string, sdp: string])[]> {
  const problems = await chromium.page.evaluate(async (all) => {
    const found: string[] = [];
    // Chromium does not allow as many connections as there are descriptions.
    const peer = new RTCPeerConnection();
    for (const sdp of all) {
      try {
        await peer.setRemoteDescription({ type: 'offer', sdp });
        await peer.setRemoteDescription({ type: 'rollback' });
        found.push('');
      } catch (error) {
        found.push(String(error));
      }
    }
    peer.close();
    return found;
  }, descriptions);
  return problems.flatMap((problem, index) => (problem === '' ? [] : [[problem, descriptions[index] ?? ''] as const]));
}

type Edit = (lines: string[], place: number) => void;

const edits: readonly Edit[] = [
  (lines, place) => lines.splice(place, 1),
  (lines, place) => lines.splice(place, 0, lines[place] ?? ''),
  (lines, place) => lines.splice(place, 2, lines[place + 1] ?? '', lines[place] ?? ''),
  (lines, place) => lines.splice(place),
  (lines, place) => (lines[place] = (lines[place] ?? '').slice(0, place % 20)),
  (lines, place) => (lines[place] = (lines[place] ?? '').replace(/\d+/u, String(place * 7))),
  (lines, place) => (lines[place] = (lines[place] ?? '').replace(/[a-z]+$/u, '')),
  (lines, place) => (lines[place] = `${lines[place] ?? ''} ${lines[(place * 3) % lines.length] ?? ''}`),
  (lines, place) => (lines[place] = (lines[place] ?? '').replace(/[:;=/ ]/u, '')),
  (lines, place) => (lines[place] = (lines[place] ?? '').replace(/send|recv/u, place % 2 === 0 ? 'recv' : 'send')),
  (lines, place) => lines.push(...lines.slice(Math.max(0, lines.findIndex((line) => line.startsWith('m=')) + (place % 3)))),
];

const mutatedOffers = fc
  .tuple(
    fc.constantFrom(...offers.values()),
    fc.array(fc.tuple(fc.constantFrom(...edits), fc.nat({ max: 400 })), { minLength: 1, maxLength: 4 }),
    fc.option(fc.tuple(fc.nat({ max: 6_000 }), fc.string({ unit: 'binary', maxLength: 8 })), { nil: undefined }),
  )
  .map(([offer, changes, noise]) => {
    const lines = offer.split('\r\n');
    for (const [edit, place] of changes) edit(lines, place % Math.max(1, lines.length));
    const text = lines.join('\r\n');
    return noise === undefined ? text : text.slice(0, noise[0]) + noise[1] + text.slice(noise[0]);
  });

describe('offers that were tampered with', () => {
  test('are refused by the line, or get an answer that Chromium can read', async () => {
    const answers = new Set<string>();

    fc.assert(
      fc.property(mutatedOffers, plans, (offer, plan) => {
        const answer = answered(offer, plan);
        if (answer !== undefined) answers.add(answer.replaceAll('a=setup:passive', 'a=setup:actpass'));
      }),
      { numRuns: MUTATED_OFFERS },
    );
    expect(answers.size).toBeGreaterThan(50);
    expect(await objections([...answers])).toEqual([]);
  });

  test('any text is refused by the line or read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 3_000 }), fc.string({ unit: 'grapheme', maxLength: 300 })), (text) => {
        answered(text, [{ use: 'publish' }]);
        answered(`v=0\r\n${text}`, [{ use: 'publish' }]);
      }),
    );
  });
});

/** How a page may set up a connection before it offers. */
const transceivers = fc.array(
  fc.record({
    kind: fc.constantFrom('audio' as const, 'video' as const),
    direction: fc.constantFrom('sendonly' as const, 'recvonly' as const, 'sendrecv' as const, 'inactive' as const),
    rids: fc.constantFrom<readonly string[]>([], [], ['a', 'b'], ['l', 'm', 'h']),
    codecs: fc.constantFrom('all', 'VP8', 'VP9', 'H264', 'AV1'),
    isStopped: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 1, maxLength: 3 },
);
const setUps = fc.record({
  transceivers,
  dataChannel: fc.constantFrom('none', 'none', 'first', 'last'),
  bundlePolicy: fc.constantFrom('balanced' as const, 'max-compat' as const, 'max-bundle' as const),
});
type SetUp = typeof setUps extends fc.Arbitrary<infer Value> ? Value : never;

/** Makes the offers, each in a connection that waits for its answer. */
function makeOffers(all: readonly SetUp[]): Promise<string[]> {
  return chromium.page.evaluate(async (wanted) => {
    const made: string[] = [];
    for (const [index, { transceivers: sections, dataChannel, bundlePolicy }] of wanted.entries()) {
      const peer = new RTCPeerConnection({ bundlePolicy });
      if (dataChannel === 'first') peer.createDataChannel('first');
      for (const { kind, direction, rids, codecs } of sections) {
        const isSimulcast = kind === 'video' && rids.length > 0 && direction.startsWith('send');
        const transceiver = peer.addTransceiver(kind, {
          direction,
          ...(isSimulcast ? { sendEncodings: rids.map((rid) => ({ rid })) } : {}),
        });
        const chosen = (RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []).filter(({ mimeType }) => mimeType.endsWith(`/${codecs}`));
        if (chosen.length > 0) transceiver.setCodecPreferences(chosen);
      }
      if (dataChannel === 'last') peer.createDataChannel('last');
      await peer.setLocalDescription();
      window.peers.set(`property-${index}`, peer);
      made.push(peer.localDescription?.sdp ?? '');
    }
    return made;
  }, all);
}

/** What Chromium says against the answers to its own offers; each accepted one is followed by another negotiation with some sections stopped. */
function setAnswers(answers: readonly string[]): Promise<string[]> {
  return chromium.page.evaluate(async (all) => {
    const problems: string[] = [];
    for (const [index, sdp] of all.entries()) {
      try {
        await window.peers.get(`property-${index}`)?.setRemoteDescription({ type: 'answer', sdp });
      } catch (error) {
        problems.push(`${String(error)} ${sdp}`);
      }
    }
    return problems;
  }, answers);
}

function offerAgain(all: readonly SetUp[]): Promise<string[]> {
  return chromium.page.evaluate(async (wanted) => {
    const made: string[] = [];
    for (const [index, { transceivers: sections }] of wanted.entries()) {
      const peer = window.peers.get(`property-${index}`);
      for (const [place, { isStopped }] of sections.entries()) {
        if (isStopped) peer?.getTransceivers()[place]?.stop();
      }
      peer?.addTransceiver('video', { direction: 'recvonly' });
      await peer?.setLocalDescription(await peer.createOffer({ iceRestart: index % 2 === 0 }));
      made.push(peer?.localDescription?.sdp ?? '');
    }
    return made;
  }, all);
}

describe('offers of Chromium', () => {
  test('get answers that it takes, twice', async () => {
    const sample = fc.sample(fc.tuple(setUps, plans, plans), BROWSER_OFFERS);
    const wanted = sample.map(([setUp]) => setUp);
    const first = (await makeOffers(wanted)).map((offer, index) => answered(offer, sample[index]?.[1] ?? []) ?? 'refused');
    expect(first).not.toContain('refused');
    expect(await setAnswers(first)).toEqual([]);
    // A connection that grows is one for several purposes, whose descriptions may be long.
    const second = (await offerAgain(wanted)).map(
      (offer, index) => answered(offer, sample[index]?.[2] ?? [], LONG_DESCRIPTION) ?? 'refused',
    );
    expect(second).not.toContain('refused');
    expect(await setAnswers(second)).toEqual([]);
  });
});
