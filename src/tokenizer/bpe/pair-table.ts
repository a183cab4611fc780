/**
 * Which pairs of tokens merge, and in which order: open addressing in one Int32Array, a slot of two words a pair, before
 * it a filter of bits. Most pairs that are asked for do not merge, and for nine in ten of those the filter, which fits
 * the second-level cache, says so.
 *
 * Ids and ranks have 21 bits: `left | right << 21` is the first word of a slot, `right >>> 11 | rank << 10` the second.
 */
import type { TokenizerModel } from '../model.js';

/** Rank of a pair that does not merge: after every other. */
export const NO_RANK = 0x7fffffff;

/** First word of an empty slot: ids stay below 2^21 - 1. */
const EMPTY = -1;

const RIGHT_SHIFT = 21;
const RIGHT_LOW_BITS = 11;
const RIGHT_HIGH_MASK = (1 << 10) - 1;
const RANK_SHIFT = 10;

/** Bits of the filter for each slot of the table; slots are at least twice the pairs. */
const FILTER_BITS_LOG2 = 3;

export class PairTable {
  /** Token that the merge of each rank makes. */
  readonly results: Int32Array;
  readonly slots: Int32Array;
  readonly filter: Int32Array;
  /** Shifts that bring a hash to a slot, and to a bit of the filter. */
  readonly shift: number;
  readonly filterShift: number;
  private readonly mask: number;

  /** Bytes that `allocate` is asked for in all. */
  static bytesFor(capacity: number): number {
    const bits = slotBits(capacity);
    return 4 * ((2 << bits) + ((1 << (bits + FILTER_BITS_LOG2)) >> 5) + capacity);
  }

  /**
   * An empty table for ranks below `capacity`, each given to one pair.
   * @param allocate gives the arrays it consists of, zeroed, by their length
   */
  constructor(capacity: number, allocate = (length: number): Int32Array => new Int32Array(length)) {
    const bits = slotBits(capacity);
    this.slots = allocate(2 << bits).fill(EMPTY);
    this.mask = (1 << bits) - 1;
    this.shift = 32 - bits;
    this.filter = allocate((1 << (bits + FILTER_BITS_LOG2)) >> 5);
    this.filterShift = 32 - bits - FILTER_BITS_LOG2;
    this.results = allocate(capacity);
  }

  /** Adds a pair. Returns false where it is there already; nothing changes then. */
  add(left: number, right: number, rank: number, result: number): boolean {
    const { slots, mask } = this;
    const hash = hashPair(left, right);
    const low = left | (right << RIGHT_SHIFT);
    let index = hash >>> this.shift;
    for (;;) {
      const slot = index << 1;
      if (slots[slot] === EMPTY) {
        slots[slot] = low;
        slots[slot + 1] = (right >>> RIGHT_LOW_BITS) | (rank << RANK_SHIFT);
        this.results[rank] = result;
        const bit = hash >>> this.filterShift;
        this.filter[bit >> 5] |= 1 << (bit & 31);
        return true;
      }
      if (slots[slot] === low && (slots[slot + 1] & RIGHT_HIGH_MASK) === right >>> RIGHT_LOW_BITS)
        return false;
      index = (index + 1) & mask;
    }
  }

  /** Rank of a pair of neighbours, NO_RANK where it does not merge. */
  rank(left: number, right: number): number {
    const hash = hashPair(left, right);
    const bit = hash >>> this.filterShift;
    if (((this.filter[bit >> 5] >>> (bit & 31)) & 1) === 0) return NO_RANK;
    const { slots, mask } = this;
    const low = left | (right << RIGHT_SHIFT);
    let index = hash >>> this.shift;
    for (;;) {
      const slot = index << 1;
      const found = slots[slot];
      const high = slots[slot + 1];
      if (found === low && (high & RIGHT_HIGH_MASK) === right >>> RIGHT_LOW_BITS) return high >>> RANK_SHIFT;
      if (found === EMPTY) return NO_RANK;
      index = (index + 1) & mask;
    }
  }
}

/** Multiplicative hashing (Knuth, TAOCP 6.4): the upper bits are the good ones. */
function hashPair(left: number, right: number): number {
  const hash = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

function slotBits(capacity: number): number {
  return Math.max(4, Math.ceil(Math.log2(2 * capacity + 1)));
}

/** Adds the merges of a model, which was checked for repeated pairs. */
export function fillPairTable(table: PairTable, { merges }: TokenizerModel): PairTable {
  for (let rank = 0; rank * 3 < merges.length; rank++) {
    table.add(merges[rank * 3], merges[rank * 3 + 1], rank, merges[rank * 3 + 2]);
  }
  return table;
}
