/**
 * The pairs of neighbouring tokens during training that may be merged soon: how often each occurs, in which words, and which
 * is next.
 *
 * A token is made by exactly one merge, so a pair first occurs when the younger of its two tokens is made, and from then
 * on it only becomes rarer. That is why a pair's list of words is written once and never grows, why a heap whose counts are
 * too high is put right when a pair comes to its top, and why the pairs below a threshold can be left out altogether: no
 * pair among them becomes the most frequent before all others are merged. Then they are counted anew with a lower one.
 *
 * A pair is known by its slot in an open-addressed table. Slots change when the table is rebuilt, which happens in
 * `add` and while pairs are counted.
 */
import { PairHeap } from './pair-heap.js';

const EMPTY = -1;
const INITIAL_BITS = 12;

/** The table is at most this full. */
const MAX_LOAD = 0.7;
/** Room for lists beyond those that there are. */
const LISTS_GROWTH = 1.4;

/** Where a pair is not kept. */
export const NOT_KEPT = -1;

export class Pairs {
  /** Pairs that occur less often are not here. */
  threshold = Infinity;
  left!: Int32Array;
  right!: Int32Array;
  private counts!: Float64Array;
  /** The words of the pair at a slot are `lists[listStart, listEnd)`; a word may have lost the pair since. */
  listStart!: Int32Array;
  listEnd!: Int32Array;
  lists = new Int32Array(0);
  private listsUsed = 0;
  private mask = 0;
  private used = 0;
  private readonly heap: PairHeap;

  /** @param compare positive where a token is merged before another in pairs as frequent as each other: left, then right */
  constructor(compare: (a: number, b: number) => number) {
    this.heap = new PairHeap((a, b) => {
      const order = compare(this.left[a], this.left[b]);
      return (order === 0 ? compare(this.right[a], this.right[b]) : order) > 0;
    });
    this.allocate(1 << INITIAL_BITS);
  }

  /** Forgets all pairs, to count those that reach a threshold. */
  beginCounting(threshold: number): void {
    this.threshold = threshold;
    this.left.fill(EMPTY);
    this.counts.fill(0);
    this.listEnd.fill(0);
    this.listStart.fill(0);
    this.used = 0;
    this.listsUsed = 0;
    this.heap.size = 0;
  }

  /** Counts an occurrence of a pair in a word. */
  countOccurrence(left: number, right: number, count: number): void {
    let slot = this.find(left, right);
    if (this.left[slot] === EMPTY) {
      if (this.isFull()) {
        this.rebuild(1);
        slot = this.find(left, right);
      }
      this.left[slot] = left;
      this.right[slot] = right;
      this.used += 1;
    }
    this.counts[slot] += count;
    this.listEnd[slot] += 1;
  }

  /** Makes room for the words of the pairs that reach the threshold, when all are counted. */
  beginLists(): void {
    const { counts, listStart, listEnd } = this;
    let total = 0;
    for (let slot = 0; slot <= this.mask; slot++) {
      const words = counts[slot] >= this.threshold ? listEnd[slot] : 0;
      if (words === 0) counts[slot] = 0;
      listStart[slot] = total;
      // Raised as the words come.
      listEnd[slot] = total;
      total += words;
    }
    if (total > this.lists.length) this.lists = new Int32Array(Math.ceil(LISTS_GROWTH * total));
    this.listsUsed = total;
  }

  /** Notes a word of a pair, once for each occurrence that was counted. */
  addOccurrence(left: number, right: number, word: number): void {
    const slot = this.find(left, right);
    if (this.counts[slot] > 0) this.lists[this.listEnd[slot]++] = word;
  }

  /** Makes the pairs that were counted ready to be taken. */
  endCounting(): void {
    for (let slot = 0; slot <= this.mask; slot++) {
      if (this.counts[slot] > 0) this.heap.push(slot, this.counts[slot]);
    }
  }

  /** Adds a pair that is new, with room for `words` words; returns where in `lists` they go, or NOT_KEPT. */
  add(left: number, right: number, count: number, words: number): number {
    if (count < this.threshold) return NOT_KEPT;
    if (this.isFull()) {
      this.rebuild(this.threshold);
      this.heap.size = 0;
      this.endCounting();
    }
    if (this.listsUsed + words > this.lists.length) this.makeRoomInLists(words);
    const start = this.listsUsed;
    this.listsUsed += words;
    const slot = this.insert(left, right, count, start, this.listsUsed);
    this.heap.push(slot, count);
    return start;
  }

  /** Lowers the count of a pair, if it is here. */
  subtract(left: number, right: number, count: number): void {
    const slot = this.find(left, right);
    if (this.left[slot] !== EMPTY) this.counts[slot] -= count;
  }

  /** The slot of the most frequent pair, which counts as merged from then on; -1 where none reaches the threshold. */
  take(): number {
    const { heap, counts } = this;
    while (heap.size > 0) {
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
    return -1;
  }

  /** The slot of a pair, or the empty one where it would be. */
  private find(left: number, right: number): number {
    const hash = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & this.mask;
    while (this.left[slot] !== EMPTY && (this.left[slot] !== left || this.right[slot] !== right)) {
      slot = (slot + 1) & this.mask;
    }
    return slot;
  }

  private insert(left: number, right: number, count: number, listStart: number, listEnd: number): number {
    const slot = this.find(left, right);
    this.left[slot] = left;
    this.right[slot] = right;
    this.counts[slot] = count;
    this.listStart[slot] = listStart;
    this.listEnd[slot] = listEnd;
    this.used += 1;
    return slot;
  }

  private isFull(): boolean {
    return this.used + 1 > MAX_LOAD * this.mask;
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

  /** Makes room in the table: forgets the pairs below `least`, and has a larger one where many are left. */
  private rebuild(least: number): void {
    const { left, right, counts, listStart, listEnd } = this;
    const live = counts.reduce((sum, count) => (count >= least ? sum + 1 : sum), 0);
    let slots = 1 << INITIAL_BITS;
    while (MAX_LOAD * slots < 1.5 * live) slots *= 2;
    this.allocate(slots);
    for (let slot = 0; slot < counts.length; slot++) {
      if (counts[slot] >= least)
        this.insert(left[slot], right[slot], counts[slot], listStart[slot], listEnd[slot]);
    }
  }

  /** Moves the lists of the pairs that are left together; where those are many, to a larger array. */
  private makeRoomInLists(words: number): void {
    const { counts, listStart, listEnd, lists } = this;
    const slots: number[] = [];
    let live = 0;
    for (let slot = 0; slot <= this.mask; slot++) {
      if (counts[slot] < this.threshold) {
        listEnd[slot] = listStart[slot];
        continue;
      }
      slots.push(slot);
      live += listEnd[slot] - listStart[slot];
    }
    const needed = Math.ceil(LISTS_GROWTH * (live + words));
    if (needed > lists.length) this.lists = new Int32Array(needed);
    // In the order of their places, each moves towards the front only.
    slots.sort((a, b) => listStart[a] - listStart[b]);
    let used = 0;
    for (const slot of slots) {
      const start = listStart[slot];
      const length = listEnd[slot] - start;
      if (this.lists === lists) lists.copyWithin(used, start, start + length);
      else this.lists.set(lists.subarray(start, start + length), used);
      listStart[slot] = used;
      used += length;
      listEnd[slot] = used;
    }
    this.listsUsed = used;
  }
}
