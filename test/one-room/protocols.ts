/** In the order in which tables show them. */
export const PROTOCOLS = ['mediasoup-http', 'group-call', 'wcs', 'owt', 'knowledgetalk'] as const;
export type Protocol = (typeof PROTOCOLS)[number];
