/** The files of the client library are bundled as text. */
declare module '*/dist/socket.io.js' {
  const text: string;
  export default text;
}
declare module '*/dist/socket.io.min.js' {
  const text: string;
  export default text;
}
declare module '*.js.map' {
  const text: string;
  export default text;
}
