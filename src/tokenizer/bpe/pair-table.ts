/**
 * Which pairs of tokens merge, and in which order: open addressing in one Int32Array. Pairs of single bytes have their
 * own table, because the merging of every pre-token begins with them.
 */
import type { TokenizerModel } from '../model.js';

/** Rank of a pair that does not merge: after every other. */
export const NO_RANK = 0x7fffffff;

const EMPTY = -1;

export class PairTable {
  /** Token that the merge of each rank makes. */
  readonly results: Int32Array;
  /** Slots of four words: left, right, rank, unused; so that a slot never lies across two cache lines. */
  private readonly slots: Int32Array;
  private readonly shift: number;
  private readonly mask: number;

  /** An empty table for ranks below `capacity`, each given to one pair. */
  constructor(capacity: number) {
    const bits = Math.max(4, Math.ceil(Math.log2(2 * capacity + 1)));
    this.slots = new Int32Array(4 << bits).fill(EMPTY);
    this.shift = 32 - bits;
    this.mask = (1 << bits) - 1;
    this.results = new Int32Array(capacity);
  }

  /** Adds a pair. Returns false where it is there already; nothing changes then. */
  add(left: number, right: number, rank: number, result: number): boolean {
    const { slots, mask } = this;
    let index = this.home(left, right);
    for (;;) {
      const slot = index << 2;
      if (slots[slot] === EMPTY) {
        slots[slot] = left;
        slots[slot + 1] = right;
        slots[slot + 2] = rank;
        this.results[rank] = result;
        return true;
      }
      if (slots[slot] === left && slots[slot + 1] === right) return false;
      index = (index + 1) & mask;
    }
  }

  /** Rank of a pair of neighbours, NO_RANK where it does not merge. */
  rank(left: number, right: number): number {
    const { slots, mask } = this;
    let index = this.home(left, right);
    for (;;) {
      const slot = index << 2;
      const found = slots[slot];
      if (found === left && slots[slot + 1] === right) return slots[slot + 2];
      if (found === EMPTY) return NO_RANK;
      index = (index + 1) & mask;
    }
  }

  private home(left: number, right: number): number {
    // Multiplicative hashing (Knuth, TAOCP 6.4): the upper bits of the product are the good ones.
    return Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b) >>> this.shift;
  }
}

/** The table of a model's merges; the model was checked for repeated pairs. */
export function pairTableOf(model: TokenizerModel): PairTable {
  const { merges } = model;
  const table = new PairTable(merges.length / 3);
  for (let rank = 0; rank * 3 < merges.length; rank++) {
    table.add(merges[rank * 3], merges[rank * 3 + 1], rank, merges[rank * 3 + 2]);
  }
  return table;
}
