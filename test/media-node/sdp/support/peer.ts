/** PeerConnections of a real browser, driven from the test: the client's side of a connection. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { launch } from 'puppeteer-core';
import { launchBrowser } from '../../../e2e/browser.ts';
import { eventually } from '../../../harness/eventually.ts';

/** What a receiver has got so far. */
export interface Received {
  readonly framesDecoded: number;
  readonly audioPackets: number;
  readonly payloadType: number | undefined;
  readonly width: number;
}

export interface SentTracks {
  readonly audio?: boolean;
  /** Width of the picture, by which the test knows it again; no video without. */
  readonly video?: number;
  readonly direction?: RTCRtpTransceiverDirection;
  readonly rids?: readonly string[];
  /** A picture that needs as many bits as it may have. */
  readonly noise?: boolean;
  /** Once a second, for 200 ms, the picture is white and the tone is heard; black and silent in between. */
  readonly beat?: boolean;
}

declare global {
  interface Window {
    peers: Map<string, RTCPeerConnection>;
    streams: Map<string, MediaStream>;
    canvases: Map<string, HTMLCanvasElement>;
  }
}

/** A page in which functions can be run, whatever drives the browser. */
interface Page {
  evaluate<Argument, Result>(run: (argument: Argument) => Result | Promise<Result>, argument: Argument): Promise<Result>;
}

/** Lets a page play sound and use a fake microphone without asking anybody. */
const FIREFOX_SETTINGS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

/** A browser with one page that has any number of PeerConnections. */
export class PeerBrowser {
  readonly page: Page;
  readonly #close: () => Promise<void>;
  #peers = 0;

  static async chromium(): Promise<PeerBrowser> {
    const browser = await launchBrowser();
    return PeerBrowser.#on(await browser.newPage(), () => browser.close());
  }

  static async firefox(): Promise<PeerBrowser> {
    const executablePath = process.env.FIREFOX_BIN ?? '/usr/bin/firefox-esr';
    const browser = await launch({ browser: 'firefox', executablePath, headless: true, extraPrefsFirefox: FIREFOX_SETTINGS });
    const page = await browser.newPage();
    // Only a page from this machine may use a microphone, and only while it does Firefox looks for the media node at all addresses.
    const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await page.evaluate(async () => {
      Object.assign(window, { microphone: await navigator.mediaDevices.getUserMedia({ audio: true }) });
    });
    // Its types cannot follow an argument whose type is not known yet.
    const evaluate: Page['evaluate'] = (run, argument) => page.evaluate(run as never, argument);
    return PeerBrowser.#on({ evaluate }, async () => {
      await browser.close();
      server.close();
    });
  }

  static async #on(page: Page, close: () => Promise<void>): Promise<PeerBrowser> {
    await page.evaluate(() => {
      window.peers = new Map();
      window.streams = new Map();
      window.canvases = new Map();
    }, undefined);
    return new PeerBrowser(page, close);
  }

  private constructor(page: Page, close: () => Promise<void>) {
    this.page = page;
    this.#close = close;
  }

  async peer(): Promise<Peer> {
    this.#peers += 1;
    const name = `peer-${this.#peers}`;
    await this.page.evaluate((key) => {
      window.peers.set(key, new RTCPeerConnection());
    }, name);
    return new Peer(this.page, name);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** One PeerConnection. */
export class Peer {
  readonly #page: Page;
  readonly #name: string;

  constructor(page: Page, name: string) {
    this.#page = page;
    this.#name = name;
  }

  /** Adds tracks that are made on the spot: a picture that changes ten times a second, and a tone. */
  async send({ audio = false, video, direction = 'sendonly', rids = [], noise = false, beat = false }: SentTracks): Promise<void> {
    await this.#page.evaluate(
      ([name, withAudio, width, way, layers, isNoisy, hasBeat]) => {
        const peer = window.peers.get(name);
        const stream = new MediaStream();
        if (withAudio) {
          const context = new AudioContext();
          const tone = new OscillatorNode(context, { frequency: 440 });
          const destination = new MediaStreamAudioDestinationNode(context);
          const gain = new GainNode(context, { gain: hasBeat ? 0 : 1 });
          tone.connect(gain).connect(destination);
          if (hasBeat) {
            setInterval(() => {
              gain.gain.value = performance.now() % 1_000 < 200 ? 1 : 0;
            }, 10);
          }
          tone.start();
          for (const track of destination.stream.getTracks()) stream.addTrack(track);
        }
        if (width !== null) {
          const canvas = document.createElement('canvas');
          canvas.width = width;
          canvas.height = (width * 9) / 16;
          window.canvases.set(name, canvas);
          const context = canvas.getContext('2d');
          let count = 0;
          setInterval(
            () => {
              count += 1;
              if (context === null) return;
              context.fillStyle = 'green';
              context.fillRect(0, 0, canvas.width, canvas.height);
              context.fillStyle = 'white';
              context.fillRect((count * 7) % canvas.width, 20, 20, 20);
              if (hasBeat) {
                context.fillStyle = performance.now() % 1_000 < 200 ? 'white' : 'black';
                context.fillRect(0, 0, canvas.width, canvas.height);
              }
              if (!isNoisy) return;
              const image = context.createImageData(canvas.width, canvas.height);
              new Uint32Array(image.data.buffer).forEach((_, index, pixels) => {
                pixels[index] = Math.random() * 2 ** 32;
              });
              context.putImageData(image, 0, 0);
            },
            hasBeat ? 20 : 100,
          );
          for (const track of canvas.captureStream(hasBeat ? 25 : 10).getTracks()) stream.addTrack(track);
        }
        for (const track of stream.getTracks()) {
          const sendEncodings =
            track.kind === 'video' && layers.length > 0
              ? {
                  sendEncodings: layers.map((rid, index) => ({
                    rid,
                    scaleResolutionDownBy: 2 ** (layers.length - 1 - index),
                    maxBitrate: 60_000 * 8 ** index,
                  })),
                }
              : {};
          peer?.addTransceiver(track, { direction: way, streams: [stream], ...sendEncodings });
        }
        window.streams.set(name, stream);
      },
      [this.#name, audio, video ?? null, direction, [...rids], noise, beat] as const,
    );
  }

  /** Sends a picture of another width from now on, and does not scale it down on a slow line. */
  async resize(width: number): Promise<void> {
    await this.#page.evaluate(
      async ([name, wanted]) => {
        const canvas = window.canvases.get(name);
        if (canvas === undefined) return;
        for (const sender of window.peers.get(name)?.getSenders() ?? []) {
          if (sender.track?.kind !== 'video') continue;
          await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
        }
        canvas.width = wanted;
        canvas.height = (wanted * 9) / 16;
      },
      [this.#name, width] as const,
    );
  }

  /** Sends nothing of one or of both kinds any more; the connection stays. */
  async fallSilent(...kinds: readonly ('audio' | 'video')[]): Promise<void> {
    await this.#page.evaluate(
      async ([name, silenced]) => {
        const senders = window.peers.get(name)?.getSenders() ?? [];
        await Promise.all(
          senders.filter(({ track }) => silenced.some((kind) => kind === track?.kind)).map((sender) => sender.replaceTrack(null)),
        );
      },
      [this.#name, [...kinds]] as const,
    );
  }

  /** Stops one layer of what is sent, or lets it go on. */
  async setLayerActive(rid: string, isActive: boolean): Promise<void> {
    await this.#page.evaluate(
      async ([name, layer, active]) => {
        for (const sender of window.peers.get(name)?.getSenders() ?? []) {
          const parameters = sender.getParameters();
          const encoding = parameters.encodings.find((one) => one.rid === layer);
          if (encoding === undefined) continue;
          encoding.active = active;
          await sender.setParameters(parameters);
        }
      },
      [this.#name, rid, isActive] as const,
    );
  }

  /** Adds sections in which nothing is sent. */
  async receive(...kinds: readonly ('audio' | 'video')[]): Promise<void> {
    await this.#page.evaluate(
      ([name, wanted]) => {
        for (const kind of wanted) window.peers.get(name)?.addTransceiver(kind, { direction: 'recvonly' });
      },
      [this.#name, [...kinds]] as const,
    );
  }

  /** Lets all sections of later offers have these codecs only, which keeps a description with many sections short. */
  async prefer(...codecs: readonly string[]): Promise<void> {
    await this.#page.evaluate(
      ([name, wanted]) => {
        for (const transceiver of window.peers.get(name)?.getTransceivers() ?? []) {
          const { codecs: all = [] } = RTCRtpReceiver.getCapabilities(transceiver.receiver.track.kind) ?? {};
          transceiver.setCodecPreferences(all.filter(({ mimeType }) => wanted.includes(mimeType.split('/')[1] ?? '')));
        }
      },
      [this.#name, [...codecs]] as const,
    );
  }

  /** Makes an offer and sets it, without waiting for candidates. @param edit changes it before it is set. */
  async offer(options: RTCOfferOptions = {}, edit: (sdp: string) => string = (sdp) => sdp): Promise<string> {
    const sdp = await this.#page.evaluate(
      async ([name, how]) => {
        const { sdp: text = '' } = (await window.peers.get(name)?.createOffer(how)) ?? {};
        return text;
      },
      [this.#name, options] as const,
    );
    const edited = edit(sdp);
    await this.#page.evaluate(([name, text]) => window.peers.get(name)?.setLocalDescription({ type: 'offer', sdp: text }), [
      this.#name,
      edited,
    ] as const);
    return edited;
  }

  async take(sdp: string): Promise<void> {
    await this.#page.evaluate(([name, text]) => window.peers.get(name)?.setRemoteDescription({ type: 'answer', sdp: text }), [
      this.#name,
      sdp,
    ] as const);
  }

  /** Answers an offer. */
  async answer(sdp: string): Promise<string> {
    return this.#page.evaluate(
      async ([name, text]) => {
        const peer = window.peers.get(name);
        await peer?.setRemoteDescription({ type: 'offer', sdp: text });
        await peer?.setLocalDescription();
        return peer?.localDescription?.sdp ?? '';
      },
      [this.#name, sdp] as const,
    );
  }

  async state(): Promise<string> {
    return this.#page.evaluate((name) => window.peers.get(name)?.connectionState ?? '', this.#name);
  }

  async connected(): Promise<void> {
    await eventually('the connection is up', async () => (await this.state()) === 'connected');
  }

  /** What has arrived in the section with this mid. */
  async received(mid: string): Promise<Received> {
    return this.#page.evaluate(
      async ([name, section]) => {
        // Not the receiver's own statistics: they do not follow a stream that takes the place of another without being announced.
        const all = [...((await window.peers.get(name)?.getStats()) ?? new Map<string, unknown>()).values()] as Record<string, unknown>[];
        const inbound = all.filter((one) => one.type === 'inbound-rtp' && one.mid === section);
        const sum = (key: string) => inbound.reduce((total, one) => total + Number(one[key] ?? 0), 0);
        const codec = all.find(({ id }) => inbound.some(({ codecId }) => codecId === id));
        return {
          framesDecoded: sum('framesDecoded'),
          audioPackets: inbound.filter(({ kind }) => kind === 'audio').reduce((total, one) => total + Number(one.packetsReceived ?? 0), 0),
          payloadType: codec === undefined ? undefined : Number(codec.payloadType),
          width: Math.max(0, ...inbound.map(({ frameWidth }) => Number(frameWidth ?? 0))),
        };
      },
      [this.#name, mid] as const,
    );
  }

  /** Waits until more has arrived in this section than before. */
  async seesMore(mid: string): Promise<void> {
    const before = await this.received(mid);
    await eventually(
      `something new arrives in section ${mid}`,
      async () => {
        const now = await this.received(mid);
        return now.framesDecoded > before.framesDecoded + 3 || now.audioPackets > before.audioPackets + 20;
      },
      15_000,
    );
  }

  /** Ids of the streams to which the receivers' tracks belong, by mid. */
  async streamIds(): Promise<Record<string, string[]>> {
    return this.#page.evaluate((name) => {
      const sdp = window.peers.get(name)?.remoteDescription?.sdp ?? '';
      const sections = sdp.split(/^m=/mu).slice(1);
      return Object.fromEntries(
        sections.map((section) => [
          /^a=mid:(.*)$/mu.exec(section)?.[1]?.trim() ?? '',
          [...section.matchAll(/^a=msid:(\S+)/gmu)].map((match) => match[1] ?? ''),
        ]),
      );
    }, this.#name);
  }

  async close(): Promise<void> {
    await this.#page.evaluate((name) => {
      window.peers.get(name)?.close();
      for (const track of window.streams.get(name)?.getTracks() ?? []) track.stop();
    }, this.#name);
  }
}
