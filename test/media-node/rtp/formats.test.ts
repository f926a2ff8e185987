/** Pictures in RTP: what real encoders send, and nonsense. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatOf, pictureSizeIn, unlessMalformed } from '../../../media-node/rtp/formats.ts';
import { parsePacket } from '../../../media-node/rtp/packet.ts';
import { packetsOf, run } from '../support/ffmpeg.ts';

const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-g', '100'];
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '100', '-strict', 'experimental'];
const h264 = (profile: string, format: string) => ['-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', profile, '-pix_fmt', format];

function payloadsOf(packets: readonly Buffer[]): Buffer[] {
  return packets.flatMap((packet) => {
    const payload = parsePacket(packet)?.payload;
    return payload === undefined || payload.length === 0 ? [] : [payload];
  });
}

describe('sizes in key frames', () => {
  test.each<[mimeType: string, codec: readonly string[], size: string]>([
    ['video/VP8', VP8, '640x360'],
    ['video/VP8', VP8, '322x182'],
    ['video/VP9', VP9, '640x360'],
    ['video/VP9', VP9, '320x180'],
    ['video/H264', h264('baseline', 'yuv420p'), '640x360'],
    ['video/H264', h264('main', 'yuv420p'), '322x182'],
    ['video/H264', h264('high', 'yuv420p'), '1280x720'],
    ['video/H264', h264('high422', 'yuv422p'), '322x181'],
    ['video/H264', h264('high444', 'yuv444p'), '321x181'],
    ['video/H264', [...h264('high', 'yuv420p'), '-flags', '+ilme+ildct', '-x264opts', 'interlaced'], '640x360'],
  ])('%s %j %s', async (mimeType, codec, size) => {
    const format = formatOf(mimeType);
    if (format === undefined) throw new Error('the format is known');
    const sizes = payloadsOf(await packetsOf(codec, size)).flatMap((payload) => pictureSizeIn(format, payload) ?? []);
    expect(sizes.map(({ width, height }) => `${width}x${height}`)).toEqual([size]);
  });

  test('AV1, as libaom writes it', async () => {
    const input = ['-f', 'lavfi', '-i', 'testsrc=size=322x182', '-frames:v', '1'];
    const stream = await run('ffmpeg', [...input, '-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-f', 'obu', 'pipe:1']);
    // Behind the temporal delimiter of two bytes; as the one element of a packet that begins a new sequence (AV1 RTP, section 4.4).
    expect(stream.readUInt16BE(0)).toBe(0x1200);
    const payload = Buffer.concat([Buffer.from([0x18]), stream.subarray(2)]);
    const format = formatOf('video/AV1');
    expect(format && pictureSizeIn(format, payload)).toEqual({ width: 322, height: 182 });
  });
});

describe('nonsense', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 200 }).map((array) => Buffer.from(array));

  test.each(['video/VP8', 'video/VP9', 'video/H264', 'video/AV1'])('%s throws nothing that is not expected', (mimeType) => {
    const format = formatOf(mimeType);
    if (format === undefined) throw new Error('the format is known');
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (payloads) => {
        for (const payload of payloads) pictureSizeIn(format, payload);
        unlessMalformed(() => format.frames(payloads));
      }),
      { numRuns: 2_000 },
    );
  });

  test('any bytes as a packet', () => {
    fc.assert(
      fc.property(bytes, (packet) => {
        const parsed = parsePacket(packet);
        if (parsed !== undefined) expect(parsed.payload.length).toBeLessThanOrEqual(packet.length - 12);
      }),
      { numRuns: 2_000 },
    );
  });
});
