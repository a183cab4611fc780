/** Numbers words, so that equal words have equal numbers. Equality of words is that of their 64-bit hashes. */

export class WordNumbers {
  count = 0;
  /** Both halves of the hash of a word by its number. */
  low: Int32Array<ArrayBuffer>;
  high: Int32Array<ArrayBuffer>;
  /** One more than a number; 0 is a free slot. */
  private slots: Int32Array<ArrayBuffer>;
  private mask: number;
  private readonly kept: number;

  /** @param kept words that there is room for, a power of two; more are let go when the numbers are cleared */
  constructor(kept: number) {
    this.kept = kept;
    this.low = new Int32Array(kept);
    this.high = new Int32Array(kept);
    this.slots = new Int32Array(kept * 2);
    this.mask = kept * 2 - 1;
  }

  /** Forgets all words. */
  clear(): void {
    this.count = 0;
    if (this.low.length <= 2 * this.kept) {
      this.slots.fill(0);
      return;
    }
    this.low = new Int32Array(this.kept);
    this.high = new Int32Array(this.kept);
    this.slots = new Int32Array(this.kept * 2);
    this.mask = this.kept * 2 - 1;
  }

  /** The number of the word with this hash, a new one where it has none. */
  numberOf(low: number, high: number): number {
    const keyLow = low | 0;
    const keyHigh = high | 0;
    let slot = this.slotOf(keyLow, keyHigh);
    for (let number = this.slots[slot]; number !== 0; number = this.slots[slot]) {
      if (this.low[number - 1] === keyLow && this.high[number - 1] === keyHigh) return number - 1;
      slot = (slot + 1) & this.mask;
    }
    if (this.count === this.low.length) {
      this.grow();
      return this.numberOf(low, high);
    }
    this.low[this.count] = keyLow;
    this.high[this.count] = keyHigh;
    this.slots[slot] = ++this.count;
    return this.count - 1;
  }

  private slotOf(low: number, high: number): number {
    return (low ^ (low >>> 15) ^ Math.imul(high, 0x9e3779b1)) & this.mask;
  }

  private grow(): void {
    const size = this.low.length * 2;
    for (const name of ['low', 'high'] as const) {
      const larger = new Int32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
    this.slots = new Int32Array(size * 2);
    this.mask = size * 2 - 1;
    for (let number = 0; number < this.count; number++) {
      let slot = this.slotOf(this.low[number], this.high[number]);
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = number + 1;
    }
  }
}
