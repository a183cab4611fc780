/**
 * MT19937 (Matsumoto and Nishimura 1998) as NumPy's `RandomState(seed)` seeds and uses it, as far as datatrove needs it:
 * bounded 64-bit integers. For compatibility only; everything else draws from `core/random.ts`.
 */

const SIZE = 624;
const SHIFT = 397;

export class MersenneTwister {
  private readonly state = new Uint32Array(SIZE);
  private index = SIZE;

  /** @param seed 32 bits */
  constructor(seed: number) {
    const { state } = this;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      state[i] = Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1812433253) + i;
    }
  }

  private uint32(): number {
    if (this.index === SIZE) this.refill();
    let y = this.state[this.index++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /**
   * What `randint(low, high, dtype=uint64)` draws: 64 bits, the first 32 of them the high ones, masked to the width of
   * the range and drawn again until they are in it. `high` is excluded; the range is above 2^32.
   */
  randint(low: bigint, high: bigint): bigint {
    const largest = high - 1n - low;
    const mask = (1n << BigInt(largest.toString(2).length)) - 1n;
    for (;;) {
      const first = BigInt(this.uint32());
      const value = ((first << 32n) | BigInt(this.uint32())) & mask;
      if (value <= largest) return low + value;
    }
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ ((y & 1) * 0x9908b0df);
    }
    this.index = 0;
  }
}
