/** protoo-client 4 is published without types; these are the parts of it that the page uses. */
declare module 'protoo-client' {
  export interface TransportOptions {
    /** Handed to the socket class as its last argument. */
    readonly clientConfig?: unknown;
  }

  export class WebSocketTransport {
    constructor(url: string, options?: TransportOptions);
    get closed(): boolean;
  }

  export class Peer {
    constructor(transport: WebSocketTransport);
    get connected(): boolean;
    close(): void;
    /** @throws Error when the socket is not open. */
    notify(method: string, data?: object): Promise<void>;
    on(event: 'open' | 'disconnected' | 'close', listener: () => void): this;
    on(event: 'failed', listener: (attempt: number) => void): this;
    on(event: 'notification', listener: (notification: unknown) => void): this;
  }
}
