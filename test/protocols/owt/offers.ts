/** Offers in the form in which Chromium 156 makes them, with as many media sections as a test likes. No media flows over them. */

export interface OfferedSection {
  readonly kind: 'audio' | 'video';
  readonly direction: 'sendonly' | 'recvonly' | 'sendrecv' | 'inactive';
  /** Simulcast layers. */
  readonly rids?: readonly string[];
}

const HEAD = (count: number) => `v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE ${Array.from({ length: count }, (_, mid) => mid).join(' ')}
a=extmap-allow-mixed
a=msid-semantic: WMS`;

const LINK = `c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:YWxs
a=ice-pwd:bm90aGluZyBzZWNyZXQgaGVyZSE
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid`;

const CODECS = {
  audio: `a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1`,
  video: `a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli`,
};

const PAYLOAD_TYPES = { audio: 111, video: 96 };

/** An offer whose media sections are named by their place: `0`, `1` and so on. */
export function offer(...sections: readonly OfferedSection[]): string {
  const lines = [HEAD(sections.length), ...sections.map(sectionOf)].join('\n');
  return lines.replaceAll('\n', '\r\n') + '\r\n';
}

function sectionOf({ kind, direction, rids = [] }: OfferedSection, mid: number): string {
  const isSent = direction === 'sendonly' || direction === 'sendrecv';
  const simulcast = [
    'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    ...rids.map((rid) => `a=rid:${rid} send`),
    `a=simulcast:send ${rids.join(';')}`,
  ];
  return [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${PAYLOAD_TYPES[kind]}`,
    LINK,
    `a=mid:${mid}`,
    `a=${direction}`,
    CODECS[kind],
    ...(rids.length > 0 ? simulcast : []),
    ...(isSent && rids.length === 0 ? [`a=msid:- track-${mid}`, `a=ssrc:${1000 + mid} cname:somebody`] : []),
  ].join('\n');
}

/** The direction of each media section of a description. */
export function directionsOf(sdp: string): string[] {
  return Array.from(sdp.matchAll(/^a=(sendonly|recvonly|sendrecv|inactive)\r?$/gmu), ([, direction = '']) => direction);
}

export function valuesOf(sdp: string, attribute: string): string[] {
  return Array.from(sdp.matchAll(new RegExp(`^a=${attribute}:(.*?)\\r?$`, 'gmu')), ([, value = '']) => value);
}
