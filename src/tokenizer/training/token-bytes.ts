/** The bytes of the tokens that training has made so far, and their order: that of byte strings. No objects for a token. */

/** Bytes that a number holds exactly: tokens are first compared by these. */
const PREFIX_BYTES = 6;

export class TokenBytes {
  private bytes = new Uint8Array(1 << 12);
  private readonly offsets: Uint32Array;
  private readonly prefixes: Float64Array;
  private count = 0;

  /** The 256 bytes in their order, and room for more tokens, `capacity` in all. */
  constructor(capacity: number) {
    this.offsets = new Uint32Array(capacity + 1);
    this.prefixes = new Float64Array(capacity);
    for (let byte = 0; byte < 256; byte++) {
      this.bytes[byte] = byte;
      this.end(byte + 1);
    }
  }

  lengthOf(token: number): number {
    return this.offsets[token + 1] - this.offsets[token];
  }

  /** The tokens behind the 256 bytes, end to end. */
  get madeBytes(): Uint8Array {
    return this.bytes.subarray(256, this.offsets[this.count]);
  }

  /** Adds the token of two tokens end to end and returns its number; numbers count from 0. */
  join(left: number, right: number): number {
    const { offsets } = this;
    const start = offsets[this.count];
    const leftLength = offsets[left + 1] - offsets[left];
    const rightLength = offsets[right + 1] - offsets[right];
    const end = start + leftLength + rightLength;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.copyWithin(start, offsets[left], offsets[left + 1]);
    this.bytes.copyWithin(start + leftLength, offsets[right], offsets[right + 1]);
    return this.end(end);
  }

  /** Negative, zero or positive as token `a` is less than, equal to or greater than `b`. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const difference = this.prefixes[a] - this.prefixes[b];
    return difference === 0 ? this.compareBytes(a, b) : difference;
  }

  private compareBytes(a: number, b: number): number {
    const { bytes, offsets } = this;
    const lengthA = offsets[a + 1] - offsets[a];
    const lengthB = offsets[b + 1] - offsets[b];
    const shared = Math.min(lengthA, lengthB);
    for (let index = 0; index < shared; index++) {
      const difference = bytes[offsets[a] + index] - bytes[offsets[b] + index];
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  /** Ends the token whose bytes are written up to `end`. */
  private end(end: number): number {
    const token = this.count++;
    this.offsets[token + 1] = end;
    const start = this.offsets[token];
    let prefix = 0;
    for (let index = 0; index < PREFIX_BYTES; index++) {
      prefix = prefix * 256 + (start + index < end ? this.bytes[start + index] : 0);
    }
    this.prefixes[token] = prefix;
    return token;
  }
}
