/**
 * Turns one pre-token into tokens: repeatedly the pair of lowest rank, leftmost first, becomes one token.
 *
 * Two ways to the same result: for short pieces a scan over all pairs for every merge, which is quadratic and has the
 * smallest constant; for long ones a linked list and queues, O(n log n), so that a megabyte of one letter takes well
 * under a second.
 */
import { NO_RANK, type PairTable } from './pair-table.js';
import { RankQueues } from './rank-queues.js';

/** Longest piece in bytes for which scanning is faster than the queues. */
const SCAN_LIMIT = 48;

/** Room that a longer piece needed, about 40 bytes for each of its own, is given back. */
const KEPT_BYTES = 1 << 18;

const REMOVED = -1;

export class Merger {
  private readonly pairs: PairTable;
  private readonly byteTokens: Int32Array;
  /** Rank of every pair of bytes, at `first << 8 | second`. */
  readonly bytePairRanks: Int32Array;

  // Tokens of the piece, and the rank of the pair that begins at each.
  private tokens = new Int32Array(SCAN_LIMIT + 1);
  private ranks = new Int32Array(SCAN_LIMIT + 1);
  // For long pieces only: the neighbours of each token, and the pairs that wait for their turn.
  private previous = new Int32Array(0);
  private next = new Int32Array(0);
  private queues: RankQueues | undefined;

  constructor(pairs: PairTable, byteTokens: Int32Array) {
    this.pairs = pairs;
    this.byteTokens = byteTokens;
    this.bytePairRanks = new Int32Array(65536);
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        this.bytePairRanks[(first << 8) | second] = pairs.rank(byteTokens[first], byteTokens[second]);
      }
    }
  }

  /** Writes the tokens of `bytes[start, end)` to `output` from `offset`; returns their number, at most one a byte. */
  merge(bytes: Uint8Array, start: number, end: number, output: Uint32Array, offset: number): number {
    return end - start <= SCAN_LIMIT
      ? this.mergeShort(bytes, start, end, output, offset)
      : this.mergeLong(bytes, start, end, output, offset);
  }

  private mergeShort(
    bytes: Uint8Array,
    start: number,
    end: number,
    output: Uint32Array,
    offset: number,
  ): number {
    const { tokens, ranks, pairs } = this;
    let length = end - start;
    this.begin(bytes, start, length);
    for (;;) {
      let best = NO_RANK;
      let at = 0;
      for (let index = 0; index < length - 1; index++) {
        if (ranks[index] < best) {
          best = ranks[index];
          at = index;
        }
      }
      if (best === NO_RANK) break;
      const token = pairs.results[best];
      length -= 1;
      tokens[at] = token;
      for (let index = at + 1; index < length; index++) {
        tokens[index] = tokens[index + 1];
        ranks[index] = ranks[index + 1];
      }
      if (at > 0) ranks[at - 1] = pairs.rank(tokens[at - 1], token);
      if (at < length - 1) ranks[at] = pairs.rank(token, tokens[at + 1]);
    }
    for (let index = 0; index < length; index++) output[offset + index] = tokens[index];
    return length;
  }

  private mergeLong(
    bytes: Uint8Array,
    start: number,
    end: number,
    output: Uint32Array,
    offset: number,
  ): number {
    const length = end - start;
    const queues = this.reserve(length);
    const { tokens, ranks, previous, next, pairs } = this;
    this.begin(bytes, start, length);
    ranks[length - 1] = NO_RANK;
    for (let index = 0; index < length; index++) {
      previous[index] = index - 1;
      next[index] = index + 1;
      if (ranks[index] !== NO_RANK) queues.add(ranks[index], index);
    }
    for (let rank = queues.lowest; rank >= 0; rank = queues.lowest) {
      const at = queues.take();
      // The pair may have gone since: then another rank, or none, stands there.
      if (ranks[at] !== rank) continue;
      const token = pairs.results[rank];
      const right = next[at];
      const behind = next[right];
      tokens[at] = token;
      ranks[right] = REMOVED;
      next[at] = behind;
      ranks[at] = NO_RANK;
      if (behind < length) {
        previous[behind] = at;
        const following = pairs.rank(token, tokens[behind]);
        ranks[at] = following;
        if (following !== NO_RANK) queues.add(following, at);
      }
      const before = previous[at];
      if (before >= 0) {
        const preceding = pairs.rank(tokens[before], token);
        ranks[before] = preceding;
        if (preceding !== NO_RANK) queues.add(preceding, before);
      }
    }
    let count = 0;
    for (let index = 0; index < length; index = next[index]) output[offset + count++] = tokens[index];
    if (length > KEPT_BYTES) this.release();
    return count;
  }

  private begin(bytes: Uint8Array, start: number, length: number): void {
    const { tokens, ranks, byteTokens, bytePairRanks } = this;
    let byte = bytes[start];
    tokens[0] = byteTokens[byte];
    for (let index = 1; index < length; index++) {
      const following = bytes[start + index];
      tokens[index] = byteTokens[following];
      ranks[index - 1] = bytePairRanks[(byte << 8) | following];
      byte = following;
    }
  }

  /** Room for a piece of this many bytes; the queues are there from the first long piece on. */
  private reserve(length: number): RankQueues {
    if (this.next.length < length) {
      const capacity = Math.max(1024, length);
      this.tokens = new Int32Array(capacity);
      this.ranks = new Int32Array(capacity);
      this.previous = new Int32Array(capacity);
      this.next = new Int32Array(capacity);
    }
    this.queues ??= new RankQueues(this.pairs.results.length);
    // Every merge removes a token and adds at most two pairs.
    this.queues.begin(3 * length);
    return this.queues;
  }

  private release(): void {
    this.tokens = new Int32Array(SCAN_LIMIT + 1);
    this.ranks = new Int32Array(SCAN_LIMIT + 1);
    this.previous = new Int32Array(0);
    this.next = new Int32Array(0);
    this.queues = undefined;
  }
}
