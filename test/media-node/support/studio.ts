import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Peer, PeerBrowser } from '../sdp/support/peer.ts';
import type { Client } from './client.ts';
import type { Edge } from './edge.ts';
import { freshRoom, startTestNode, type TestNode } from './node.ts';

/** Where tests film: a media node and a Chromium for all tests of a file, and for each test a room of its own. */
export class Studio {
  #node: TestNode | undefined;
  #chromium: PeerBrowser | undefined;
  #peers: Peer[] = [];
  /** Of the room. */
  path = freshRoom();

  /** Opens one before the first test of the file, and closes it behind the last: by then the media node has told the edge no nonsense. */
  static forThisFile(): Studio {
    const studio = new Studio();
    beforeAll(async () => {
      [studio.#node, studio.#chromium] = await Promise.all([startTestNode(), PeerBrowser.chromium()]);
    });
    beforeEach(async () => {
      studio.path = freshRoom();
      studio.#peers = [];
      await studio.client.call('openRoom', { path: studio.path });
    });
    afterEach(async () => {
      for (const peer of studio.#peers) await peer.close();
    });
    afterAll(async () => {
      await studio.#chromium?.close();
      expect(studio.edge.faults).toEqual([]);
      await studio.#opened.close();
    });
    return studio;
  }

  get client(): Client {
    return this.#opened.client;
  }

  get edge(): Edge {
    return this.#opened.edge;
  }

  /** A PeerConnection in the browser, until the end of the test. */
  async newPeer(): Promise<Peer> {
    if (!this.#chromium) throw new Error('there is no browser before the first test');
    const peer = await this.#chromium.peer();
    this.#peers.push(peer);
    return peer;
  }

  get #opened(): TestNode {
    if (!this.#node) throw new Error('there is no media node before the first test');
    return this.#node;
  }
}
