export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** How pictures of one codec travel in RTP. The functions take what a client sent, which may be nonsense: they may throw RangeError or EndOfBits. */
export interface VideoFormat {
  /** Name of the codec in IVF files. */
  readonly fourcc: string;
  /** The size of the picture that begins in this payload, where it is a key frame that tells it: the largest of its spatial layers. */
  pictureSize(payload: Buffer): PictureSize | undefined;
  /** The payloads of one picture, in order, as a decoder takes them. */
  frames(payloads: readonly Buffer[]): Buffer[];
}
