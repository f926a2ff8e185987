/** An older protoo-client, under the name of its alias in package.json; it has the same parts as the current one. */
declare module 'protoo-client-4.0.5' {
  export { Peer, WebSocketTransport } from 'protoo-client';
}
