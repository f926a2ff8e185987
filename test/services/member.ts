import { once } from 'node:events';
import { resolve } from 'node:path';
import { WebSocket } from 'ws';
import { Edge } from '../harness/edge.ts';
import { freePort } from '../harness/ports.ts';
import type { NewRecording, OpenRecording, RecordingRemarks } from '../../worker/protocols/services.ts';

/** A table of protocols with the probe in it. */
export const PROBE = resolve(import.meta.dirname, 'probe/protocols.ts');

/** A real edge whose table of protocols has the probe beside the real ones. */
export async function startProbedEdge(settings: Readonly<Record<string, string>> = {}, mediaNodeUrl = 'http://127.0.0.1:1'): Promise<Edge> {
  return Edge.start({ port: await freePort(), mediaNodeUrl, settings, protocols: PROBE });
}

/** Somebody in a room, in whose name a test uses the room's services. */
export class Member {
  readonly #socket: WebSocket;
  readonly #origin: string;
  #calls = 0;

  private constructor(socket: WebSocket, origin: string) {
    this.#socket = socket;
    this.#origin = origin;
  }

  /** @param place `tenant/room/participant`; @param query such as `name=Ada&direct`. */
  static async join({ url }: { url: string }, place: string, query = ''): Promise<Member> {
    const socket = new WebSocket(`${url.replace(/^http/u, 'ws')}/probe/${place}?${query}`);
    await once(socket, 'message');
    return new Member(socket, url);
  }

  /** The address to which members of the room upload files. */
  async fileUploadUrl(): Promise<string> {
    const { uploadUrl } = (await this.#call('files', 'grant', [this.#origin])) as { uploadUrl: string };
    return uploadUrl;
  }

  startRecording(recording: NewRecording): Promise<OpenRecording> {
    return this.#call('recordings', 'start', [recording, this.#origin]) as Promise<OpenRecording>;
  }

  stopRecording(id: string, remarks: RecordingRemarks = {}): Promise<boolean> {
    return this.#call('recordings', 'stop', [id, remarks]) as Promise<boolean>;
  }

  async usage(call: 'callStarted' | 'callEnded', participant: string): Promise<void> {
    await this.#call('usage', call, [participant]);
  }

  /** Does something that the room itself can do. */
  async room(call: string, ...values: readonly unknown[]): Promise<void> {
    await this.#call('room', call, values);
  }

  /** Ends the room, for everybody. */
  async endRoom(): Promise<void> {
    const closed = once(this.#socket, 'close');
    void this.#call('room', 'end', []);
    await closed;
  }

  /** Leaves the room. */
  async leave(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  /** Is gone without a word. */
  vanish(): void {
    this.#socket.terminate();
  }

  async #call(service: string, call: string, values: readonly unknown[]): Promise<unknown> {
    const id = (this.#calls += 1);
    const answered = new Promise<unknown>((settle) => {
      const listen = (data: unknown): void => {
        const answer = JSON.parse(String(data)) as { id: number; result: unknown };
        if (answer.id !== id) return;
        this.#socket.off('message', listen);
        settle(answer.result);
      };
      this.#socket.on('message', listen);
    });
    this.#socket.send(JSON.stringify({ id, service, call, with: values }));
    return answered;
  }
}
