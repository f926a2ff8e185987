import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { MediaStreamTrack, RtpPacket, serializeAudioLevelIndication } from 'werift';
import { AUDIO_LEVEL } from '../../harness/peer.ts';

const ENCODER = 'ffmpeg';
const VIDEO = ['-map', '0:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '150k', '-g', '15'];
const AUDIO = ['-map', '1:a', '-c:a', 'libopus', '-b:a', '32k'];

/** How far the sound is below the loudest that there is, in dB. */
const LEVEL = 10;

/** A camera and a microphone for clients without a browser: a real ffmpeg encodes VP8 and Opus, from the moment on at which it is made. */
export class Sender {
  readonly tracks: readonly MediaStreamTrack[];
  readonly #sockets: readonly Socket[];
  readonly #encoder: ChildProcess;

  static async start(): Promise<Sender> {
    const sockets = [createSocket('udp4').bind(0, '127.0.0.1'), createSocket('udp4').bind(0, '127.0.0.1')] as const;
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    const [video, audio] = sockets.map((socket) => `rtp://127.0.0.1:${socket.address().port}?pkt_size=1200`);
    const inputs = [
      '-re',
      '-f',
      'lavfi',
      '-i',
      'testsrc=size=160x120:rate=15',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=440:sample_rate=48000',
    ];
    const outputs = [...VIDEO, '-f', 'rtp', video ?? '', ...AUDIO, '-f', 'rtp', audio ?? ''];
    return new Sender(sockets, spawn(ENCODER, ['-v', 'quiet', ...inputs, ...outputs], { stdio: 'ignore' }));
  }

  private constructor(sockets: readonly [Socket, Socket], encoder: ChildProcess) {
    this.#sockets = sockets;
    this.#encoder = encoder;
    const [video, audio] = [new MediaStreamTrack({ kind: 'video' }), new MediaStreamTrack({ kind: 'audio' })];
    this.tracks = [audio, video];
    for (const [socket, track] of [
      [sockets[0], video],
      [sockets[1], audio],
    ] as const) {
      socket.on('message', (packet) => {
        track.writeRtp(track === audio ? loud(packet) : packet);
      });
    }
  }

  stop(): void {
    this.#encoder.kill();
    for (const socket of this.#sockets) socket.close();
  }
}

/** Browsers say in each packet how loud it is. */
function loud(bytes: Buffer): RtpPacket {
  const packet = RtpPacket.deSerialize(bytes);
  packet.header.extension = true;
  packet.header.extensions = [{ id: AUDIO_LEVEL.id, payload: Buffer.from(serializeAudioLevelIndication(LEVEL)) }];
  return packet;
}
