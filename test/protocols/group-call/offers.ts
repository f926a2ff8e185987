/** Offers in the form that kurento-utils gets from Chromium 156, with candidates trickled. */
const HEAD = `v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS`;

const LINK = `c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:YWxs
a=ice-pwd:bm90aGluZyBzZWNyZXQgaGVyZSE
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass`;

const EXTENSIONS = `a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid`;

const OPUS = `a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1`;

const VP8 = `a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96`;

/** What the client sends or receives: `sendrecv` is what old versions of the library offer for a client's own media. */
export function offer(direction: 'sendonly' | 'sendrecv' | 'recvonly'): string {
  const sends = direction !== 'recvonly';
  const audio = ['m=audio 9 UDP/TLS/RTP/SAVPF 111', LINK, 'a=mid:0', EXTENSIONS, `a=${direction}`, ...(sends ? ['a=msid:s a'] : []), OPUS];
  const video = ['m=video 9 UDP/TLS/RTP/SAVPF 96 97', LINK, 'a=mid:1', EXTENSIONS, `a=${direction}`, ...(sends ? ['a=msid:s v'] : []), VP8];
  if (sends) audio.push('a=ssrc:1001 cname:c');
  if (sends) video.push('a=ssrc-group:FID 1002 1003', 'a=ssrc:1002 cname:c', 'a=ssrc:1003 cname:c');
  return sdp(HEAD, ...audio, ...video);
}

/** What one public client sends while it has no camera yet. */
export const OFFER_WITHOUT_SECTIONS = sdp(
  'v=0',
  'o=- 4611731400430051337 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
);

function sdp(...parts: string[]): string {
  return `${parts.join('\n').replaceAll('\n', '\r\n')}\r\n`;
}
