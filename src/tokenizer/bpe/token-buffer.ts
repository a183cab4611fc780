/** Tokens that are appended to a typed array that grows: the output of encoding, without an object for a token. */

const INITIAL_CAPACITY = 1024;

export class TokenBuffer {
  /** The tokens are the first `length` elements; replaced when it grows. */
  tokens: Uint32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = INITIAL_CAPACITY) {
    this.tokens = new Uint32Array(capacity);
  }

  /** Makes room for `extra` more tokens. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.tokens.length) return;
    const grown = new Uint32Array(Math.max(needed, 2 * this.tokens.length));
    grown.set(this.tokens.subarray(0, this.length));
    this.tokens = grown;
  }

  /** Appends the first `count` of `source`. */
  append(source: Uint32Array, count: number): void {
    this.reserve(count);
    this.tokens.set(source.subarray(0, count), this.length);
    this.length += count;
  }

  push(token: number): void {
    this.reserve(1);
    this.tokens[this.length++] = token;
  }

  /** A copy of the tokens. */
  toArray(): Uint32Array<ArrayBuffer> {
    return this.tokens.slice(0, this.length);
  }
}
