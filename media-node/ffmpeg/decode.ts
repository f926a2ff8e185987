import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { MediaError } from '../errors.ts';
import { startFfmpeg } from './program.ts';

const TIMEOUT_MS = 5_000;
const MAX_PIXELS = 40_000_000;
const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Decodes one picture.
 *
 * @param fourcc the codec, as IVF names it.
 * @param frames of the picture; the last one is the whole of it.
 * @returns a PNG.
 * @throws MediaError `no-picture` when it cannot be decoded, `missing-program`.
 */
export async function decodeToPng(program: string, fourcc: string, frames: readonly Buffer[]): Promise<Uint8Array> {
  const input = fourcc === 'H264' ? ['-f', 'h264'] : ['-f', 'ivf'];
  const output = ['-fps_mode', 'passthrough', '-f', 'image2pipe', '-c:v', 'png', 'pipe:1'];
  const parameters = ['-v', 'error', '-threads', '1', '-max_pixels', String(MAX_PIXELS), ...input, '-i', 'pipe:0', ...output];
  const child = await startFfmpeg(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('ffmpeg was started without pipes');
  // It may end before it has read everything; what it says then is what counts.
  stdin.on('error', () => undefined);
  stdin.end(fourcc === 'H264' ? Buffer.concat(frames) : ivf(fourcc, frames));
  const [pictures, complaint] = await Promise.all([buffer(stdout), text(stderr), once(child, 'close')]);
  const last = pictures.lastIndexOf(PNG_SIGNATURE);
  if (last === -1) throw new MediaError('no-picture', `the key frame cannot be decoded: ${complaint.trim().slice(0, 200)}`);
  return pictures.subarray(last);
}

/** The file format of libvpx: a head of 32 bytes, and one of 12 before each frame. The size in the head is not believed by decoders. */
function ivf(fourcc: string, frames: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(32);
  head.write('DKIF', 0);
  head.writeUInt16LE(32, 6);
  head.write(fourcc, 8);
  head.writeUInt32LE(30, 16);
  head.writeUInt32LE(1, 20);
  head.writeUInt32LE(frames.length, 24);
  const parts = frames.flatMap((frame, index) => {
    const frameHead = Buffer.alloc(12);
    frameHead.writeUInt32LE(frame.length, 0);
    frameHead.writeUInt32LE(index, 4);
    return [frameHead, frame];
  });
  return Buffer.concat([head, ...parts]);
}
