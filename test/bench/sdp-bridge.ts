/** What the SDP bridge costs: CPU time from offer to answer, and how it grows with the length of what a stranger sends. */
import type { RtpCapabilities } from '../../shared/rtp.ts';
import type { SectionPlan } from '../../shared/sdp.ts';
import { freshRoom, startTestNode } from '../media-node/support/node.ts';
import { answerTo, offerOf } from '../media-node/sdp/support/bridge.ts';

export const title = 'SDP bridge: CPU time from offer to answer (target: p99 < 2 ms), and its growth with the input';

const WARM_UP_ROUNDS = 2_000;
const ROUNDS = 3_000;
const GROWTH_ROUNDS = 200;
const LONGEST_KILOBYTES = 60;

interface Row {
  readonly [column: string]: string | number;
  readonly input: string;
}

const PUBLISH: SectionPlan[] = [{ use: 'publish' }];
const VIEW: SectionPlan[] = [{ use: 'view', stream: 'S', producers: [] }];
const BOTH: SectionPlan[] = [{ use: 'publish', mids: ['0', '1'] }, ...VIEW];

const CASES: readonly (readonly [offer: string, plan: SectionPlan[]])[] = [
  ['chromium-156-sendonly', PUBLISH],
  ['chromium-156-recvonly', VIEW],
  ['chromium-156-simulcast-rid', PUBLISH],
  ['chromium-156-publish-and-view', BOTH],
  ['kurento-utils-7.3.0-recvonly', VIEW],
  ['firefox-153-sendonly', PUBLISH],
  ['firefox-153-publish-and-view', BOTH],
  ['safari-style-sendrecv', PUBLISH],
];

/** What one kind of line looks like when somebody makes it as long as it may be, or repeats it as often as he may. */
const HOSTILE: readonly (readonly [name: string, fill: (bytes: number) => string])[] = [
  ['one unknown line', (bytes) => `a=x:${'y'.repeat(bytes)}\r\n`],
  ['one line of spaces', (bytes) => `a=fmtp:111 ${' '.repeat(bytes)}\r\n`],
  ['one candidate', (bytes) => `a=candidate:1 1 udp 1 127.0.0.1 9 typ host${' x'.repeat(bytes / 2)}\r\n`],
  ['one simulcast list', (bytes) => `a=simulcast:send ${'a;'.repeat(bytes / 2)}\r\n`],
  ['one ssrc group', (bytes) => `a=ssrc-group:SIM${' 1'.repeat(bytes / 2)}\r\n`],
  ['one media line', (bytes) => `m=video 9 UDP/TLS/RTP/SAVPF${' 96'.repeat(bytes / 3)}\r\n`],
  ['stray line ends', (bytes) => '\r'.repeat(bytes)],
  ['many format parameters', (bytes) => `a=fmtp:111 ${'a=1;'.repeat(200)}\r\n`.repeat(bytes / 820)],
  ['many header extensions', (bytes) => `a=extmap:1 urn:${'x'.repeat(200)}\r\n`.repeat(bytes / 220)],
  ['many feedback lines', (bytes) => `a=rtcp-fb:* ${'x'.repeat(30)} ${'y'.repeat(30)}\r\n`.repeat(bytes / 75)],
  ['many ssrcs', (bytes) => Array.from({ length: bytes / 180 }, (_, index) => `a=ssrc:${index + 1} cname:${'c'.repeat(160)}\r\n`).join('')],
];

/** In microseconds; of this process, so that others on the machine do not count. */
function cpuTimeOf(task: () => void): number {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The same offer of a browser whose codecs have never been seen: the bridge remembers what it made of codec lines. */
function strange(offer: string, round: number): string {
  return offer.replaceAll(/^a=fmtp:(\d+) (?!apt=)/gmu, `a=fmtp:$1 x-round=${round};`);
}

function measure(name: string, offers: (round: number) => string, plan: SectionPlan[], room: RtpCapabilities): Row {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) answerTo(offers(round), plan, room);
  const times = Array.from({ length: ROUNDS }, (_, round) => {
    const offer = offers(WARM_UP_ROUNDS + round);
    return cpuTimeOf(() => {
      answerTo(offer, plan, room);
    });
  }).sort((a, b) => a - b);
  const milliseconds = (share: number) => (percentile(times, share) / 1000).toFixed(2);
  return {
    input: name,
    lines: offers(0).split('\n').length - 1,
    'p50 ms': milliseconds(0.5),
    'p99 ms': milliseconds(0.99),
    'max ms': milliseconds(1),
    growth: '',
  };
}

/** The offer, refused or answered, with as much of something as makes it this long. */
function timeOfHostile(fill: (bytes: number) => string, kilobytes: number, room: RtpCapabilities): number {
  const offer = offerOf('chromium-156-sendonly');
  const hostile = offer + fill(kilobytes * 1024 - offer.length);
  const task = (round: number) => {
    try {
      answerTo(strange(hostile, round), PUBLISH, room);
    } catch {
      // Refused, which takes its time too.
    }
  };
  for (let round = 0; round < GROWTH_ROUNDS / 4; round += 1) task(-round);
  return (
    cpuTimeOf(() => {
      for (let round = 0; round < GROWTH_ROUNDS; round += 1) task(round + 1);
    }) / GROWTH_ROUNDS
  );
}

/** How much longer twice the input takes: about 2 where time is linear and the input counts, 1 where it does not, 4 where it is quadratic. */
function measureGrowth(name: string, fill: (bytes: number) => string, room: RtpCapabilities): Row {
  const half = timeOfHostile(fill, LONGEST_KILOBYTES / 2, room);
  const whole = timeOfHostile(fill, LONGEST_KILOBYTES, room);
  return {
    input: `${name}, ${LONGEST_KILOBYTES} KB`,
    lines: '',
    'p50 ms': (whole / 1000).toFixed(2),
    'p99 ms': '',
    'max ms': '',
    growth: `× ${(whole / half).toFixed(1)} from ${LONGEST_KILOBYTES / 2} KB`,
  };
}

export async function run(): Promise<Row[]> {
  const node = await startTestNode();
  try {
    const { rtpCapabilities } = await node.client.call('openRoom', { path: freshRoom() });
    return [
      ...CASES.map(([name, plan]) => measure(name, () => offerOf(name), plan, rtpCapabilities)),
      ...CASES.map(([name, plan]) => measure(`${name}, never seen`, (round) => strange(offerOf(name), round), plan, rtpCapabilities)),
      ...HOSTILE.map(([name, fill]) => measureGrowth(name, fill, rtpCapabilities)),
    ];
  } finally {
    await node.close();
  }
}
