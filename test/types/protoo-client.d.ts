/** The parts of protoo-client (which ships no types) that tests use. */
declare module 'protoo-client' {
  export interface Notification {
    readonly method: string;
    readonly data: unknown;
  }
  export class WebSocketTransport {
    constructor(url: string, options?: { retry?: { retries: number; minTimeout?: number }; requestOptions?: { agent: object } });
    close(): void;
  }
  export class Peer {
    constructor(transport: WebSocketTransport);
    readonly connected: boolean;
    readonly closed: boolean;
    on(event: 'notification', listener: (notification: Notification) => void): this;
    on(event: 'open' | 'close' | 'disconnected', listener: () => void): this;
    on(event: 'failed', listener: (attempt: number) => void): this;
    notify(method: string, data?: object): Promise<void>;
    request(method: string, data?: object): Promise<unknown>;
    close(): void;
  }
}
