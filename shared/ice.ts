import { z } from 'zod';

/** One entry of `RTCConfiguration.iceServers` (W3C WebRTC 1.0, section 4.2.2). */
const IceServerSchema = z.object({
  urls: z.array(z.string()).min(1),
  username: z.string().exactOptional(),
  credential: z.string().exactOptional(),
});
export type IceServer = z.infer<typeof IceServerSchema>;

/**
 * What the servers are for: `p2p` for two browsers that must find a way to each other (STUN and TURN), `sfu` for a browser
 * that talks to the media node, which has a public address (STUN only, unless the operator says otherwise).
 */
export const IcePolicySchema = z.enum(['p2p', 'sfu']);
export type IcePolicy = z.infer<typeof IcePolicySchema>;

export const IceServersSchema = z.object({
  iceServers: z.array(IceServerSchema),
  /** Seconds for which the credentials are valid. */
  ttl: z.number().int().positive(),
});
export type IceServers = z.infer<typeof IceServersSchema>;

/** Parameters of the media node's side of a connection, as mediasoup gives them out. */
export const IceParametersSchema = z.object({
  usernameFragment: z.string(),
  password: z.string(),
  iceLite: z.boolean().exactOptional(),
});

export const IceCandidateSchema = z.object({
  foundation: z.string(),
  priority: z.number(),
  ip: z.string(),
  address: z.string(),
  protocol: z.enum(['udp', 'tcp']),
  port: z.number().int(),
  type: z.literal('host'),
  tcpType: z.literal('passive').exactOptional(),
});
