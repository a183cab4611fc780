/**
 * The pairs of neighbouring tokens during training: how often each occurs, in which words, and which is merged next.
 *
 * A token is made by exactly one merge, so a pair first occurs when the younger of its two tokens is made, and from then
 * on it only becomes rarer. That is why a pair's list of words is written once and never grows, and why a heap whose
 * counts are too high is put right when a pair comes to its top.
 *
 * A pair is known by its slot in an open-addressed table. Slots change when the table is rebuilt, which happens in
 * `add` only.
 */
import { PairHeap } from './pair-heap.js';
import type { TokenBytes } from './token-bytes.js';

const EMPTY = -1;
const INITIAL_BITS = 16;

/** The heap holds the pairs above a threshold, which falls by this factor when it is empty: most pairs never enter it. */
const THRESHOLD_STEP = 4;

const LISTS_GROWTH = 1.25;

export class Pairs {
  left!: Int32Array;
  right!: Int32Array;
  private counts!: Float64Array;
  /** The words of the pair at a slot are `lists[listStart, listEnd)`; a word may have lost the pair since. */
  listStart!: Int32Array;
  listEnd!: Int32Array;
  lists = new Int32Array(1 << INITIAL_BITS);
  private listsUsed = 0;
  private mask = 0;
  private used = 0;
  private readonly heap: PairHeap;
  private readonly minimum: number;
  private threshold = Infinity;

  /** @param minimum count below which pairs are not merged */
  constructor(tokens: TokenBytes, minimum: number) {
    this.minimum = minimum;
    // Of pairs as frequent as each other, the greater pair of byte strings.
    this.heap = new PairHeap((a, b) => {
      const order = tokens.compare(this.left[a], this.left[b]);
      return (order === 0 ? tokens.compare(this.right[a], this.right[b]) : order) > 0;
    });
    this.allocate(1 << INITIAL_BITS);
  }

  /** Makes room for this many words in lists. */
  reserveLists(words: number): void {
    if (this.listsUsed + words <= this.lists.length) return;
    const grown = new Int32Array(Math.ceil(LISTS_GROWTH * (this.listsUsed + words)));
    grown.set(this.lists.subarray(0, this.listsUsed));
    this.lists = grown;
  }

  /** Adds a pair that is new, with room for `words` words; returns where in `lists` they go. */
  add(left: number, right: number, count: number, words: number): number {
    if (2 * (this.used + 1) > this.mask) this.rebuild();
    this.reserveLists(words);
    const start = this.listsUsed;
    this.listsUsed += words;
    const slot = this.insert(left, right, count, start, this.listsUsed);
    if (count >= this.threshold) this.heap.push(slot, count);
    return start;
  }

  /** Lowers the count of a pair; one that was below the minimum may be forgotten already. */
  subtract(left: number, right: number, count: number): void {
    let slot = this.home(left, right);
    while (this.left[slot] !== left || this.right[slot] !== right) {
      if (this.left[slot] === EMPTY) return;
      slot = (slot + 1) & this.mask;
    }
    this.counts[slot] -= count;
  }

  /** The slot of the most frequent pair, which counts as merged from then on; -1 where none reaches the minimum. */
  take(): number {
    const { heap, counts } = this;
    for (;;) {
      if (heap.size === 0) {
        if (this.threshold <= this.minimum) return -1;
        this.lowerThreshold();
        continue;
      }
      const slot = heap.top;
      const count = counts[slot];
      if (heap.topCount === count) {
        heap.pop();
        counts[slot] = 0;
        return slot;
      }
      if (count >= this.threshold) heap.lowerTop(count);
      else heap.pop();
    }
  }

  private lowerThreshold(): void {
    const highest = this.counts.reduce((most, count) => Math.max(most, count), 0);
    this.threshold = Math.max(this.minimum, Math.min(this.threshold, highest) / THRESHOLD_STEP);
    this.fillHeap();
  }

  private fillHeap(): void {
    this.heap.size = 0;
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.counts[slot] >= this.threshold) this.heap.push(slot, this.counts[slot]);
    }
  }

  private insert(left: number, right: number, count: number, listStart: number, listEnd: number): number {
    let slot = this.home(left, right);
    while (this.left[slot] !== EMPTY) slot = (slot + 1) & this.mask;
    this.left[slot] = left;
    this.right[slot] = right;
    this.counts[slot] = count;
    this.listStart[slot] = listStart;
    this.listEnd[slot] = listEnd;
    this.used += 1;
    return slot;
  }

  private home(left: number, right: number): number {
    const hash = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    return (hash ^ (hash >>> 15)) & this.mask;
  }

  private allocate(slots: number): void {
    this.left = new Int32Array(slots).fill(EMPTY);
    this.right = new Int32Array(slots);
    this.counts = new Float64Array(slots);
    this.listStart = new Int32Array(slots);
    this.listEnd = new Int32Array(slots);
    this.mask = slots - 1;
    this.used = 0;
  }

  /** Forgets the pairs below the minimum, which can only become rarer, with their lists, and makes room for as many as are left. */
  private rebuild(): void {
    const { left, right, counts, listStart, listEnd, lists } = this;
    let live = 0;
    let words = 0;
    for (let slot = 0; slot < counts.length; slot++) {
      if (counts[slot] < this.minimum) continue;
      live += 1;
      words += listEnd[slot] - listStart[slot];
    }
    let slots = 1 << INITIAL_BITS;
    while (slots < 3 * live) slots *= 2;
    this.allocate(slots);
    this.lists = new Int32Array(Math.ceil(LISTS_GROWTH * words));
    this.listsUsed = 0;
    for (let slot = 0; slot < counts.length; slot++) {
      if (counts[slot] < this.minimum) continue;
      const start = this.listsUsed;
      this.lists.set(lists.subarray(listStart[slot], listEnd[slot]), start);
      this.listsUsed += listEnd[slot] - listStart[slot];
      this.insert(left[slot], right[slot], counts[slot], start, this.listsUsed);
    }
    this.fillHeap();
  }
}
