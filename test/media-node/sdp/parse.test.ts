/** What the bridge reads of descriptions, and that it names the line of those that make no sense. */
import { describe, expect, test } from 'vitest';
import { MediaError } from '../../../media-node/errors.ts';
import { parseDescription } from '../../../media-node/sdp/parse.ts';
import { LONG_DESCRIPTION, SHORT_DESCRIPTION } from '../../../shared/sdp.ts';
import { offerOf, offers } from './support/bridge.ts';

const OFFER = offerOf('chromium-156-sendonly');

function refusalOf(sdp: string, limits = SHORT_DESCRIPTION): string {
  try {
    parseDescription(sdp, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(MediaError);
    expect((error as MediaError).reason).toBe('invalid-sdp');
    return (error as MediaError).message;
  }
  return 'accepted';
}

/** The offer with one line replaced, and the number of that line. */
function replaced(pattern: RegExp, line: string, offer = OFFER): { sdp: string; number: number } {
  const lines = offer.split('\r\n');
  const index = lines.findIndex((text) => pattern.test(text));
  expect(index).toBeGreaterThan(-1);
  lines[index] = line;
  return { sdp: lines.join('\r\n'), number: index + 1 };
}

describe('what is read', () => {
  test.each([...offers.keys()])('%s', (name) => {
    const { sections, link } = parseDescription(offerOf(name));
    const lines = offerOf(name).split(/\r?\n/u);
    expect(sections.map(({ mid }) => mid)).toEqual(lines.filter((line) => line.startsWith('a=mid:')).map((line) => line.slice(6)));
    for (const section of sections) expect(lines[section.lineOf('m') - 1]).toMatch(new RegExp(`^m=${section.type} `, 'u'));
    if (link === undefined) return;
    expect(lines).toContain(`a=ice-ufrag:${link.usernameFragment}`);
    const [fingerprint] = link.dtlsParameters.fingerprints;
    expect(lines[link.line - 1]).toBe(`a=fingerprint:${fingerprint?.algorithm ?? ''} ${fingerprint?.value ?? ''}`);
    expect(link.dtlsParameters.role).toBe('auto');
  });

  test('an offer without sections has no link', () => {
    expect(parseDescription(offerOf('chromium-156-nothing'))).toEqual({ sections: [], link: undefined });
  });

  test('a stopped section is inactive for ever, one that only waits for the bundle is not', () => {
    expect(
      parseDescription(offerOf('chromium-156-stopped-second')).sections.map(({ isStopped, direction }) => [isStopped, direction]),
    ).toEqual([
      [false, 'sendrecv'],
      [true, 'inactive'],
    ]);
    expect(parseDescription(offerOf('chromium-156-max-bundle')).sections.map(({ isStopped }) => isStopped)).toEqual([false, false]);
  });

  test('lines may end with LF or CR, and there may be empty ones', () => {
    const { sections } = parseDescription(OFFER);
    for (const end of ['\n', '\r', '\r\n\r\n']) {
      const again = parseDescription(OFFER.replaceAll('\r\n', end)).sections;
      expect(again.map(({ capabilities }) => capabilities)).toEqual(sections.map(({ capabilities }) => capabilities));
    }
  });

  test('a direction before all sections counts for those that have none of their own', () => {
    const offer = OFFER.replace('a=group', 'a=recvonly\r\na=group').replace(/^a=sendonly\r\n/gmu, '');
    expect(parseDescription(offer).sections.map(({ direction }) => direction)).toEqual(['recvonly', 'recvonly']);
    expect(parseDescription(OFFER.replace(/^a=sendonly\r\n/gmu, '')).sections.map(({ direction }) => direction)).toEqual([
      'sendrecv',
      'sendrecv',
    ]);
  });

  test('who names no DTLS role is active', () => {
    expect(parseDescription(OFFER.replace(/^a=setup:.*\r\n/gmu, '')).link?.dtlsParameters.role).toBe('client');
  });

  test('codecs that the media line does not list do not count', () => {
    const [, video] = parseDescription(offerOf('chromium-156-stripped-h264')).sections;
    const codecs = video?.capabilities?.codecs ?? [];
    expect(codecs.map(({ mimeType }) => mimeType)).not.toContain('video/H264');
    expect(codecs.map(({ preferredPayloadType }) => String(preferredPayloadType))).toEqual(
      expect.arrayContaining(video?.formats.split(' ').slice(0, 2) ?? []),
    );
  });
});

describe('a description that makes no sense is refused with the number of its line', () => {
  test.each<[what: string, pattern: RegExp, line: string]>([
    ['another version', /^v=/u, 'v=1'],
    ['no version', /^v=/u, 's=x'],
    ['a line without =', /^s=/u, 'hello'],
    ['a line of a capital letter', /^s=/u, 'S=-'],
    ['a control character', /^s=/u, 's=\u0000'],
    ['a media line without formats', /^m=video/u, 'm=video 9 UDP/TLS/RTP/SAVPF'],
    ['a media line of an unknown kind', /^m=video/u, 'm=smell 9 UDP/TLS/RTP/SAVPF 96'],
    ['a port that does not exist', /^m=video/u, 'm=video 65536 UDP/TLS/RTP/SAVPF 96'],
    ['a mid that is no token', /^a=mid:1/u, 'a=mid:a b'],
    ['a mid that is too long', /^a=mid:1/u, `a=mid:${'x'.repeat(33)}`],
    ['a mid twice', /^a=mid:1/u, 'a=mid:0'],
    ['a bundle that leaves one out', /^a=group:/u, 'a=group:BUNDLE 0'],
    ['a group of nonsense', /^a=group:/u, 'a=group:BUNDLE 0  1'],
    ['a short user name', /^a=ice-ufrag:/u, 'a=ice-ufrag:abc'],
    ['a short password', /^a=ice-pwd:/u, 'a=ice-pwd:abc'],
    ['a fingerprint of an unknown algorithm', /^a=fingerprint:/u, 'a=fingerprint:sha-3 AB:CD'],
    ['a fingerprint that is too short', /^a=fingerprint:/u, 'a=fingerprint:sha-256 AB:CD'],
    ['a fingerprint of nonsense', /^a=fingerprint:/u, 'a=fingerprint:sha-256'],
    ['an unknown DTLS role', /^a=setup:/u, 'a=setup:holdconn'],
    ['a payload type that does not exist', /^a=rtpmap:111/u, 'a=rtpmap:128 opus/48000/2'],
    ['a codec without a clock rate', /^a=rtpmap:111/u, 'a=rtpmap:111 opus'],
    ['a codec of nonsense', /^a=rtpmap:111/u, 'a=rtpmap:111'],
    ['RTX for nothing', /^a=fmtp:97/u, 'a=fmtp:97 apt=x'],
    ['a format parameter that is also a method', /^a=fmtp:111/u, 'a=fmtp:111 minptime=10;hasOwnProperty=1'],
    ['a format parameter that is also a prototype', /^a=fmtp:111/u, 'a=fmtp:111 __proto__=1'],
    ['feedback of nonsense', /^a=rtcp-fb:96/u, 'a=rtcp-fb:x nack'],
    ['a header extension without a URI', /^a=extmap:/u, 'a=extmap:1'],
    ['a header extension without an id', /^a=extmap:/u, 'a=extmap:0 urn:ietf:params:rtp-hdrext:ssrc-audio-level'],
    ['an ssrc of nonsense', /^a=ssrc:/u, 'a=ssrc:x cname:y'],
    ['an ssrc that is too long', /^a=ssrc:/u, 'a=ssrc:12345678901 cname:y'],
    ['a group of nothing', /^a=ssrc-group:/u, 'a=ssrc-group:FID'],
    ['a candidate of nonsense', /^a=ssrc-group:/u, 'a=candidate:1 1 udp x 127.0.0.1 9 typ host'],
    ['a direction with a value', /^a=sendonly/u, 'a=sendonly:1'],
  ])('%s', (_what, pattern, line) => {
    const { sdp, number } = replaced(pattern, line);
    expect(refusalOf(sdp)).toMatch(new RegExp(`^line ${number}: `, 'u'));
  });

  test.each<[what: string, pattern: RegExp]>([
    ['a mid', /^a=mid:0/u],
    ['a user name', /^a=ice-ufrag:/u],
    ['a password', /^a=ice-pwd:/u],
    ['a fingerprint', /^a=fingerprint:/u],
    ['a=rtcp-mux', /^a=rtcp-mux/u],
  ])('without %s the media line is named', (_what, pattern) => {
    const lines = OFFER.split('\r\n').filter((line) => !pattern.test(line));
    expect(refusalOf(lines.join('\r\n'))).toMatch(new RegExp(`^line ${lines.findIndex((line) => line.startsWith('m=')) + 1}: `, 'u'));
  });

  test.each(['', '\r\n', 'v=1', 'x', '{}', '\u{1f600}', 'm=audio 9 UDP/TLS/RTP/SAVPF 111'])('%j', (sdp) => {
    expect(refusalOf(sdp)).toMatch(/^line 1: /u);
  });

  test('the refusal does not quote what may be secret', () => {
    expect(refusalOf(replaced(/^a=ice-pwd:/u, 'a=ice-pwd:my secret').sdp)).not.toContain('secret');
    expect(refusalOf(replaced(/^a=candidate:/u, 'a=candidate:secret', offerOf('chromium-156-candidates-inside')).sdp)).not.toContain(
      'secret',
    );
  });

  test.each([SHORT_DESCRIPTION, LONG_DESCRIPTION])('longer than $lines lines or $bytes bytes', (limits) => {
    const refusal = (sdp: string) => refusalOf(sdp, limits);
    const lines = OFFER.split('\r\n').length - 1;
    const filled = (count: number) => `${OFFER}${'a=x\r\n'.repeat(count - lines)}`;
    expect(refusal(filled(limits.lines))).toBe('accepted');
    expect(refusal(filled(limits.lines + 1))).toMatch(new RegExp(`^line ${limits.lines + 1}: `, 'u'));
    expect(refusal(`${OFFER}a=x:${'y'.repeat(limits.bytes - OFFER.length - 6)}\r\n`)).toBe('accepted');
    expect(refusal(`${OFFER}a=x:${'y'.repeat(limits.bytes - OFFER.length - 5)}\r\n`)).toMatch(/^line \d+: /u);
    expect(refusal(`${OFFER}a=x:${'ü'.repeat(limits.bytes / 2)}\r\n`)).toMatch(/^line \d+: /u);
  });
});

test('more kinds of codec lines are read than are remembered', () => {
  const offer = offerOf('chromium-156-sendonly');
  const first = parseDescription(offer).sections;
  for (let round = 0; round < 250; round += 1) {
    const strange = offer.replace('a=fmtp:111 ', `a=fmtp:111 x-round=${round};`);
    const [audio, video] = parseDescription(strange).sections;
    expect(audio?.capabilities?.codecs[0]?.parameters).toMatchObject({ 'x-round': round });
    expect(video?.capabilities).toEqual(first[1]?.capabilities);
  }
  expect(parseDescription(offer).sections.map(({ capabilities }) => capabilities)).toEqual(first.map(({ capabilities }) => capabilities));
});
