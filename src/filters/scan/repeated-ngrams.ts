/**
 * The n-grams of a sequence of words that occur more than once, n by n.
 *
 * An n-gram occurs twice only if both (n-1)-grams in it do, so each step looks at what the step before it left: on
 * prose a few percent of the positions from n = 3 on. Two n-grams are equal where their two (n-1)-grams are, so from
 * n = 2 on equality is exact; two words are equal where their 64-bit hashes are.
 *
 * Invariant: after `begin` and k calls of `next` the columns describe the (k + 1)-grams.
 */
import { mix } from './key-table.js';

/** Entries up to which the arrays are kept for the next text. */
const RETAINED = 1 << 20;
/** Words of a slot: two halves of the key, one more than the id (0: free), one unused. Four, so that it is in one cache line. */
const SLOT = 4;

export class RepeatedNgrams {
  n = 1;
  /** Words of the sequence, and how many of them are different. */
  words = 0;
  distinctWords = 0;
  /** Occurrences of n-grams that occur more than once, in order: where each begins, and which n-gram it is. */
  size = 0;
  positions = new Uint32Array(1024);
  ids = new Uint32Array(1024);
  /** Occurrences of an n-gram by id; ids are below `idCount`, and those of n-grams that occur once are not used. */
  counts = new Uint32Array(1024);
  idCount = 0;
  private slots = new Int32Array(2048 * SLOT);
  private mask = 2047;
  private seen = new Uint32Array(1024);
  private stamp = 0;

  /** Starts with the words, each given by its hash; of `low` and `high` the first `count` are read. */
  begin(low: Uint32Array, high: Uint32Array, count: number): void {
    this.n = 1;
    this.words = count;
    this.size = count;
    this.reserve(count);
    this.resetSlots(count);
    const { positions, ids, slots, counts, mask } = this;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const keyLow = low[i] | 0;
      const keyHigh = high[i] | 0;
      // The halves are hashes already.
      let slot = ((keyLow ^ (keyLow >>> 15) ^ Math.imul(keyHigh, 0x9e3779b1)) & mask) * SLOT;
      let id = slots[slot + 2];
      while (id !== 0 && (slots[slot] !== keyLow || slots[slot + 1] !== keyHigh)) {
        slot = (slot + SLOT) & (mask * SLOT);
        id = slots[slot + 2];
      }
      positions[i] = i;
      if (id === 0) {
        slots[slot] = keyLow;
        slots[slot + 1] = keyHigh;
        slots[slot + 2] = ++next;
        counts[next - 1] = 1;
        ids[i] = next - 1;
      } else {
        counts[id - 1] += 1;
        ids[i] = id - 1;
      }
    }
    this.idCount = next;
    this.distinctWords = next;
    this.dropSingles();
  }

  /** Goes on to n-grams that are one word longer. */
  next(): void {
    this.n += 1;
    const { positions, ids, size, counts } = this;
    let candidates = 0;
    for (let k = 0; k + 1 < size; k++) if (positions[k + 1] === positions[k] + 1) candidates += 1;
    this.resetSlots(candidates);
    const { slots, mask } = this;
    let next = 0;
    // Candidates, positions whose successor is there too, are written over what has been read.
    let out = 0;
    for (let k = 0; k + 1 < size; k++) {
      const position = positions[k];
      if (positions[k + 1] !== position + 1) continue;
      const keyLow = ids[k] | 0;
      const keyHigh = ids[k + 1] | 0;
      let slot = (mix(keyLow ^ Math.imul(keyHigh, 0x9e3779b1)) & mask) * SLOT;
      let id = slots[slot + 2];
      while (id !== 0 && (slots[slot] !== keyLow || slots[slot + 1] !== keyHigh)) {
        slot = (slot + SLOT) & (mask * SLOT);
        id = slots[slot + 2];
      }
      positions[out] = position;
      if (id === 0) {
        slots[slot] = keyLow;
        slots[slot + 1] = keyHigh;
        slots[slot + 2] = ++next;
        counts[next - 1] = 1;
        ids[out++] = next - 1;
      } else {
        counts[id - 1] += 1;
        ids[out++] = id - 1;
      }
    }
    this.idCount = next;
    this.size = out;
    this.dropSingles();
  }

  /** How often the most frequent n-gram occurs; 1 where none repeats and there is one, 0 where there is none. */
  topCount(): number {
    let top = this.words >= this.n ? 1 : 0;
    for (let k = 0; k < this.size; k++) {
      const count = this.counts[this.ids[k]];
      if (count > top) top = count;
    }
    return top;
  }

  /** Begins to remember n-grams with `firstTime`. */
  resetSeen(): void {
    if (this.seen.length < this.idCount) this.seen = new Uint32Array(this.counts.length);
    this.stamp += 1;
  }

  /** Whether an n-gram is met for the first time since `resetSeen`. */
  firstTime(id: number): boolean {
    if (this.seen[id] === this.stamp) return false;
    this.seen[id] = this.stamp;
    return true;
  }

  /** Lets occurrences go whose n-gram has no other. */
  private dropSingles(): void {
    const { positions, ids, counts, size } = this;
    let out = 0;
    for (let k = 0; k < size; k++) {
      if (counts[ids[k]] < 2) continue;
      positions[out] = positions[k];
      ids[out++] = ids[k];
    }
    this.size = out;
  }

  private reserve(count: number): void {
    if (count <= this.ids.length && (this.ids.length <= RETAINED || count > RETAINED)) return;
    let size = 1024;
    while (size < count) size *= 2;
    this.positions = new Uint32Array(size);
    this.ids = new Uint32Array(size);
    this.counts = new Uint32Array(size);
    this.seen = new Uint32Array(size);
    this.stamp = 0;
  }

  /** Empties the table of keys and makes room for `count` of them. */
  private resetSlots(count: number): void {
    let size = 16;
    while (size < count * 2) size *= 2;
    const isTooLarge = this.slots.length > 4 * RETAINED * SLOT && size <= 4 * RETAINED;
    if (size * SLOT > this.slots.length || isTooLarge) this.slots = new Int32Array(size * SLOT);
    else this.slots.fill(0, 0, size * SLOT);
    this.mask = size - 1;
  }
}
