/**
 * Learns merges from counted words (Sennrich et al. 2016, algorithm 1) without counting again: a merge visits the words
 * that have its pair, and changes the counts of the pairs beside it.
 *
 * All words are in one Int32Array, each a record `length, count low, count high, tokens...`; a word is known by the
 * offset of its record. Tokens are numbers from 0: the 256 bytes, then what merges make, in order.
 */
import { NeighbourCounts } from './neighbour-counts.js';
import { Pairs } from './pairs.js';
import type { PieceCounter } from './piece-counter.js';
import { TokenBytes } from './token-bytes.js';

const HEADER_WORDS = 3;
const WORD = 2 ** 32;

export class Learner {
  readonly tokens: TokenBytes;
  private readonly pairs: Pairs;
  private readonly words: Int32Array;
  /** Pairs beside the one that is merged: what becomes rarer and what is new, on its left and on its right. */
  private readonly lostLeft: NeighbourCounts;
  private readonly lostRight: NeighbourCounts;
  private readonly newLeft: NeighbourCounts;
  private readonly newRight: NeighbourCounts;

  /** @param minimum count below which a pair is not merged */
  constructor(counter: PieceCounter, maxTokens: number, minimum: number) {
    this.tokens = new TokenBytes(maxTokens);
    for (let byte = 0; byte < 256; byte++) this.tokens.add(Uint8Array.of(byte));
    this.pairs = new Pairs(this.tokens, minimum);
    this.lostLeft = new NeighbourCounts(maxTokens);
    this.lostRight = new NeighbourCounts(maxTokens);
    this.newLeft = new NeighbourCounts(maxTokens);
    this.newRight = new NeighbourCounts(maxTokens);
    this.words = this.takeWords(counter);
    this.countPairs();
  }

  /** Takes over the words of a counter, which is empty then. A single byte has no pair and is left out. */
  private takeWords(counter: PieceCounter): Int32Array {
    let size = 0;
    counter.forEach((bytes) => {
      if (bytes.length > 1) size += HEADER_WORDS + bytes.length;
    });
    const words = new Int32Array(size);
    let end = 0;
    counter.forEach((bytes, count) => {
      if (bytes.length === 1) return;
      words[end] = bytes.length;
      words[end + 1] = count % WORD;
      words[end + 2] = Math.floor(count / WORD);
      words.set(bytes, end + HEADER_WORDS);
      end += HEADER_WORDS + bytes.length;
    });
    counter.clear();
    return words;
  }

  private countPairs(): void {
    const counts = new Float64Array(65536);
    const occurrences = new Int32Array(65536);
    this.forEachPair((pair, _word, count) => {
      counts[pair] += count;
      occurrences[pair] += 1;
    });
    this.pairs.reserveLists(occurrences.reduce((sum, count) => sum + count, 0));
    const next = new Int32Array(65536);
    for (let pair = 0; pair < 65536; pair++) {
      if (occurrences[pair] > 0)
        next[pair] = this.pairs.add(pair >> 8, pair & 255, counts[pair], occurrences[pair]);
    }
    const { lists } = this.pairs;
    this.forEachPair((pair, word) => {
      lists[next[pair]++] = word;
    });
  }

  /** Merges the most frequent pair; returns it, or undefined where none is frequent enough. */
  step(): { left: number; right: number } | undefined {
    const { pairs } = this;
    const slot = pairs.take();
    if (slot < 0) return undefined;
    const left = pairs.left[slot];
    const right = pairs.right[slot];
    const token = this.tokens.add(this.tokens.get(left), this.tokens.get(right));
    const { lists } = pairs;
    const end = pairs.listEnd[slot];
    for (let at = pairs.listStart[slot]; at < end; at++) this.mergeInWord(lists[at], left, right, token);

    this.lostLeft.forEach((neighbour, count) => pairs.subtract(neighbour, left, count));
    this.lostRight.forEach((neighbour, count) => pairs.subtract(right, neighbour, count));
    this.newLeft.place(
      (neighbour, count, words) => pairs.add(neighbour, token, count, words),
      () => pairs.lists,
    );
    this.newRight.place(
      (neighbour, count, words) => pairs.add(token, neighbour, count, words),
      () => pairs.lists,
    );
    for (const counts of [this.lostLeft, this.lostRight, this.newLeft, this.newRight]) counts.clear();
    return { left, right };
  }

  private forEachPair(visit: (pair: number, word: number, count: number) => void): void {
    const { words } = this;
    for (let word = 0; word < words.length; word += HEADER_WORDS + words[word]) {
      const count = this.countOf(word);
      const end = word + HEADER_WORDS + words[word];
      for (let at = word + HEADER_WORDS + 1; at < end; at++)
        visit((words[at - 1] << 8) | words[at], word, count);
    }
  }

  private countOf(word: number): number {
    return (this.words[word + 1] >>> 0) + this.words[word + 2] * WORD;
  }

  /** Replaces the pair in one word, from left to right, and notes what becomes of the pairs beside it. */
  private mergeInWord(word: number, left: number, right: number, token: number): void {
    const { words } = this;
    const begin = word + HEADER_WORDS;
    const end = begin + words[word];
    let read = begin;
    while (read < end - 1 && (words[read] !== left || words[read + 1] !== right)) read += 1;
    if (read >= end - 1) return;
    const count = this.countOf(word);
    let write = read;
    /** Whether the token before `write` was made just now: then the pair with it was accounted for from its side. */
    let fresh = false;
    while (read < end) {
      const current = words[read];
      if (current !== left || read + 1 >= end || words[read + 1] !== right) {
        words[write++] = current;
        read += 1;
        fresh = false;
        continue;
      }
      if (fresh) {
        this.newLeft.add(token, count, word);
      } else if (write > begin) {
        this.lostLeft.addCount(words[write - 1], count);
        this.newLeft.add(words[write - 1], count, word);
      }
      words[write++] = token;
      read += 2;
      fresh = true;
      if (read < end) {
        const following = words[read];
        this.lostRight.addCount(following, count);
        const mergesToo = following === left && read + 1 < end && words[read + 1] === right;
        if (!mergesToo) this.newRight.add(following, count, word);
      }
    }
    // The record keeps its place: the walk over all words is over by now.
    words[word] = write - begin;
  }
}
