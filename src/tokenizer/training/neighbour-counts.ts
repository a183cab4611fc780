/** Counts by token, and the words in which they arose, gathered during one merge and then emptied. */

import { NOT_KEPT } from './pairs.js';

export class NeighbourCounts {
  private readonly counts: Float64Array;
  private readonly occurrences: Int32Array;
  /** Where the next word of a token goes, once its list has a place. */
  private readonly next: Int32Array;
  /** Tokens with a count, in the order of their first. */
  private touched = new Int32Array(256);
  private touchedSize = 0;
  private eventTokens = new Int32Array(1024);
  private eventWords = new Int32Array(1024);
  private events = 0;

  constructor(maxTokens: number) {
    this.counts = new Float64Array(maxTokens);
    this.occurrences = new Int32Array(maxTokens);
    this.next = new Int32Array(maxTokens);
  }

  /** Adds a count of a token, without a word. */
  addCount(token: number, count: number): void {
    if (this.occurrences[token]++ === 0) {
      if (this.touchedSize === this.touched.length) this.touched = grow(this.touched);
      this.touched[this.touchedSize++] = token;
    }
    this.counts[token] += count;
  }

  /** Adds a count of a token that arose in a word. */
  add(token: number, count: number, word: number): void {
    this.addCount(token, count);
    if (this.events === this.eventTokens.length) {
      this.eventTokens = grow(this.eventTokens);
      this.eventWords = grow(this.eventWords);
    }
    this.eventTokens[this.events] = token;
    this.eventWords[this.events++] = word;
  }

  forEach(visit: (token: number, count: number) => void): void {
    for (let index = 0; index < this.touchedSize; index++) {
      const token = this.touched[index];
      visit(token, this.counts[token]);
    }
  }

  /**
   * Writes the words of each token to where `add` says, unless that is NOT_KEPT, in the order in which they came.
   * @param add called for each token with its count and number of words
   * @param lists what `add` gives places in, asked for when all have one
   */
  place(add: (token: number, count: number, words: number) => number, lists: () => Int32Array): void {
    for (let index = 0; index < this.touchedSize; index++) {
      const token = this.touched[index];
      this.next[token] = add(token, this.counts[token], this.occurrences[token]);
    }
    const target = lists();
    for (let event = 0; event < this.events; event++) {
      const token = this.eventTokens[event];
      if (this.next[token] !== NOT_KEPT) target[this.next[token]++] = this.eventWords[event];
    }
  }

  clear(): void {
    for (let index = 0; index < this.touchedSize; index++) {
      this.counts[this.touched[index]] = 0;
      this.occurrences[this.touched[index]] = 0;
    }
    this.touchedSize = 0;
    this.events = 0;
  }
}

function grow(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * array.length);
  grown.set(array);
  return grown;
}
