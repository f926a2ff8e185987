/** The data ended before what was to be read from it. */
export class EndOfBits extends Error {
  override readonly name = 'EndOfBits';
}

/** Reads numbers of any length in bits, the most significant one first. */
export class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws EndOfBits */
  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new EndOfBits();
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at += 1;
    return bit;
  }

  flag(): boolean {
    return this.bit() === 1;
  }

  /** An unsigned number of up to 32 bits. */
  number(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i += 1) value = value * 2 + this.bit();
    return value;
  }

  skip(bits: number): void {
    for (let i = 0; i < bits; i += 1) this.bit();
  }

  /** Exponential Golomb code, unsigned (H.264, section 9.1); also AV1's `uvlc`. */
  golomb(): number {
    let zeros = 0;
    while (!this.flag()) {
      zeros += 1;
      if (zeros > 32) throw new EndOfBits();
    }
    return 2 ** zeros - 1 + this.number(zeros);
  }

  signedGolomb(): number {
    const code = this.golomb();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}
