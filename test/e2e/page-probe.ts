/** What the tests add to a page before it runs, and what they read from it. The page itself knows nothing of it. */
import type { Page } from 'playwright-core';
import { eventually } from '../harness/eventually.ts';

interface Probe {
  readonly connections: RTCPeerConnection[];
  readonly captured: MediaStreamTrack[];
  readonly frames: WeakMap<MediaStreamTrack, number>;
  /** When the first frame of a track was on the screen, in milliseconds since the epoch. */
  readonly firstFrame: WeakMap<MediaStreamTrack, number>;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

/** What arrives of one participant, from the elements that play it and from the connection that brings it. */
export interface Reception {
  readonly videoWidth: number;
  /** Frames that were put on the screen, by `requestVideoFrameCallback`. */
  readonly framesPresented: number;
  readonly framesDecoded: number;
  readonly audioPackets: number;
  /** Grows only while there is something to hear. */
  readonly audioEnergy: number;
}

/** Watches connections, captured tracks and presented frames from the first line of the page's script on. */
export async function installProbe(page: Page): Promise<void> {
  // tsx, which runs the benches, wraps inner functions in a call of a helper that exists only in Node: here is one for the page.
  await page.addInitScript('globalThis.__name = (named) => named;');
  await page.addInitScript(() => {
    const probe: Probe = { connections: [], captured: [], frames: new WeakMap(), firstFrame: new WeakMap() };
    window.probe = probe;

    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        probe.connections.push(this);
      }
    };

    const remember = (stream: MediaStream): MediaStream => {
      probe.captured.push(...stream.getTracks());
      return stream;
    };
    // An insecure page has no such object.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (devices) {
      const getUserMedia = devices.getUserMedia.bind(devices);
      const getDisplayMedia = devices.getDisplayMedia.bind(devices);
      devices.getUserMedia = (constraints) => getUserMedia(constraints).then(remember);
      devices.getDisplayMedia = (options) => getDisplayMedia(options).then(remember);
    }

    const count = (video: HTMLVideoElement): void => {
      video.requestVideoFrameCallback(() => {
        const track = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
        if (track && !probe.frames.has(track)) probe.firstFrame.set(track, performance.timeOrigin + performance.now());
        if (track) probe.frames.set(track, (probe.frames.get(track) ?? 0) + 1);
        count(video);
      });
    };
    const seen = new WeakSet<HTMLVideoElement>();
    new MutationObserver(() => {
      for (const video of document.querySelectorAll('video')) {
        if (seen.has(video)) continue;
        seen.add(video);
        count(video);
      }
    }).observe(document, { childList: true, subtree: true });
  });
}

/** Reads what arrives in the element that matches `selector`; zeros for what does not. */
export function readReception(page: Page, selector: string): Promise<Reception> {
  return page.evaluate(async (root) => {
    const element = document.querySelector(root);
    const video = element?.querySelector('video');
    const trackIn = (media: HTMLMediaElement | null | undefined): MediaStreamTrack | undefined =>
      media?.srcObject instanceof MediaStream ? media.srcObject.getTracks()[0] : undefined;
    const [videoTrack, audioTrack] = [trackIn(video), trackIn(element?.querySelector('audio'))];
    const inbound = new Map<string, Record<string, unknown>>();
    for (const connection of window.probe.connections) {
      if (connection.connectionState === 'closed') continue;
      (await connection.getStats()).forEach((entry: Record<string, unknown>) => {
        if (entry.type === 'inbound-rtp') inbound.set(String(entry.trackIdentifier), entry);
      });
    }
    const statistic = (track: MediaStreamTrack | undefined, name: string): number => Number(inbound.get(track?.id ?? '')?.[name] ?? 0);
    return {
      videoWidth: videoTrack && video ? video.videoWidth : 0,
      framesPresented: videoTrack ? (window.probe.frames.get(videoTrack) ?? 0) : 0,
      framesDecoded: statistic(videoTrack, 'framesDecoded'),
      audioPackets: statistic(audioTrack, 'packetsReceived'),
      audioEnergy: statistic(audioTrack, 'totalAudioEnergy'),
    };
  }, selector);
}

/** When the first frame of the element that matches `selector` was on the screen, in milliseconds since the epoch. */
export async function firstFrameIn(page: Page, selector: string): Promise<number> {
  let time: number | undefined;
  await eventually(`a frame in ${selector}`, async () => {
    time = await page.evaluate((root) => {
      const stream = document.querySelector(root)?.querySelector('video')?.srcObject;
      const [track] = stream instanceof MediaStream ? stream.getVideoTracks() : [];
      return track && window.probe.firstFrame.get(track);
    }, selector);
    return time !== undefined;
  });
  return time ?? Number.NaN;
}
