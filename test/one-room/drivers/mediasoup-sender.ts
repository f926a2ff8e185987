import { AUDIO_LEVEL, type Peer } from '../../harness/peer.ts';
import type { Attendee, StreamType } from '../../protocols/mediasoup-http/attendee.ts';
import type { MediaStreamTrack } from 'werift';

const CODECS = {
  audio: { mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 },
  video: { mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 },
} as const;

const TYPES: Readonly<Record<'audio' | 'video', StreamType>> = { audio: 'mic', video: 'webcam' };

/**
 * Sends real media as an attendee: mediasoup-client does so in browsers only. What the client says by HTTP is said here by hand, and a PeerConnection is
 * given the description that mediasoup-client would make of the transport's parameters.
 *
 * @param produced called after each producer, in their order.
 */
export async function sendAs(
  attendee: Attendee,
  peer: Peer,
  tracks: readonly MediaStreamTrack[],
  produced: (type: StreamType) => void,
): Promise<void> {
  const { api, sendParams, room: roomName, mail: userMail } = attendee;
  if (!sendParams) throw new Error('create() comes first');
  const offered = await peer.offer('sendonly', tracks);
  const fingerprint = { algorithm: 'sha-256', value: valueOf(offered, 'fingerprint:sha-256 ') };
  await api.succeed(api.post('connectSender', { roomName, userMail, dtlsParameters: { role: 'client', fingerprints: [fingerprint] } }));
  await peer.take(answerOf(sendParams, tracks));
  for (const [mid, section] of offered.split(/^m=/mu).slice(1).entries()) {
    const kind = section.startsWith('audio') ? 'audio' : 'video';
    const rtpParameters = {
      mid: String(mid),
      codecs: [{ ...CODECS[kind], parameters: {}, rtcpFeedback: [] }],
      headerExtensions: kind === 'audio' ? [{ ...AUDIO_LEVEL, encrypt: false, parameters: {} }] : [],
      encodings: [{ ssrc: Number(valueOf(section, 'ssrc:').split(' ')[0]) }],
      rtcp: { cname: 'sender', reducedSize: true },
    };
    await api.succeed(api.post('createProducer', { roomName, userMail, type: TYPES[kind], rtpParameters }));
    produced(TYPES[kind]);
  }
}

function valueOf(sdp: string, attribute: string): string {
  const line = sdp.split(/\r?\n/u).find((one) => one.startsWith(`a=${attribute}`));
  if (line === undefined) throw new Error(`there is no a=${attribute} in ${sdp}`);
  return line.slice(`a=${attribute}`.length).trim();
}

function answerOf(
  { iceParameters, iceCandidates, dtlsParameters }: NonNullable<Attendee['sendParams']>,
  tracks: readonly MediaStreamTrack[],
): string {
  const fingerprint = dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  const candidates = iceCandidates
    .filter(({ protocol }) => protocol === 'udp')
    .map(({ foundation, priority, address, port }) => `a=candidate:${foundation} 1 udp ${priority} ${address} ${port} typ host`);
  const sections = tracks.flatMap(({ kind }, mid) => {
    const { mimeType, payloadType, clockRate } = CODECS[kind as 'audio' | 'video'];
    const encoding = `${mimeType.split('/')[1] ?? ''}/${clockRate}${kind === 'audio' ? '/2' : ''}`;
    return [
      `m=${kind} 7 UDP/TLS/RTP/SAVPF ${payloadType}`,
      'c=IN IP4 127.0.0.1',
      `a=mid:${mid}`,
      `a=rtpmap:${payloadType} ${encoding}`,
      `a=ice-ufrag:${iceParameters.usernameFragment}`,
      `a=ice-pwd:${iceParameters.password}`,
      `a=fingerprint:sha-256 ${fingerprint?.value ?? ''}`,
      'a=setup:passive',
      'a=recvonly',
      'a=rtcp-mux',
      ...candidates,
      'a=end-of-candidates',
    ];
  });
  const bundle = `a=group:BUNDLE ${tracks.map((_track, mid) => mid).join(' ')}`;
  return ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=ice-lite', bundle, ...sections, ''].join('\r\n');
}
