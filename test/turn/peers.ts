/** What happens inside a browser page: peer connections that may use nothing but a relay. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import type { IceServer } from '../../shared/ice.ts';
import { launchBrowser } from '../e2e/browser.ts';

declare global {
  interface Window {
    /** The page's one peer connection. */
    peer: RTCPeerConnection;
  }
}

/** A browser and an empty page's address; cameras are for pages with a secure origin only, which loopback is. */
export class Pages {
  readonly #browser: Browser;
  readonly #server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Pages> {
    const pages = new Pages(await launchBrowser());
    await once(pages.#server.listen(0, '127.0.0.1'), 'listening');
    return pages;
  }

  async page(): Promise<Page> {
    const page = await this.#browser.newPage();
    await page.goto(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Opens the page's peer connection, sending camera and microphone. */
export function openPeer(page: Page, iceServers: readonly IceServer[]): Promise<void> {
  return page.evaluate(
    async (servers) => {
      window.peer = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: 'relay' });
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
      for (const track of stream.getTracks()) window.peer.addTrack(track, stream);
    },
    [...iceServers],
  );
}

/** Sets a description and gives back the local one, with all its candidates in it. */
export function negotiate(page: Page, remote?: string): Promise<string> {
  return page.evaluate(async (received) => {
    const gathered = new Promise<void>((resolve) => {
      window.peer.addEventListener('icegatheringstatechange', () => {
        if (window.peer.iceGatheringState === 'complete') resolve();
      });
    });
    if (received !== undefined) await window.peer.setRemoteDescription({ type: 'offer', sdp: received });
    await window.peer.setLocalDescription();
    await gathered;
    return window.peer.localDescription?.sdp ?? '';
  }, remote);
}

export function acceptAnswer(page: Page, sdp: string): Promise<void> {
  return page.evaluate((answer) => window.peer.setRemoteDescription({ type: 'answer', sdp: answer }), sdp);
}

export interface Received {
  readonly framesDecoded: number;
  readonly audioPackets: number;
  /** Types of the two ends of the path that media takes. */
  readonly path: readonly string[];
}

interface Stat {
  readonly type: string;
  readonly kind?: string;
  readonly [name: string]: unknown;
}

/** What has arrived so far, and which way it takes. */
export function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const stats = [...((await window.peer.getStats()) as unknown as Map<string, Stat>).values()];
    const inbound = (kind: string) => stats.find((stat) => stat.type === 'inbound-rtp' && stat.kind === kind);
    const transport = stats.find((stat) => stat.type === 'transport');
    const pair = stats.find((stat) => stat.id === transport?.selectedCandidatePairId);
    const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => stats.find((stat) => stat.id === id));
    return {
      framesDecoded: Number(inbound('video')?.framesDecoded ?? 0),
      audioPackets: Number(inbound('audio')?.packetsReceived ?? 0),
      path: ends.map((end) => String(end?.candidateType)),
    };
  });
}

export interface Gathered {
  readonly candidateTypes: readonly string[];
  /** STUN error codes (RFC 8489) with which servers refused. */
  readonly refusals: readonly number[];
}

/** Asks the servers for candidates, without a call. */
export function gather(page: Page, iceServers: readonly IceServer[]): Promise<Gathered> {
  return page.evaluate(
    async (servers) => {
      const peer = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: 'relay' });
      const candidateTypes: string[] = [];
      const refusals: number[] = [];
      peer.addEventListener('icecandidateerror', (event) => refusals.push(event.errorCode));
      const gathered = new Promise<void>((resolve) => {
        peer.addEventListener('icecandidate', ({ candidate }) => {
          if (candidate === null) resolve();
          else candidateTypes.push(String(candidate.type));
        });
      });
      peer.createDataChannel('any');
      await peer.setLocalDescription();
      await gathered;
      peer.close();
      return { candidateTypes, refusals };
    },
    [...iceServers],
  );
}
