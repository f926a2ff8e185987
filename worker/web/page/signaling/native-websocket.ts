/**
 * Stands in for the package `websocket`, which protoo-client uses to reach the browser's own WebSocket. protoo-client keeps the code
 * and the reason of a close to itself, and a person should learn the reason; its option `clientConfig` ends up here and carries a listener.
 */
export interface CloseListener {
  readonly closed: (event: CloseEvent) => void;
}

/** The browser's WebSocket with the arguments of the class of that name in the package `websocket`. */
export class w3cwebsocket extends WebSocket {
  constructor(url: string, protocol: string, _origin: unknown, _headers: unknown, _requestOptions: unknown, listener?: CloseListener) {
    super(url, protocol);
    if (listener) this.addEventListener('close', listener.closed);
  }
}
