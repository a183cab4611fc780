/**
 * Counts 64-bit keys, each given as two 32-bit halves, by open addressing in typed arrays that are reused.
 *
 * Invariant: between `reset` and the next one at most `capacity` keys are added, so that a free slot always exists.
 */

/** Slots up to which the arrays are kept when fewer are needed. */
const RETAINED_SLOTS = 1 << 21;

export class KeyTable {
  private low = new Uint32Array(1024);
  private high = new Uint32Array(1024);
  private counts = new Uint32Array(1024);
  private mask = 1023;

  /** Empties the table and makes room for `capacity` different keys. The cost is linear in `capacity`. */
  reset(capacity: number): void {
    let size = 16;
    while (size < capacity * 2) size *= 2;
    const isTooLarge = this.low.length > RETAINED_SLOTS && size <= RETAINED_SLOTS;
    if (size > this.low.length || isTooLarge) {
      this.low = new Uint32Array(size);
      this.high = new Uint32Array(size);
      this.counts = new Uint32Array(size);
    } else {
      this.counts.fill(0, 0, size);
    }
    this.mask = size - 1;
  }

  /** Adds a key and returns how often it has been added since `reset`. */
  add(low: number, high: number): number {
    const slot = this.slotOf(low, high);
    this.low[slot] = low;
    this.high[slot] = high;
    return ++this.counts[slot];
  }

  /** How often a key has been added since `reset`. */
  countOf(low: number, high: number): number {
    return this.counts[this.slotOf(low, high)];
  }

  /** The key's slot, or the free one that it would take. */
  private slotOf(low: number, high: number): number {
    const lowKey = low >>> 0;
    const highKey = high >>> 0;
    let slot = mix(lowKey ^ Math.imul(highKey, 0x9e3779b1)) & this.mask;
    while (this.counts[slot] !== 0 && (this.low[slot] !== lowKey || this.high[slot] !== highKey)) {
      slot = (slot + 1) & this.mask;
    }
    return slot;
  }
}

/** Finaliser of MurmurHash3 (Appleby): every bit of the input changes every bit of the output with chance 1/2. */
export function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
