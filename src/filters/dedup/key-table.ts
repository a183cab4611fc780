/**
 * The keys of the index that are not on disk yet: a hash table of 64-bit keys in two halves to a value of 32 bits, in
 * typed arrays. It grows to what it holds, at most to `capacity` keys.
 */
import type { SortedKeys } from './key-run.js';

const SMALLEST = 1 << 12;
/** Digits of the radix sort: 3 times 11 bits cover the 32 of the high half. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

export class KeyTable {
  readonly capacity: number;
  size = 0;
  private low = new Uint32Array(SMALLEST);
  private high = new Uint32Array(SMALLEST);
  /** Value + 1; 0 is a free slot. */
  private value = new Uint32Array(SMALLEST);

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  isFull(): boolean {
    return this.size >= this.capacity;
  }

  /** Value of a key, or -1. */
  get(low: number, high: number): number {
    return this.value[this.slotOf(low, high)] - 1;
  }

  /** Adds a key that is not in it. */
  add(low: number, high: number, value: number): void {
    if (this.size * 4 >= this.low.length * 3) this.grow();
    const slot = this.slotOf(low, high);
    this.low[slot] = low;
    this.high[slot] = high;
    this.value[slot] = value + 1;
    this.size += 1;
  }

  forEachKey(visit: (low: number, high: number) => void): void {
    for (let slot = 0; slot < this.value.length; slot++) {
      if (this.value[slot] !== 0) visit(this.low[slot], this.high[slot]);
    }
  }

  /** All that it holds, sorted; the table is empty afterwards. */
  drain(): SortedKeys {
    const { low, high, value, size } = this;
    let from = allocate(size);
    for (let slot = 0, i = 0; slot < value.length; slot++) {
      if (value[slot] === 0) continue;
      from.low[i] = low[slot];
      from.high[i] = high[slot];
      from.value[i++] = value[slot] - 1;
    }
    this.size = 0;
    this.low = new Uint32Array(SMALLEST);
    this.high = new Uint32Array(SMALLEST);
    this.value = new Uint32Array(SMALLEST);
    let to = allocate(size);
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      distribute(from, to, shift);
      [from, to] = [to, from];
    }
    orderLow(from);
    return from;
  }

  private slotOf(low: number, high: number): number {
    const mask = this.low.length - 1;
    let slot = (low ^ (high >>> 16)) & mask;
    while (this.value[slot] !== 0 && (this.low[slot] !== low || this.high[slot] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { low, high, value } = this;
    this.low = new Uint32Array(low.length * 2);
    this.high = new Uint32Array(low.length * 2);
    this.value = new Uint32Array(low.length * 2);
    for (let i = 0; i < value.length; i++) {
      if (value[i] === 0) continue;
      const slot = this.slotOf(low[i], high[i]);
      this.low[slot] = low[i];
      this.high[slot] = high[i];
      this.value[slot] = value[i];
    }
  }
}

function allocate(size: number): SortedKeys {
  return { low: new Uint32Array(size), high: new Uint32Array(size), value: new Uint32Array(size) };
}

/** One stable pass of the radix sort by `DIGIT_BITS` bits of the high half. */
function distribute(from: SortedKeys, to: SortedKeys, shift: number): void {
  const starts = new Uint32Array(DIGITS + 1);
  for (const high of from.high) starts[((high >>> shift) & (DIGITS - 1)) + 1] += 1;
  for (let digit = 0; digit < DIGITS; digit++) starts[digit + 1] += starts[digit];
  for (let i = 0; i < from.high.length; i++) {
    const at = starts[(from.high[i] >>> shift) & (DIGITS - 1)]++;
    to.low[at] = from.low[i];
    to.high[at] = from.high[i];
    to.value[at] = from.value[i];
  }
}

/** Orders keys of the same high half, which are few and neighbours now, by their low half. */
function orderLow({ low, high, value }: SortedKeys): void {
  for (let i = 1; i < high.length; i++) {
    for (let j = i; j > 0 && high[j] === high[j - 1] && low[j] < low[j - 1]; j--) {
      [low[j], low[j - 1]] = [low[j - 1], low[j]];
      [value[j], value[j - 1]] = [value[j - 1], value[j]];
    }
  }
}
