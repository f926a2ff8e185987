import type { MediaKind } from '../../shared/rtp.ts';
import type { RtpPacket } from '../rtp/packet.ts';
import type { SenderReport } from '../rtp/stream-clock.ts';

/** A producer, as a recording sees it. */
export interface Source {
  readonly kind: MediaKind;
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels: number;
  /** Begins to listen. Video begins with a key frame. */
  open(onPacket: (packet: RtpPacket) => void, onReport: (report: SenderReport) => void): Promise<Flow>;
}

export interface Flow {
  /** Video only. */
  requestKeyFrame(): void;
  close(): void;
}
