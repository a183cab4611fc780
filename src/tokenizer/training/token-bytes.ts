/** The bytes of the tokens that training has made so far, and their order: that of byte strings. */

/** Bytes that a number holds exactly: tokens are first compared by these. */
const PREFIX_BYTES = 6;

export class TokenBytes {
  private bytes = new Uint8Array(1 << 12);
  private offsets = new Uint32Array(1);
  private prefixes = new Float64Array(0);
  private count = 0;

  /** Room for `capacity` tokens. */
  constructor(capacity: number) {
    this.offsets = new Uint32Array(capacity + 1);
    this.prefixes = new Float64Array(capacity);
  }

  get(token: number): Uint8Array {
    return this.bytes.subarray(this.offsets[token], this.offsets[token + 1]);
  }

  /** Adds the token of these parts end to end and returns its number; numbers count from 0. */
  add(...parts: readonly Uint8Array[]): number {
    const token = this.count++;
    let end = this.offsets[token];
    for (const part of parts) {
      if (end + part.length > this.bytes.length) {
        const grown = new Uint8Array(2 * (end + part.length));
        grown.set(this.bytes.subarray(0, end));
        this.bytes = grown;
      }
      this.bytes.set(part, end);
      end += part.length;
    }
    this.offsets[token + 1] = end;
    const bytes = this.get(token);
    let prefix = 0;
    for (let index = 0; index < PREFIX_BYTES; index++) prefix = prefix * 256 + (bytes[index] ?? 0);
    this.prefixes[token] = prefix;
    return token;
  }

  /** Negative, zero or positive as token `a` is less than, equal to or greater than `b`. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const difference = this.prefixes[a] - this.prefixes[b];
    return difference === 0 ? Buffer.compare(this.get(a), this.get(b)) : difference;
  }
}
