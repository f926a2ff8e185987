import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCandidate, TrickledCandidateSchema } from '../../shared/candidate.ts';

const HOST = 'candidate:1 1 udp 2122260223 192.0.2.9 5004 typ host';

describe('candidates', () => {
  test.each<[text: string, expected: object]>([
    [HOST, { foundation: '1', component: 1, transport: 'udp', priority: 2_122_260_223, address: '192.0.2.9', port: 5004, type: 'host' }],
    [`a=${HOST}`, { port: 5004 }],
    [`${HOST}\r\n`, { port: 5004 }],
    [HOST.replace('udp', 'UDP'), { transport: 'udp' }],
    [`${HOST} generation 0 ufrag Ab+/ network-id 1 network-cost 10`, { type: 'host' }],
    ['candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.2 rport 46154 generation 0', { type: 'srflx' }],
    ['candidate:3 1 tcp 1518280447 192.0.2.9 9 typ host tcptype active', { transport: 'tcp', port: 9 }],
    ['candidate:1068524832 1 udp 2113937151 e57887f3-080c-498f-ad14-3685b85f876b.local 41186 typ host', { type: 'host' }],
    ['candidate:0 1 UDP 2122187007 2001:db8::1 51234 typ host', { address: '2001:db8::1' }],
    ['candidate:5 2 udp 2122260222 fe80::1%eth0 0 typ relay raddr 0.0.0.0 rport 0', { component: 2, port: 0 }],
  ])('%s', (text, expected) => {
    expect(parseCandidate(text)).toMatchObject(expected);
  });

  test.each([
    '',
    'candidate:',
    'candidate',
    HOST.replace('typ host', ''),
    HOST.replace('5004', '65536'),
    HOST.replace(' udp', ''),
    `x${HOST}`,
    `${HOST}\nv=0`,
    `${HOST} ${'x'.repeat(2000)}`,
  ])('%j is none', (text) => {
    expect(parseCandidate(text)).toBeUndefined();
  });

  test('no text makes it fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        parseCandidate(text);
        TrickledCandidateSchema.safeParse(text);
      }),
    );
  });
});

describe('trickled candidates', () => {
  test.each<[what: string, trickled: unknown, expected: object]>([
    [
      'group-call and browsers',
      { candidate: HOST, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'Ab' },
      { candidate: HOST, sdpMid: '0', sdpMLineIndex: 0 },
    ],
    [
      'OWT, nested',
      { type: 'candidate', candidate: { candidate: `a=${HOST}`, sdpMid: '0', sdpMLineIndex: 0 } },
      { candidate: HOST, sdpMid: '0', sdpMLineIndex: 0 },
    ],
    [
      'the seed of OWT, flat',
      { type: 'candidate', candidate: HOST, sdpMid: '0', sdpMLineIndex: '0' },
      { candidate: HOST, sdpMid: '0', sdpMLineIndex: 0 },
    ],
    ['a text', HOST, { candidate: HOST, sdpMid: null, sdpMLineIndex: null }],
    [
      'without mid and index',
      { candidate: HOST, sdpMid: null, sdpMLineIndex: null },
      { candidate: HOST, sdpMid: null, sdpMLineIndex: null },
    ],
    ['the end, as null', null, { candidate: '' }],
    ['the end, as nothing', { candidate: '', sdpMid: '0', sdpMLineIndex: 0 }, { candidate: '', sdpMid: '0' }],
    ['the end, as null inside', { candidate: null }, { candidate: '' }],
    ['the end, as in a description', 'a=end-of-candidates', { candidate: '' }],
  ])('%s', (_what, trickled, expected) => {
    expect(TrickledCandidateSchema.parse(trickled)).toMatchObject(expected);
  });

  test.each([
    1,
    true,
    [],
    'hello',
    { candidate: 5 },
    { candidate: HOST, sdpMLineIndex: -1 },
    { candidate: HOST, sdpMid: {} },
    { candidate: { candidate: 'x' } },
  ])('%j is refused', (trickled) => {
    expect(TrickledCandidateSchema.safeParse(trickled).success).toBe(false);
  });
});
