/** What the page's address says, and the address that invites others. */
export interface Address {
  readonly room: string;
  readonly token: string | undefined;
}

export function readAddress(): Address {
  const query = new URLSearchParams(location.search);
  return { room: query.get('room')?.trim() ?? '', token: query.get('token') ?? undefined };
}

/** The link to a room. It never carries the token: that is the right of one person. */
export function invitationTo(room: string): string {
  const url = new URL(location.pathname, location.origin);
  url.searchParams.set('room', room);
  return url.href;
}

/** Puts the room into the address, so that a reload and a bookmark lead back to it. */
export function showRoomInAddress(room: string): void {
  const url = new URL(location.href);
  url.searchParams.set('room', room);
  history.replaceState(null, '', url);
}
