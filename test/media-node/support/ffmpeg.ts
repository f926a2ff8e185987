/** Media made by a real ffmpeg, and its look at files. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';

/** Runs ffmpeg (or ffprobe) to its end. @returns what it wrote. */
export async function run(program: 'ffmpeg' | 'ffprobe', parameters: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const child = spawn(program, ['-v', 'error', ...parameters], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [output, complaints] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`${program} ${parameters.join(' ')} failed: ${complaints}`);
  return output;
}

/** The RTP packets of a moving test picture, as ffmpeg sends them. */
export async function packetsOf(codec: readonly string[], size: string, frames = 3): Promise<Buffer[]> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const packets: Buffer[] = [];
  socket.on('message', (message) => packets.push(message));
  const picture = ['-re', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=25`, '-frames:v', String(frames)];
  await run('ffmpeg', [...picture, ...codec, '-f', 'rtp', `rtp://127.0.0.1:${socket.address().port}?pkt_size=1200`]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.close();
  return packets;
}
