/** Connections over the media node's API, without a browser: attempts, renegotiation, refusals and what is left behind. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BodyInputOf } from '../../../shared/media-api.ts';
import type { SectionInfo } from '../../../shared/sdp.ts';
import { freshRoom, startTestNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { opus, vp8 } from '../support/parameters.ts';
import { expectRefused } from '../support/refusals.ts';
import { offerOf, sectionsOf } from './support/bridge.ts';

type Plan = BodyInputOf<'answerOffer'>['plan'];

const PUBLISH: Plan = [{ use: 'publish' }];
const VIEW: Plan = [{ use: 'view', stream: 'S' }];
const SENDING = offerOf('chromium-156-sendonly');
const RECEIVING = offerOf('chromium-156-recvonly');
const NOBODY = '00000000-0000-0000-0000-000000000000';

let t: TestNode;
beforeAll(async () => {
  t = await startTestNode();
});
afterAll(async () => {
  expect(t.edge.faults).toEqual([]);
  await t.close();
});

let path: { room: string; generation: string };
let connection = '';
let connections = 0;
beforeEach(async () => {
  path = freshRoom();
  await t.client.call('openRoom', { path });
  connections += 1;
  connection = `c-${connections}`;
});

function answer(sdp: string, plan: Plan, attempt = 1, name = connection) {
  return t.client.call('answerOffer', { path: { ...path, connection: name }, body: { attempt, sdp, plan } });
}

function attach(mid: string, producer: string, name = connection) {
  return t.client.call('attachProducer', { path: { ...path, connection: name, mid }, body: { producer } });
}

function detach(mid: string) {
  return t.client.call('detachProducer', { path: { ...path, connection, mid } });
}

function counts() {
  return t.client.call('inspectRoom', { path });
}

/** Producers of an ordinary transport, so that connections and transports meet. */
async function produce(): Promise<{ audio: string; video: string }> {
  const { id: transport } = await t.client.call('createTransport', { path });
  const order = (kind: 'audio' | 'video', rtpParameters: BodyInputOf<'createProducer'>['rtpParameters']) =>
    t.client.call('createProducer', { path, body: { transport, kind, rtpParameters } });
  const [audio, video] = await Promise.all([order('audio', opus()), order('video', vp8())]);
  return { audio: audio.id, video: video.id };
}

function directions(sections: readonly SectionInfo[]): string[] {
  return sections.map(({ direction }) => direction);
}

describe('the client offers', () => {
  test('producers are ordinary producers of the room, and the candidates come separately too', async () => {
    const { sdp, candidates, sections } = await answer(SENDING, PUBLISH);
    expect(sections).toEqual([
      { mid: '0', kind: 'audio', direction: 'recvonly', producer: expect.any(String) as string, codec: 'opus' },
      { mid: '1', kind: 'video', direction: 'recvonly', producer: expect.any(String) as string, codec: 'VP8' },
    ]);
    expect(candidates).toHaveLength(2);
    for (const { candidate, sdpMid, sdpMLineIndex } of candidates) {
      expect(sdp).toContain(`a=${candidate}\r\n`);
      expect([sdpMid, sdpMLineIndex]).toEqual(['0', 0]);
    }
    const producer = sections[1]?.producer ?? '';
    const { id: transport } = await t.client.call('createTransport', { path });
    const { rtpCapabilities } = await t.client.call('openRoom', { path });
    await t.client.call('createConsumer', { path, body: { transport, producer, rtpCapabilities } });
    await t.client.call('pauseProducer', { path: { ...path, producer } });
    expect(await counts()).toEqual({ transports: 2, producers: 2, consumers: 1 });
  });

  test('its id stands for its transport', async () => {
    await answer(SENDING, PUBLISH);
    expect(await t.client.call('connectionStats', { path: { ...path, connection } })).toEqual([
      expect.objectContaining({ type: 'webrtc-transport' }),
    ]);
    expect(await t.client.call('transportStats', { path: { ...path, transport: connection } })).toHaveLength(1);
    await t.client.call('closeTransport', { path: { ...path, transport: connection } });
    await expectRefused(t.client.call('closeConnection', { path: { ...path, connection } }), 'connection-not-found');
    expect(await counts()).toEqual({ transports: 0, producers: 0, consumers: 0 });
  });

  test('an offer without sections is answered without any, and a later one with some', async () => {
    const first = await answer(offerOf('chromium-156-nothing'), PUBLISH);
    expect([first.sections, first.candidates, sectionsOf(first.sdp).length]).toEqual([[], [], 1]);
    expect(await t.client.call('connectionStats', { path: { ...path, connection } })).toEqual([]);
    expect(directions((await answer(SENDING, PUBLISH, 2)).sections)).toEqual(['recvonly', 'recvonly']);
    expect((await counts()).producers).toBe(2);
    const stopped = SENDING.replace(/^m=(\w+) 9 /gmu, 'm=$1 0 ');
    expect(directions((await answer(stopped, PUBLISH, 3)).sections)).toEqual(['inactive', 'inactive']);
    expect((await counts()).producers).toBe(0);
  });

  test('each answer has a newer version of one description', async () => {
    const origin = (sdp: string) => /^o=parley (\d+) (\d+) /mu.exec(sdp)?.slice(1) ?? [];
    const [first, second] = [origin((await answer(SENDING, PUBLISH)).sdp), origin((await answer(SENDING, PUBLISH, 2)).sdp)];
    expect([first[1], second]).toEqual(['1', [first[0], '2']]);
  });

  test('what does not change in a new negotiation goes on; what the plan leaves out ends', async () => {
    const first = (await answer(SENDING, PUBLISH)).sections;
    expect((await answer(SENDING, PUBLISH, 2)).sections).toEqual(first);
    const third = (await answer(SENDING, [{ use: 'publish', mids: ['0'] }], 3)).sections;
    expect(third).toEqual([first[0], { mid: '1', kind: 'video', direction: 'inactive' }]);
    const fourth = (await answer(SENDING, PUBLISH, 4)).sections;
    expect(fourth[0]).toEqual(first[0]);
    expect(fourth[1]?.producer).not.toBe(first[1]?.producer);
    expect((await counts()).producers).toBe(2);
    expect(t.edge.arrived.filter(({ room }) => room === path.room)).toEqual([]);
  });

  test('another stream in a section becomes another producer', async () => {
    const [before] = (await answer(offerOf('chromium-156-video-only'), PUBLISH)).sections;
    const changed = offerOf('chromium-156-video-only')
      .replace(/ssrc:(\d)/gu, 'ssrc:4')
      .replace(/FID (\d)(\d+) (\d)/u, 'FID 4$2 4');
    const [after] = (await answer(changed, PUBLISH, 2)).sections;
    expect(after?.producer).not.toBe(before?.producer);
    expect((await counts()).producers).toBe(1);
  });

  test('producers of the plan go to the first free sections of their kind, and stay where they are', async () => {
    const { audio, video } = await produce();
    const first = (await answer(RECEIVING, [{ use: 'view', stream: 'S', producers: [video] }])).sections;
    expect(first.map(({ producer }) => producer)).toEqual([undefined, video]);
    const second = (await answer(RECEIVING, [{ use: 'view', stream: 'S', producers: [video, audio] }], 2)).sections;
    expect(second.map(({ producer }) => producer)).toEqual([audio, video]);
    expect(second[1]?.consumer).toBe(first[1]?.consumer);
    expect((await answer(RECEIVING, VIEW, 3)).sections).toEqual(second);
    expect((await answer(RECEIVING, [{ use: 'view', stream: 'S', producers: [audio] }], 4)).sections[1]).toEqual({
      mid: '1',
      kind: 'video',
      direction: 'sendonly',
    });
    expect((await counts()).consumers).toBe(1);
  });

  test('a producer of the plan that is gone leaves its section empty', async () => {
    const { video } = await produce();
    const { sections } = await answer(RECEIVING, [{ use: 'view', stream: 'S', producers: [NOBODY, video] }]);
    expect(sections.map(({ producer }) => producer)).toEqual([undefined, video]);
  });

  test('producers are attached, exchanged and taken away; attaching twice changes nothing', async () => {
    const { video } = await produce();
    const { video: other } = await produce();
    await answer(RECEIVING, VIEW);
    const attached = await attach('1', video);
    expect(attached).toEqual({
      mid: '1',
      kind: 'video',
      direction: 'sendonly',
      producer: video,
      consumer: expect.any(String) as string,
      codec: 'VP8',
    });
    expect(await attach('1', video)).toEqual(attached);
    expect((await attach('1', other)).producer).toBe(other);
    await expectRefused(t.client.call('resumeConsumer', { path: { ...path, consumer: attached.consumer ?? '' } }), 'consumer-not-found');
    expect(await detach('1')).toEqual({});
    expect(await detach('1')).toEqual({});
    expect((await counts()).consumers).toBe(0);
  });

  test('what cannot be attached', async () => {
    const { audio, video } = await produce();
    await expectRefused(attach('1', video), 'connection-not-found');
    await expectRefused(detach('1'), 'connection-not-found');
    await answer(RECEIVING, VIEW);
    await expectRefused(attach('1', NOBODY), 'producer-not-found');
    await expectRefused(attach('1', audio), 'invalid-parameters');
    await expectRefused(attach('7', video), 'section-not-found');
    await expectRefused(detach('7'), 'section-not-found');
    const pause = { path: { ...path, connection, mid: '7' }, body: { paused: true } };
    await expectRefused(t.client.call('setSectionPaused', pause), 'section-not-found');
    await attach('1', video);
    const vp8Only = RECEIVING.replace(/^(m=video \S+ \S+) .*$/mu, '$1 98 99');
    await answer(vp8Only, VIEW, 1, 'vp9-only');
    await expectRefused(attach('1', video, 'vp9-only'), 'cannot-consume');
    expect((await counts()).consumers).toBe(1);
  });

  test('sections of a kind that are told apart by ssrc need a new negotiation', async () => {
    const [{ video }, { video: other }] = await Promise.all([produce(), produce()]);
    const twice = offerOf('chromium-156-two-cameras').replaceAll('a=sendonly', 'a=recvonly');
    const plan = (...producers: string[]): Plan => [{ use: 'view', stream: 'S', producers }];
    expect(directions((await answer(twice, plan(video))).sections)).toEqual(['sendonly', 'inactive']);
    await expectRefused(attach('0', other), 'needs-negotiation');
    await expectRefused(attach('1', other), 'section-not-found');
    const { sdp, sections } = await answer(twice, plan(video, other), 2);
    expect(sections.map(({ producer }) => producer)).toEqual([video, other]);
    expect(sdp.match(/^a=ssrc:\d+ cname:/gmu)).toHaveLength(2);
  });

  test('an offer that uses an ssrc twice is refused', async () => {
    const offer = offerOf('chromium-156-two-cameras');
    const [, first = ''] = /^a=ssrc-group:FID (\d+) /mu.exec(offer) ?? [];
    const [, second = ''] = /^[^]*^a=ssrc-group:FID (\d+) /mu.exec(offer) ?? [];
    const refused = await expectRefused(answer(offer.replaceAll(second, first), PUBLISH), 'invalid-sdp');
    expect(refused.message).toMatch(/line \d+: /u);
    expect(await counts()).toEqual({ transports: 0, producers: 0, consumers: 0 });
  });

  test('a refused offer changes nothing', async () => {
    const { sections } = await answer(SENDING, PUBLISH);
    const stranger = SENDING.replace(/^(a=fingerprint:sha-256) ..:/gmu, '$1 00:');
    await expectRefused(answer('v=1', PUBLISH, 2), 'invalid-sdp');
    await expectRefused(answer('nonsense', PUBLISH, 3), 'invalid-sdp');
    await expectRefused(answer(stranger, PUBLISH, 4), 'invalid-sdp');
    await expectRefused(answer(SENDING.replace('a=mid:1', 'a=mid:0'), PUBLISH, 5), 'invalid-sdp');
    const [start = '', first = ''] = SENDING.split(/^(?=m=)/mu);
    for (const [index, fewer] of [start, start + first].entries()) await expectRefused(answer(fewer, PUBLISH, 6 + index), 'invalid-sdp');
    expect((await answer(SENDING, PUBLISH, 8)).sections).toEqual(sections);
  });

  test('a first offer that is refused leaves nothing behind', async () => {
    await expectRefused(answer(SENDING.replace(/^a=ssrc.*\r\n/gmu, ''), PUBLISH), 'invalid-sdp');
    expect(await counts()).toEqual({ transports: 0, producers: 0, consumers: 0 });
    await expectRefused(t.client.call('closeConnection', { path: { ...path, connection } }), 'connection-not-found');
  });
});

describe('attempts', () => {
  test('an older or a repeated one is refused', async () => {
    await answer(SENDING, PUBLISH, 2);
    await expectRefused(answer(SENDING, PUBLISH, 1), 'superseded-attempt');
    await expectRefused(answer(SENDING, PUBLISH, 2), 'superseded-attempt');
    await answer(SENDING, PUBLISH, 3);
  });

  test('one that is overtaken while it waits or works gets no answer', async () => {
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((attempt) => answer(SENDING, PUBLISH, attempt)));
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? 'answered' : (outcome.reason as { reason: string }).reason,
    );
    expect(reasons.at(-1)).toBe('answered');
    expect(new Set(reasons.slice(0, -1))).toEqual(new Set(['superseded-attempt']));
    expect(await counts()).toEqual({ transports: 1, producers: 2, consumers: 0 });
  });

  test('connections do not wait for each other', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(names.map((name) => answer(SENDING, PUBLISH, 1, name)));
    expect(new Set(answers.flatMap(({ sections }) => sections.map(({ producer }) => producer))).size).toBe(8);
  });
});

describe('closing', () => {
  test('a connection closes with its producers and consumers', async () => {
    const { sections } = await answer(SENDING, PUBLISH);
    await answer(RECEIVING, [{ use: 'view', stream: 'S', producers: sections.flatMap(({ producer }) => producer ?? []) }], 1, 'viewer');
    expect(await counts()).toEqual({ transports: 2, producers: 2, consumers: 2 });
    await t.client.call('closeConnection', { path: { ...path, connection } });
    expect(await counts()).toEqual({ transports: 1, producers: 0, consumers: 0 });
    await expectRefused(t.client.call('closeConnection', { path: { ...path, connection } }), 'connection-not-found');
    await t.client.call('closeConnection', { path: { ...path, connection: 'viewer' } });
    expect((await counts()).transports).toBe(0);
  });

  test('a negotiation that is under way fails, and a late one does not open it again', async () => {
    const negotiating = answer(SENDING, PUBLISH);
    const closing = (async () => {
      for (;;) {
        try {
          return await t.client.call('closeConnection', { path: { ...path, connection } });
        } catch {
          continue;
        }
      }
    })();
    const [outcome] = await Promise.allSettled([negotiating, closing]);
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'connection-not-found' });
    expect(await counts()).toEqual({ transports: 0, producers: 0, consumers: 0 });
    await expectRefused(answer(SENDING, PUBLISH, 2), 'connection-not-found');
  });

  test('a room that is closed takes its connections along', async () => {
    await answer(SENDING, PUBLISH);
    await t.client.call('closeRoom', { path });
    await expectRefused(answer(SENDING, PUBLISH, 2), 'room-not-found');
  });
});

describe('the media node offers', () => {
  const object = () => ({ path: { ...path, connection } });

  /** What a client answers that takes everything: the offer turned around. */
  function taking(sdp: string, edit: (sdp: string) => string = (text) => text): string {
    const link = `a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n${/^a=fingerprint:.*\r\n/mu.exec(SENDING)?.[0] ?? ''}`;
    const turned = sdp
      .replace(/^a=(?:ice-|candidate|end-of|fingerprint|ssrc|msid).*\r\n/gmu, '')
      .replace(/^a=setup:actpass\r\n/gmu, `a=setup:active\r\n${link}`)
      .replaceAll('a=sendonly', 'a=recvonly');
    return edit(turned);
  }

  async function offer(attempt: number, ...producers: string[]) {
    const feeds = producers.length === 0 ? [] : [{ stream: 'S', producers }];
    return t.client.call('createOffer', { ...object(), body: { attempt, feeds } });
  }

  function complete(attempt: number, sdp: string) {
    return t.client.call('completeOffer', { ...object(), body: { attempt, sdp } });
  }

  test('consumers wait for the answer', async () => {
    const { audio, video } = await produce();
    const { sdp, candidates, sections } = await offer(1, audio, video);
    expect(candidates).toHaveLength(2);
    expect(directions(sections)).toEqual(['sendonly', 'sendonly']);
    expect(sdp.match(/^a=setup:actpass/gmu)).toHaveLength(2);
    expect(sdp.match(/^a=msid:S S-\d/gmu)).toHaveLength(2);
    expect(sdp).not.toMatch(/^a=ssrc/mu);
    expect(await counts()).toEqual({ transports: 2, producers: 2, consumers: 0 });
    const completed = (await complete(1, taking(sdp))).sections;
    expect(completed).toEqual([
      { ...sections[0], consumer: expect.any(String) as string, codec: 'opus' },
      { ...sections[1], consumer: expect.any(String) as string, codec: 'VP8' },
    ]);
    expect(await counts()).toEqual({ transports: 2, producers: 2, consumers: 2 });
  });

  test('what the client refuses is inactive, what it would send is not taken', async () => {
    const { audio, video } = await produce();
    const { sdp } = await offer(1, audio, video);
    const refused = taking(sdp, (text) => text.replace(/a=recvonly([^]*)a=recvonly/u, 'a=sendrecv$1a=inactive'));
    expect(directions((await complete(1, refused)).sections)).toEqual(['sendonly', 'inactive']);
    expect(await counts()).toEqual({ transports: 2, producers: 2, consumers: 1 });
  });

  test('feeds are added and removed, and their sections used again', async () => {
    const [one, two] = await Promise.all([produce(), produce()]);
    await complete(1, taking((await offer(1, one.video)).sdp));
    const second = await offer(2, one.video, two.video, two.audio);
    expect(second.sections.map(({ mid, kind, producer }) => [mid, kind, producer])).toEqual([
      ['0', 'video', one.video],
      ['1', 'video', two.video],
      ['2', 'audio', two.audio],
    ]);
    await complete(2, taking(second.sdp));
    const third = await offer(3, two.video);
    expect(directions(third.sections)).toEqual(['inactive', 'sendonly', 'inactive']);
    await complete(3, taking(third.sdp));
    const fourth = await offer(4, two.video, one.video);
    expect(fourth.sections.map(({ producer }) => producer)).toEqual([one.video, two.video, undefined]);
    expect((await counts()).consumers).toBe(1);
    await complete(4, taking(fourth.sdp));
    expect((await counts()).consumers).toBe(2);
    expect(directions((await offer(5)).sections)).toEqual(['inactive', 'inactive', 'inactive']);
    expect((await counts()).consumers).toBe(0);
  });

  test('a producer that ended makes its section inactive with the next offer', async () => {
    const { audio, video } = await produce();
    await complete(1, taking((await offer(1, audio, video)).sdp));
    await t.client.call('closeProducer', { path: { ...path, producer: video } });
    await expectRefused(offer(2, audio, video), 'producer-not-found');
    expect(directions((await offer(3, audio)).sections)).toEqual(['sendonly', 'inactive']);
  });

  test('answers that do not fit', async () => {
    const { audio, video } = await produce();
    const { sdp } = await offer(1, audio, video);
    await expectRefused(complete(2, taking(sdp)), 'superseded-attempt');
    await expectRefused(complete(1, 'nonsense'), 'invalid-sdp');
    await expectRefused(
      complete(
        1,
        taking(sdp, (text) => text.replace('a=mid:1', 'a=mid:9').replace('BUNDLE 0 1', 'BUNDLE 0 9')),
      ),
      'invalid-sdp',
    );
    await expectRefused(
      complete(
        1,
        taking(sdp, (text) => text.slice(0, text.indexOf('m=video')).replace('BUNDLE 0 1', 'BUNDLE 0')),
      ),
      'invalid-sdp',
    );
    expect(directions((await complete(1, taking(sdp))).sections)).toEqual(['sendonly', 'sendonly']);
    await expectRefused(complete(1, taking(sdp)), 'already-connected');
    await expectRefused(offer(1, audio), 'superseded-attempt');
    const newer = await offer(3, audio);
    await expectRefused(complete(1, taking(sdp)), 'superseded-attempt');
    await complete(3, taking(newer.sdp));
  });

  test('either the client makes the offers of a connection or the media node', async () => {
    const { video } = await produce();
    const { sdp } = await offer(1, video);
    await expectRefused(answer(SENDING, PUBLISH, 2), 'invalid-parameters');
    await complete(1, taking(sdp));
    await answer(SENDING, PUBLISH, 1, 'other');
    await expectRefused(
      t.client.call('createOffer', { path: { ...path, connection: 'other' }, body: { attempt: 2, feeds: [] } }),
      'invalid-parameters',
    );
    await expectRefused(
      t.client.call('completeOffer', { path: { ...path, connection: 'other' }, body: { attempt: 1, sdp: SENDING } }),
      'invalid-parameters',
    );
  });

  test('sections of a kind are there while nobody publishes it, and producers come and go in them', async () => {
    const [{ audio, video }, { video: other }] = await Promise.all([produce(), produce()]);
    const feed = { stream: 'S', kinds: ['audio' as const, 'video' as const] };
    const { sdp, sections } = await t.client.call('createOffer', { ...object(), body: { attempt: 1, feeds: [feed] } });
    expect(sections).toEqual([
      { mid: '0', kind: 'audio', direction: 'sendonly' },
      { mid: '1', kind: 'video', direction: 'sendonly' },
    ]);
    expect((await attach('1', video)).consumer).toBeUndefined();
    expect((await complete(1, taking(sdp))).sections.map(({ producer }) => producer)).toEqual([undefined, video]);
    const attached = await attach('1', other);
    expect(attached).toMatchObject({ producer: other, codec: 'VP8', consumer: expect.any(String) as string });
    expect(await attach('1', other)).toEqual(attached);
    await attach('0', audio);
    expect((await counts()).consumers).toBe(2);
    expect(await detach('1')).toEqual({});
    expect((await counts()).consumers).toBe(1);
    await expectRefused(attach('0', video), 'invalid-parameters');
    await expectRefused(attach('1', NOBODY), 'producer-not-found');
    await expectRefused(attach('5', video), 'section-not-found');
  });

  test('a feed keeps its sections when another producer is offered in it, and needs no answer for that', async () => {
    const [{ audio, video }, { video: other }] = await Promise.all([produce(), produce()]);
    await complete(1, taking((await offer(1, audio, video)).sdp));
    const second = await offer(2, audio, other);
    expect(second.sections).toMatchObject([
      { mid: '0', producer: audio, codec: 'opus' },
      { mid: '1', producer: other, codec: 'VP8' },
    ]);
    const refused = taking(second.sdp, (text) => text.replace(/(m=video[^]*)a=recvonly/u, '$1a=inactive'));
    expect(directions((await complete(2, refused)).sections)).toEqual(['sendonly', 'inactive']);
    await expectRefused(attach('1', video), 'section-not-found');
    expect((await counts()).consumers).toBe(1);
  });

  test('codecs and header extensions that the client does not take are not sent', async () => {
    const { video } = await produce();
    const { sdp } = await offer(1, video);
    const withoutVp8 = taking(sdp, (text) => text.replace(/^(m=video \S+ \S+) .*$/mu, '$1 108'));
    expect((await complete(1, withoutVp8)).sections).toEqual([{ mid: '0', kind: 'video', direction: 'sendonly' }]);
    await expectRefused(attach('0', video), 'cannot-consume');
  });

  test('nothing can be offered that is not there', async () => {
    await expectRefused(offer(1, NOBODY), 'producer-not-found');
    await expectRefused(complete(1, SENDING), 'connection-not-found');
    expect((await counts()).transports).toBe(0);
  });
});
