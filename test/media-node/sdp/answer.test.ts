/** Answers to recorded offers: what the traps demand of every one of them, and what each kind of client gets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Decision } from '../../../media-node/sdp/decide.ts';
import { foreignPayloadTypes } from '../../../media-node/sdp/payload-types.ts';
import { parseDescription } from '../../../media-node/sdp/parse.ts';
import type { RtpCapabilities } from '../../../shared/rtp.ts';
import type { SectionPlan } from '../../../shared/sdp.ts';
import { freshRoom, startTestNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { answerTo, offerOf, offers, sectionsOf } from './support/bridge.ts';

const PUBLISH: SectionPlan[] = [{ use: 'publish' }];
const VIEW: SectionPlan[] = [{ use: 'view', stream: 'S1', producers: [] }];

let t: TestNode;
let room: RtpCapabilities;
beforeAll(async () => {
  t = await startTestNode();
  ({ rtpCapabilities: room } = await t.client.call('openRoom', { path: freshRoom() }));
});
afterAll(() => t.close());

function valuesOf(lines: readonly string[], attribute: string): string[] {
  return lines.filter((line) => line.startsWith(`a=${attribute}:`)).map((line) => line.slice(attribute.length + 3));
}

function directionOf(lines: readonly string[]): string | undefined {
  return /^a=(sendrecv|sendonly|recvonly|inactive)$/mu.exec(lines.join('\n'))?.[1];
}

function formatsOf(lines: readonly string[]): string[] {
  return lines[0]?.split(' ').slice(3) ?? [];
}

const names = [...offers.keys()];

describe.each([
  ['publish', PUBLISH],
  ['view', VIEW],
  ['neither', []],
])('every offer, to %s', (_use, plan) => {
  test.each(names)('%s', (name) => {
    const offer = offerOf(name);
    const [, ...offered] = sectionsOf(offer);
    const [session = [], ...answered] = sectionsOf(answerTo(offer, plan, room).sdp);
    expect(answered.map((lines) => valuesOf(lines, 'mid'))).toEqual(offered.map((lines) => valuesOf(lines, 'mid')));
    const live = answered.filter((lines) => lines[0]?.split(' ')[1] !== '0');
    expect(valuesOf(session, 'group')).toEqual(
      live.length === 0 ? [] : [`BUNDLE ${live.flatMap((lines) => valuesOf(lines, 'mid')).join(' ')}`],
    );
    answered.forEach((lines, index) => {
      const own = offered[index] ?? [];
      const isStopped = own[0]?.split(' ')[1] === '0' && !own.includes('a=bundle-only');
      expect(lines[0]?.split(' ')[1]).toBe(isStopped ? '0' : '9');
      expect(lines[0]?.split(' ')[0]).toBe(own[0]?.split(' ')[0]);
      expect(formatsOf(own)).toEqual(expect.arrayContaining(formatsOf(lines)));
      expect(valuesOf(lines, 'extmap').filter((value) => value.includes('sdes:mid'))).toEqual([]);
      if (!isStopped) expect([valuesOf(lines, 'setup'), valuesOf(lines, 'candidate').length]).toEqual([['passive'], 2]);
      if (directionOf(lines) === 'sendonly') {
        expect(valuesOf(lines, 'extmap')).toEqual([]);
        expect(valuesOf(lines, 'msid').map((value) => value.split(' ')[0])).toEqual(['S1']);
        expect(valuesOf(lines, 'rtpmap').filter((value) => value.includes('rtx'))).toEqual([]);
        expect(valuesOf(lines, 'rtcp-fb').filter((value) => value.includes('transport-cc'))).toEqual([]);
      }
      for (const value of valuesOf(lines, 'extmap')) expect(valuesOf(own, 'extmap').map(withoutDirection)).toContain(value);
    });
  });
});

/** `a=extmap:6/recvonly uri` */
function withoutDirection(extmap: string): string {
  return extmap.replace(/^(\d+)\/\w+/u, '$1');
}

function publications(name: string) {
  return answerTo(offerOf(name), PUBLISH, room).decisions.flatMap((decision: Decision) =>
    decision.use === 'publish' ? [decision.publication] : [],
  );
}

describe('publishing', () => {
  test.each([
    'chromium-156-candidates-inside',
    'chromium-156-max-bundle',
    ...names.filter((name) => /^(?:chromium-\d+|kurento-utils-.*)-(?:sendonly|sendrecv)$/u.test(name)),
  ])('%s sends Opus, and VP8 with RTX', (name) => {
    const [audio, video] = publications(name);
    expect(audio?.rtpParameters.codecs.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([['audio/opus', 111]]);
    expect(video?.rtpParameters.codecs.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([
      ['video/VP8', 96],
      ['video/rtx', 97],
    ]);
    const [, fid = ''] = /^a=ssrc-group:FID (.*)$/mu.exec(offerOf(name).replaceAll('\r', '')) ?? [];
    const [ssrc = 0, rtx = 0] = fid.split(' ').map(Number);
    expect(video?.rtpParameters.encodings).toEqual([{ ssrc, rtx: { ssrc: rtx } }]);
    expect(audio?.rtpParameters.encodings).toHaveLength(1);
    expect(audio?.rtpParameters.rtcp?.cname).toBe(video?.rtpParameters.rtcp?.cname);
  });

  test.each(names.filter((name) => /^chromium-\d+-simulcast-rid$/u.test(name)))('%s keeps its layers in order', (name) => {
    const rids = name.includes('156') ? ['q', 'h', 'f'] : ['r0', 'r1', 'r2'];
    const [, video] = publications(name);
    expect(video?.rtpParameters.encodings).toEqual(rids.map((rid) => ({ rid, scalabilityMode: 'L1T3' })));
    const lines = sectionsOf(answerTo(offerOf(name), PUBLISH, room).sdp)[2] ?? [];
    expect(valuesOf(lines, 'rid')).toEqual(rids.map((rid) => `${rid} recv`));
    expect(valuesOf(lines, 'simulcast')).toEqual([`recv ${rids.join(';')}`]);
    expect(valuesOf(lines, 'extmap').filter((value) => value.includes('stream-id'))).toHaveLength(2);
  });

  test('of two pictures whose layers have the same names only the first is taken', () => {
    const offer = offerOf('chromium-156-simulcast-rid');
    const [session = [], , video = []] = sectionsOf(offer);
    const second = video.map((line) => line.replace('a=mid:1', 'a=mid:2'));
    const twice = [...session, ...video, ...second].join('\r\n').replace('BUNDLE 0 1', 'BUNDLE 1 2');
    expect(
      sectionsOf(answerTo(twice, PUBLISH, room).sdp)
        .slice(1)
        .map(directionOf),
    ).toEqual(['recvonly', 'inactive']);
  });

  test('simulcast by ssrc keeps the order of the layers', () => {
    const [, video] = publications('chromium-156-simulcast-ssrc');
    const [first = { ssrc: 0 }] = video?.rtpParameters.encodings ?? [];
    const ssrc = first.ssrc ?? 0;
    expect(video?.rtpParameters.encodings).toEqual(
      [0, 2, 4].map((step) => ({ ssrc: ssrc + step, rtx: { ssrc: ssrc + step + 1 }, scalabilityMode: 'L1T3' })),
    );
  });

  test.each(names.filter((name) => name.includes('plan-b')))('%s: of several tracks in one section the first is published', (name) => {
    const video = publications(name).find(({ kind }) => kind === 'video');
    const [, ssrc = '', rtx = ''] = /^a=ssrc-group:FID (\d+) (\d+)/mu.exec(offerOf(name)) ?? [];
    expect(video?.rtpParameters.encodings).toEqual([{ ssrc: Number(ssrc), rtx: { ssrc: Number(rtx) } }]);
  });

  test('two cameras become two publications', () => {
    const all = publications('chromium-156-two-cameras');
    expect(all.map(({ kind }) => kind)).toEqual(['video', 'video']);
    expect(new Set(all.flatMap(({ rtpParameters }) => rtpParameters.encodings.map(({ ssrc }) => ssrc))).size).toBe(2);
  });

  test('the client is told to send stereo where it offers it', () => {
    const offer = offerOf('chromium-156-sendonly').replace('minptime=10;useinbandfec=1', 'minptime=10;sprop-stereo=1;useinbandfec=1');
    expect(answerTo(offer, PUBLISH, room).sdp).toMatch(/^a=fmtp:111 .*stereo=1/mu);
    expect(answerTo(offerOf('chromium-156-sendonly'), PUBLISH, room).sdp).not.toMatch(/stereo=1/u);
  });

  test('VP8 is wanted although H264 stands first, and H264 where there is nothing else', () => {
    const [, video] = publications('safari-style-sendrecv');
    expect(video?.rtpParameters.codecs.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([
      ['video/VP8', 100],
      ['video/rtx', 101],
    ]);
    const withoutVp8 = offerOf('safari-style-sendrecv')
      .replace('98 99 100 101 127', '98 99 127')
      .replace(/^a=\w[\w-]*:10[01] .*\r\n/gmu, '');
    const { decisions } = answerTo(withoutVp8, PUBLISH, room);
    const codecs = decisions.flatMap((decision) => (decision.use === 'publish' ? decision.publication.rtpParameters.codecs : []));
    expect(codecs.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([
      ['audio/opus', 111],
      ['video/H264', 98],
      ['video/rtx', 99],
    ]);
  });

  test('a section without a codec that the room knows is inactive', () => {
    const offer = offerOf('chromium-156-audio-only').replace('opus/48000/2', 'opus/48000');
    expect(answerTo(offer, PUBLISH, room).decisions).toEqual([]);
  });
});

describe('viewing', () => {
  test.each(['chromium-156-recvonly', ...names.filter((name) => /^kurento-utils.*recvonly$/u.test(name))])(
    '%s gets every codec whose number is the room’s',
    (name) => {
      const [, audio = [], video = []] = sectionsOf(answerTo(offerOf(name), VIEW, room).sdp);
      expect(valuesOf(audio, 'rtpmap')).toEqual(['111 opus/48000/2']);
      expect(valuesOf(video, 'rtpmap').slice(0, 2)).toEqual(['96 VP8/90000', expect.stringMatching(/^\d+ H264\/90000$/u)]);
      expect(valuesOf(video, 'rtcp-fb').filter((value) => value.startsWith('96 '))).toEqual(
        expect.arrayContaining(['96 goog-remb', '96 ccm fir', '96 nack', '96 nack pli']),
      );
      expect([...valuesOf(audio, 'ssrc'), ...valuesOf(video, 'ssrc')]).toEqual([]);
    },
  );

  test('where a client receives in several sections of a kind they are told apart by ssrc', () => {
    const offer = `${offerOf('chromium-156-recvonly')}${(sectionsOf(offerOf('chromium-156-recvonly'))[2] ?? []).join('\r\n').replace('a=mid:1', 'a=mid:2')}\r\n`;
    const [, audio = [], first = [], second = []] = sectionsOf(answerTo(offer.replace('BUNDLE 0 1', 'BUNDLE 0 1 2'), VIEW, room).sdp);
    expect([audio, first, second].map((lines) => valuesOf(lines, 'ssrc').length)).toEqual([0, 1, 1]);
  });

  test('a part of the plan that names a section goes before one that takes the rest', () => {
    const plan: SectionPlan[] = [{ use: 'publish' }, { use: 'view', stream: 'V', mids: ['2', '3'], producers: [] }];
    const [, ...sections] = sectionsOf(answerTo(offerOf('chromium-156-publish-and-view'), plan, room).sdp);
    expect(sections.map(directionOf)).toEqual(['recvonly', 'recvonly', 'sendonly', 'sendonly']);
    const named = answerTo(offerOf('chromium-156-publish-and-view'), [{ use: 'view', stream: 'V', mids: ['3'], producers: [] }], room);
    expect(sectionsOf(named.sdp).slice(1).map(directionOf)).toEqual(['inactive', 'inactive', 'inactive', 'sendonly']);
  });

  test.each<[name: string, numbers: Record<number, number> | undefined]>([
    ['chromium-156-recvonly', undefined],
    ['chrome-71-style-recvonly', undefined],
    ['firefox-style-recvonly', { 111: 109, 96: 120, 98: 121, 108: 126, 114: 97 }],
    ['safari-style-recvonly', { 111: 111, 96: 100, 50: 96, 108: 98, 98: 127, 45: 35 }],
  ])('%s: the numbers by which another router has to send', (name, numbers) => {
    const found = foreignPayloadTypes(parseDescription(offerOf(name)).sections, room);
    expect(found === undefined ? undefined : Object.fromEntries(found)).toEqual(numbers);
  });

  test('a client with other numbers gets nothing from the room’s own router', () => {
    expect(answerTo(offerOf('firefox-style-recvonly'), VIEW, room).decisions).toEqual([]);
  });
});
