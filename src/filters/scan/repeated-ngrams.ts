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
  private slotLow = new Uint32Array(2048);
  private slotHigh = new Uint32Array(2048);
  private slotIds = new Uint32Array(2048);
  private seen = new Uint32Array(1024);
  private stamp = 0;
  private mask = 2047;

  /** Starts with the words, each given by its hash; of `low` and `high` the first `count` are read. */
  begin(low: Uint32Array, high: Uint32Array, count: number): void {
    this.n = 1;
    this.words = count;
    this.size = count;
    this.reserve(count);
    this.resetSlots(count);
    const { positions, ids, slotIds, slotLow, slotHigh, counts, mask } = this;
    let next = 0;
    for (let i = 0; i < count; i++) {
      positions[i] = i;
      const keyLow = low[i];
      const keyHigh = high[i];
      // The halves are hashes already.
      let slot = (keyLow ^ (keyLow >>> 15) ^ Math.imul(keyHigh, 0x9e3779b1)) & mask;
      let id = slotIds[slot];
      while (id !== 0 && (slotLow[slot] !== keyLow || slotHigh[slot] !== keyHigh)) {
        slot = (slot + 1) & mask;
        id = slotIds[slot];
      }
      if (id === 0) {
        slotIds[slot] = ++next;
        slotLow[slot] = keyLow;
        slotHigh[slot] = keyHigh;
        counts[next - 1] = 1;
        ids[i] = next - 1;
      } else {
        counts[id - 1] += 1;
        ids[i] = id - 1;
      }
    }
    this.idCount = next;
    this.distinctWords = this.idCount;
    this.dropSingles();
  }

  /** Goes on to n-grams that are one word longer. */
  next(): void {
    this.n += 1;
    const { positions, ids, size } = this;
    // Candidates: positions whose successor is there too. They are written over what has been read.
    let candidates = 0;
    for (let k = 0; k + 1 < size; k++) if (positions[k + 1] === positions[k] + 1) candidates += 1;
    this.resetSlots(candidates);
    let out = 0;
    for (let k = 0; k + 1 < size; k++) {
      if (positions[k + 1] !== positions[k] + 1) continue;
      const id = this.idOf(ids[k], ids[k + 1]);
      positions[out] = positions[k];
      ids[out++] = id;
    }
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
    const isTooLarge = this.slotIds.length > 4 * RETAINED && size <= 4 * RETAINED;
    if (size > this.slotIds.length || isTooLarge) {
      this.slotLow = new Uint32Array(size);
      this.slotHigh = new Uint32Array(size);
      this.slotIds = new Uint32Array(size);
    } else {
      this.slotIds.fill(0, 0, size);
    }
    this.mask = size - 1;
    this.idCount = 0;
  }

  /** The id of a key, which counts one occurrence more. */
  private idOf(low: number, high: number): number {
    const { slotIds, slotLow, slotHigh, mask } = this;
    let slot = mix(low ^ Math.imul(high, 0x9e3779b1)) & mask;
    for (;;) {
      const id = slotIds[slot];
      if (id === 0) break;
      if (slotLow[slot] === low && slotHigh[slot] === high) {
        this.counts[id - 1] += 1;
        return id - 1;
      }
      slot = (slot + 1) & mask;
    }
    const id = this.idCount++;
    slotIds[slot] = id + 1;
    slotLow[slot] = low;
    slotHigh[slot] = high;
    this.counts[id] = 1;
    return id;
  }
}
