/** `/socket.io/…` for every protocol, or `/<protocol>/socket.io/…` for operators who prefer to say which. */
const PATH_PATTERN = /^(?:\/([a-z][a-z-]*))?\/socket\.io(?:\/|$)/u;

export function isSocketIoPath(pathname: string): boolean {
  return PATH_PATTERN.test(pathname);
}

/** The protocol that a path names; `undefined` where it leaves that to the first event. */
export function entranceNameIn(pathname: string): string | undefined {
  return PATH_PATTERN.exec(pathname)?.[1];
}
