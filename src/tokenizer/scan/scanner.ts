/** What a scanner is: it cuts UTF-8 into pre-tokens, the pieces that merges never cross. */

/**
 * Finds pre-tokens in `bytes[start, end)` and writes the end of each to `ends`; returns how many there are.
 *
 * The pre-tokens follow each other without gaps from `start`. With `final` they reach `end`. Without, more text follows,
 * and the scanner stops before the first pre-token that the following text could change: the caller moves what is left
 * to the front and appends more.
 *
 * `bytes[end]` is END_BYTE, and `ends` has room for `end - start` ends.
 */
export type Scanner = (
  bytes: Uint8Array,
  start: number,
  end: number,
  final: boolean,
  ends: Int32Array,
) => number;

/** Farthest that a hand-written scanner looks beyond the text that decides a pre-token: a contraction and a character. */
export const LOOKAHEAD = 8;
