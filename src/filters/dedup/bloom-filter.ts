/**
 * A split block Bloom filter, as Parquet has it (Apple, Putze, Sanders and Singler 2009, "Cache-, hash- and
 * space-efficient Bloom filters"): a key sets one bit in each of the 8 words of one block of 256 bits, so a look
 * touches one cache line. Keys are uniform 64-bit hashes in two halves: the high one chooses the block, the low one the bits.
 *
 * `has` is never wrong when it says no. When it says yes, it is wrong with a probability of about 1.1% at 10 bits a key,
 * 0.4% at 12, 0.1% at 16; `falsePositiveRate` computes it for the filter as it is.
 */

const WORDS = 8;
const BLOCK_BITS = WORDS * 32;
const BLOCK_BYTES = WORDS * 4;
/** Odd constants of the Parquet specification, one a word. */
const SALTS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

export class BloomFilter {
  readonly bytes: number;
  /** Keys that were added, the same one again included. */
  added = 0;
  private readonly blocks: number;
  private readonly words: Int32Array;

  /** @param bytes rounded down to whole blocks, at least one */
  constructor(bytes: number) {
    this.blocks = Math.max(1, Math.floor(bytes / BLOCK_BYTES));
    this.bytes = this.blocks * BLOCK_BYTES;
    this.words = new Int32Array(this.blocks * WORDS);
  }

  /** A filter for `keys` keys at a false-positive rate of at most `rate`, or of `maximumBytes` where that is less. */
  static forKeys(keys: number, rate: number, maximumBytes = Infinity): BloomFilter {
    let bits = 6;
    while (bits < 64 && expectedRate(bits) > rate) bits += 0.5;
    return new BloomFilter(Math.min(maximumBytes, Math.ceil((Math.max(1, keys) * bits) / 8)));
  }

  add(low: number, high: number): void {
    const { words } = this;
    const start = this.blockOf(high);
    for (let i = 0; i < WORDS; i++) words[start + i] |= 1 << (Math.imul(low, SALTS[i]) >>> 27);
    this.added += 1;
  }

  has(low: number, high: number): boolean {
    const { words } = this;
    const start = this.blockOf(high);
    for (let i = 0; i < WORDS; i++) {
      if ((words[start + i] & (1 << (Math.imul(low, SALTS[i]) >>> 27))) === 0) return false;
    }
    return true;
  }

  /** Chance that `has` says yes to a key that was not added, were all added keys different. */
  falsePositiveRate(): number {
    return expectedRate((this.blocks * BLOCK_BITS) / this.added);
  }

  private blockOf(high: number): number {
    return Math.floor(((high >>> 0) / 0x1_0000_0000) * this.blocks) * WORDS;
  }
}

/**
 * False-positive rate at a load of so many bits a key: the number of keys in a block is Poisson distributed, and a
 * block of n keys has each of the 8 bits of another key set with probability 1 - (31/32)^n.
 */
function expectedRate(bits: number): number {
  const mean = BLOCK_BITS / bits;
  let probability = Math.exp(-mean);
  let rate = 0;
  const last = mean + 12 * Math.sqrt(mean) + 12;
  for (let keys = 1; keys <= last; keys++) {
    probability *= mean / keys;
    rate += probability * (1 - (31 / 32) ** keys) ** WORDS;
  }
  return rate;
}
