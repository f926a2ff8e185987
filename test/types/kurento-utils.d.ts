/** The parts of kurento-utils (which ships no types) that tests use: the same in all versions. The names are those of the aliases in package.json. */
declare module 'kurento-utils-7.3' {
  export interface WebRtcPeer {
    readonly peerConnection: RTCPeerConnection;
    generateOffer(callback: (error: Error | null, sdp: string) => void): void;
    processAnswer(sdp: string, callback: (error?: Error | null) => void): void;
    addIceCandidate(candidate: RTCIceCandidateInit, callback: (error?: Error | null) => void): void;
    dispose(): void;
  }
  export interface PeerOptions {
    readonly localVideo?: HTMLVideoElement;
    readonly remoteVideo?: HTMLVideoElement;
    readonly mediaConstraints?: MediaStreamConstraints;
    readonly configuration?: RTCConfiguration;
    readonly onicecandidate: (candidate: RTCIceCandidate) => void;
  }
  export type PeerClass = new (options: PeerOptions, ready: (error?: Error | null) => void) => WebRtcPeer;
  export interface KurentoUtils {
    readonly WebRtcPeer: { readonly WebRtcPeerSendonly: PeerClass; readonly WebRtcPeerRecvonly: PeerClass };
  }
  const kurentoUtils: KurentoUtils;
  export default kurentoUtils;
}
declare module 'kurento-utils-6.16' {
  export { default } from 'kurento-utils-7.3';
}
