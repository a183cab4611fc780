/** What a scanner is: it cuts UTF-8 into pre-tokens, the pieces that merges never cross. */

/**
 * Finds pre-tokens in `text.bytes[0, end)` and writes the end of each to `ends`; returns how many there are.
 *
 * The pre-tokens follow each other without gaps from 0. With `final` they reach `end`. Without, more text follows, and
 * the scanner stops before the first pre-token that the following text could change: the caller moves what is left to
 * the front and appends more.
 */
export type Scanner = (text: ScannedText, end: number, final: boolean, ends: Int32Array) => number;

/** A text in UTF-8. At its end is END_BYTE and, that included, at least PADDING bytes that are not text. */
export interface ScannedText {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes. */
  readonly view: DataView<ArrayBuffer>;
}

/** Bytes behind the end of a text that scanners and keys may read. */
export const PADDING = 16;

/** Farthest that a hand-written scanner looks beyond the text that decides a pre-token: a contraction and a character. */
export const LOOKAHEAD = 8;
