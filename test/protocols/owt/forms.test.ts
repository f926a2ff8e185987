import { describe, expect, it } from 'vitest';
import { wishedLayers } from '../../../worker/protocols/owt/layers.ts';
import { parseRequest } from '../../../worker/protocols/owt/parse.ts';
import { type DescribedStream, streamInfoOf } from '../../../worker/protocols/owt/stream-info.ts';

/** The request that was understood. */
function read(event: string, data: unknown): unknown {
  const parsed = parseRequest(event, data);
  return parsed.ok ? parsed.request : parsed.problem;
}

describe('publish', () => {
  it('is understood in all forms, and means the same', () => {
    const [audio, video] = [
      { kind: 'audio', mid: '0', source: 'mic' },
      { kind: 'video', mid: '1', source: 'camera' },
    ];
    const tracks = [
      { type: 'audio', mid: '0', source: 'mic' },
      { type: 'video', mid: '1', source: 'camera' },
    ];
    const attributes = { any: 'object' };
    expect(read('publish', { media: { tracks }, attributes, transport: { type: 'webrtc', id: 't1' } })).toEqual({
      event: 'publish',
      form: 'tracks',
      tracks: [audio, video],
      attributes,
      transportId: 't1',
    });
    expect(read('publish', { media: { type: 'video', source: 'camera', mid: '1' } })).toEqual({
      event: 'publish',
      form: 'track',
      tracks: [video],
    });
    const parameters = { resolution: { width: 640, height: 480.4 }, framerate: 29.97 };
    expect(read('publish', { media: { audio: { source: 'mic' }, video: { source: 'camera', parameters } }, attributes: {} })).toEqual({
      event: 'publish',
      form: 'kinds',
      tracks: [
        { kind: 'audio', source: 'mic' },
        { kind: 'video', source: 'camera', parameters: { resolution: { width: 640, height: 480 }, framerate: 30 } },
      ],
      attributes: {},
    });
    expect(read('publish', { media: { audio: false, video: { source: 'screen-cast' } } })).toMatchObject({
      tracks: [{ kind: 'video', source: 'screen-cast' }],
    });
  });

  it.each([{ id: null }, { type: 'webrtc' }, null, undefined])('with the transport %j means a new one', (transport) => {
    const request = read('publish', { media: { tracks: [{ type: 'audio', mid: '0', source: 'mic' }] }, transport, transportId: null });
    expect(request).not.toHaveProperty('transportId');
    expect(request).toHaveProperty('event', 'publish');
  });
});

describe('subscribe', () => {
  it('is understood in all forms', () => {
    const tracks = [
      { type: 'audio', mid: '2', from: 's' },
      { type: 'video', mid: '3', from: 's', parameters: { bitrate: 'x0.6', keyFrameInterval: 2 } },
    ];
    expect(read('subscribe', { media: { tracks }, transport: { type: 'webrtc', id: 't1' } })).toEqual({
      event: 'subscribe',
      form: 'tracks',
      tracks: [
        { kind: 'audio', mid: '2', from: 's' },
        { kind: 'video', mid: '3', from: 's', parameters: { bitrateMultiplier: 0.6 } },
      ],
      transportId: 't1',
    });
    expect(read('subscribe', { media: { from: 's', mid: '1' }, transportId: 't1' })).toEqual({
      event: 'subscribe',
      form: 'track',
      tracks: [{ mid: '1', from: 's' }],
      transportId: 't1',
    });
    expect(read('subscribe', { media: { audio: { from: 's' }, video: { from: 's', simulcastRid: 'h' } } })).toEqual({
      event: 'subscribe',
      form: 'kinds',
      tracks: [
        { kind: 'audio', from: 's' },
        { kind: 'video', from: 's', rid: 'h' },
      ],
    });
  });
});

describe('a description of a stream', () => {
  const stream: DescribedStream = {
    id: 'A',
    owner: 'p1',
    attributes: { any: 'object' },
    tracks: [
      { kind: 'audio', source: 'mic', paused: false, mid: '0', codec: 'opus', rids: [], parameters: undefined },
      {
        kind: 'video',
        source: 'camera',
        paused: true,
        mid: '1',
        codec: 'VP8',
        rids: [],
        parameters: { resolution: { width: 640, height: 480 }, framerate: 30 },
      },
    ],
  };
  const info = { owner: 'p1', type: 'webrtc', inViews: [], attributes: { any: 'object' } };
  const optional = { format: [], parameters: { resolution: [], framerate: [], bitrate: [], keyFrameInterval: [] } };
  const opus = { codec: 'opus', sampleRate: 48000, channelNum: 2 };
  const parameters = { resolution: { width: 640, height: 480 }, framerate: 30 };

  it('has a list of tracks for clients of protocol 1.2', () => {
    expect(streamInfoOf(stream, '1.2')).toEqual({
      id: 'A',
      type: 'forward',
      data: false,
      media: {
        tracks: [
          { id: 'A-a', type: 'audio', source: 'mic', status: 'active', mid: '0', format: opus },
          { id: 'A-v', type: 'video', source: 'camera', status: 'inactive', mid: '1', format: { codec: 'vp8' }, parameters, optional },
        ],
      },
      info,
    });
  });

  it('has an entry for each kind for clients of protocol 1.1, and another for those of 1.0', () => {
    const audio = { status: 'active', source: 'mic', format: opus, optional: { format: [] } };
    const video = { status: 'inactive', source: 'camera', optional };
    expect(streamInfoOf(stream, '1.1').media).toEqual({ audio, video: { ...video, original: [{ format: { codec: 'vp8' }, parameters }] } });
    expect(streamInfoOf(stream, '1.0').media).toEqual({ audio, video: { ...video, format: { codec: 'vp8' }, parameters } });
    expect(streamInfoOf({ ...stream, tracks: stream.tracks.slice(0, 1) }, '1.1').media).toEqual({ audio });
  });

  it('has a track for each layer of simulcast, in the same section', () => {
    const [, camera] = stream.tracks;
    if (!camera) throw new Error('there is no camera');
    const layered = streamInfoOf({ ...stream, tracks: [{ ...camera, rids: ['q', 'h', 'f'] }] }, '1.2').media;
    expect(layered).toMatchObject({
      tracks: [
        { id: 'A-v-q', mid: '1', rid: 'q', parameters: { resolution: { width: 160, height: 120 } } },
        { id: 'A-v-h', mid: '1', rid: 'h', parameters: { resolution: { width: 320, height: 240 } } },
        { id: 'A-v-f', mid: '1', rid: 'f', parameters: { resolution: { width: 640, height: 480 } } },
      ],
    });
  });

  it.each(['raw-file', 'encoded-file', 'camera'] as const)('says of sound from %s only what no client throws at', (source) => {
    const sound = { ...stream.tracks[0], kind: 'audio', source } as DescribedStream['tracks'][number];
    expect(streamInfoOf({ ...stream, tracks: [sound] }, '1.2').media).toMatchObject({ tracks: [{ source: 'file' }] });
    const { media } = streamInfoOf({ ...stream, tracks: [{ ...sound, source: undefined }] }, '1.2');
    expect((media as { tracks: object[] }).tracks[0]).not.toHaveProperty('source');
  });
});

describe('wishes become layers', () => {
  const rids = ['q', 'h', 'f'];
  const published = { resolution: { width: 640, height: 480 }, framerate: 30 };

  it.each([
    [{ rid: 'h' }, { spatialLayer: 1 }],
    [{ rid: 'unheard-of', parameters: {} }, { spatialLayer: 2 }],
    [{ parameters: { resolution: { width: 160, height: 120 } } }, { spatialLayer: 0 }],
    [{ parameters: { resolution: { width: 200, height: 150 } } }, { spatialLayer: 1 }],
    [{ parameters: { resolution: { width: 1920, height: 1080 } } }, { spatialLayer: 2 }],
    [{ parameters: { bitrateMultiplier: 0.6 } }, { spatialLayer: 2 }],
    [{ parameters: { bitrateMultiplier: 0.2 } }, { spatialLayer: 1 }],
    [{ parameters: { framerate: 15 } }, { spatialLayer: 2, temporalLayer: 1 }],
    [{ parameters: { framerate: 7 } }, { spatialLayer: 2, temporalLayer: 0 }],
    [
      { rid: 'q', parameters: { framerate: 30 } },
      { spatialLayer: 0, temporalLayer: 2 },
    ],
  ])('%j is %j', (wish, layers) => {
    expect(wishedLayers(wish, rids, published)).toEqual(layers);
  });

  it('where there are any, and something is wished', () => {
    expect(wishedLayers({}, rids, published)).toBeUndefined();
    expect(wishedLayers({ parameters: { framerate: 5 } }, [], published)).toBeUndefined();
    expect(wishedLayers({ parameters: { resolution: { width: 320, height: 180 } } }, rids, undefined)).toEqual({
      spatialLayer: 0,
    });
  });
});
