/** The packages of the older generations do not say where their types are. */
declare module 'socket.io-client-2' {
  const io: (url: string, options: object) => unknown;
  export default io;
}
declare module 'socket.io-client-3' {
  export const io: (url: string, options: object) => unknown;
}
