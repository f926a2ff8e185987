/** The media node's port for UDP in a description. */
export function udpPortIn(sdp: string): number {
  const [, port] = /^a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host/imu.exec(sdp) ?? [];
  return Number(port);
}

/** The description with a line's port in place of the media node's, and no other way to it. */
export function byWayOf(port: number, sdp: string): string {
  return sdp.replace(/^a=candidate:\S+ 1 tcp .*\r?\n/gimu, '').replace(/^(a=candidate:\S+ 1 udp \d+ \S+ )\d+/gimu, `$1${port}`);
}

/** The description as it would be for a client that gets through by TCP only. */
export function withoutUdp(sdp: string): string {
  return sdp.replace(/^a=candidate:\S+ 1 udp .*\r?\n/gimu, '');
}
