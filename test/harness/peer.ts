import { type MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, useAudioLevelIndication } from 'werift';

const VP8 = () => new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90_000, payloadType: 96 });
const OPUS = () => new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 });

/** By which the loudness of sound is told in its packets: the only header extension that is offered (RFC 6464). */
export const AUDIO_LEVEL = { id: 1, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level' };

/** What stands in a media section: a track, or nothing of a kind yet. */
export type Carried = MediaStreamTrack | 'audio' | 'video';

/** A PeerConnection without a browser, which connects for real; it sends what there is in the tracks that it is given. */
export class Peer {
  readonly #connection = new RTCPeerConnection({
    iceServers: [],
    codecs: { audio: [OPUS()], video: [VP8()] },
    headerExtensions: { audio: [useAudioLevelIndication()] },
  });

  /** @returns the offer, with a media section for each track. */
  async offer(direction: 'sendonly' | 'recvonly', carried: readonly Carried[]): Promise<string> {
    for (const one of carried) this.#connection.addTransceiver(one, { direction });
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    return this.#connection.localDescription?.sdp ?? '';
  }

  async take(answer: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
