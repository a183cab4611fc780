/**
 * The n-grams of a sequence of words that occur more than once, n by n.
 *
 * An n-gram occurs twice only if both (n-1)-grams in it do, so each step looks at what the step before it left: on
 * prose a few percent of the positions from n = 3 on. Two n-grams are equal where their two (n-1)-grams are, so from
 * n = 2 on equality is exact; two words are equal where their numbers are.
 *
 * Invariant: after `begin` and k calls of `next` the columns describe the (k + 1)-grams.
 */
import { mix } from './key-table.js';
import type { WordSequence } from './word-sequence.js';

/** Entries up to which the arrays are kept for the next text. */
const RETAINED = 1 << 20;
/** Steps are numbered up to here. */
const MAX_STEP = 2 ** 31 - 1;
const MIN_SLOTS = 2048;
/** Integers of a slot: two halves of the key, the id, and the step that it is of: the slot is free for any other. */
const SLOT = 4;

export class RepeatedNgrams {
  n = 1;
  /** Words of the sequence, and how many of them are different. */
  words = 0;
  distinctWords = 0;
  /** Occurrences of n-grams that occur more than once, in order: where each begins, and which n-gram it is. */
  size = 0;
  positions = new Int32Array(1024);
  ids = new Int32Array(1024);
  /** Occurrences of an n-gram by id; ids are below `idCount`, and those of n-grams that occur once are not used. */
  counts = new Int32Array(1024);
  idCount = 0;
  private slots = new Int32Array(2048 * SLOT);
  private step = 0;
  private mask = 2047;
  private seen = new Int32Array(1024);
  private stamp = 0;

  /** Starts with the words of a sequence; their numbers are below `limit`. */
  begin({ numbers, count }: WordSequence, limit: number): void {
    this.n = 1;
    this.words = count;
    this.reserve(Math.max(count, limit));
    const { positions, ids, counts } = this;
    counts.fill(0, 0, limit);
    let distinct = 0;
    for (let i = 0; i < count; i++) {
      const number = numbers[i];
      if (counts[number] === 0) distinct += 1;
      counts[number] += 1;
    }
    let size = 0;
    for (let i = 0; i < count; i++) {
      const number = numbers[i];
      if (counts[number] < 2) continue;
      positions[size] = i;
      ids[size++] = number;
    }
    this.size = size;
    this.idCount = limit;
    this.distinctWords = distinct;
  }

  /** Goes on to n-grams that are one word longer. */
  next(): void {
    this.n += 1;
    const { positions, ids, size, counts } = this;
    let candidates = 0;
    for (let k = 0; k + 1 < size; k++) if (positions[k + 1] === positions[k] + 1) candidates += 1;
    this.resetSlots(candidates);
    const { slots, mask, step } = this;
    let next = 0;
    // Candidates, positions whose successor is there too, are written over what has been read.
    let out = 0;
    for (let k = 0; k + 1 < size; k++) {
      const position = positions[k];
      if (positions[k + 1] !== position + 1) continue;
      const first = ids[k] | 0;
      const second = ids[k + 1] | 0;
      let slot = (mix(first ^ Math.imul(second, 0x9e3779b1)) & mask) * SLOT;
      while (slots[slot + 3] === step && (slots[slot] !== first || slots[slot + 1] !== second)) {
        slot = (slot + SLOT) & (mask * SLOT);
      }
      positions[out] = position;
      if (slots[slot + 3] !== step) {
        slots[slot] = first;
        slots[slot + 1] = second;
        slots[slot + 2] = next;
        slots[slot + 3] = step;
        counts[next] = 1;
        ids[out++] = next++;
      } else {
        const id = slots[slot + 2];
        counts[id] += 1;
        ids[out++] = id;
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

  /** Where the first of the n-grams with the most occurrences begins; there is one. */
  firstTop(top: number): number {
    let first = 0;
    while (this.counts[this.ids[first]] !== top) first += 1;
    return this.positions[first];
  }

  /** Begins to remember n-grams with `firstTime`. */
  resetSeen(): void {
    if (this.seen.length < this.idCount) this.seen = new Int32Array(this.counts.length);
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
    this.positions = new Int32Array(size);
    this.ids = new Int32Array(size);
    this.counts = new Int32Array(size);
    this.seen = new Int32Array(size);
    this.stamp = 0;
  }

  /** Empties the table of keys and makes room for `count` of them. */
  private resetSlots(count: number): void {
    let size = 16;
    while (size < count * 2) size *= 2;
    const isTooLarge = this.slots.length > 4 * RETAINED * SLOT && size <= 4 * RETAINED;
    if (size * SLOT > this.slots.length || isTooLarge || this.step === MAX_STEP) {
      this.slots = new Int32Array(Math.max(size * SLOT, MIN_SLOTS * SLOT));
      this.step = 0;
    }
    this.step += 1;
    this.mask = size - 1;
  }
}
