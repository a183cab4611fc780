/**
 * Learns merges from counted words (Sennrich et al. 2016, algorithm 1) without counting again: a merge visits the words
 * that have its pair, and changes the counts of the pairs beside it.
 *
 * All words are in one Int32Array, each a record `length, count low, count high, room, tokens...`, where the tokens are the first
 * `length` of `room`; a word is known by the offset of its record. Tokens are numbers from 0: the 256 bytes, then what merges make, in order.
 */
import { BYTES_IN_ORDER } from '../formats/byte-level.js';
import { NeighbourCounts } from './neighbour-counts.js';
import { Pairs } from './pairs.js';
import type { PieceCounter } from './piece-counter.js';
import { TokenBytes } from './token-bytes.js';

const HEADER_WORDS = 4;
const ROOM = 3;
const WORD = 2 ** 32;

/** The pairs that are kept at a time are those above a threshold, which falls by this factor. */
const THRESHOLD_STEP = 2;

/** Counters of the sketch stay at this. */
const SATURATED = 2 ** 32 - 1;

/** About one counter for four tokens, 256 kB to 16 MB. */
function sketchBits(words: number): number {
  return Math.min(22, Math.max(16, Math.ceil(Math.log2(words / 4 + 1))));
}

/**
 * Which of several pairs that occur equally often is merged first: `bytes`, the greater pair of byte strings (Sennrich's
 * code and that of CS336), or `ids`, the pair of the lower ids (Hugging Face's BpeTrainer).
 */
export type TieRule = 'bytes' | 'ids';

/** Ids of the tokens without specials: the bytes stand in the order of GPT-2's printable characters, the others in their own. */
const BYTE_ID = new Int32Array(256);
BYTES_IN_ORDER.forEach((byte, id) => {
  BYTE_ID[byte] = id;
});

function idOf(token: number): number {
  return token < 256 ? BYTE_ID[token] : token;
}

export class Learner {
  readonly tokens: TokenBytes;
  private readonly minimum: number;
  private readonly pairs: Pairs;
  private readonly sketch: Uint32Array;
  private readonly words: Int32Array;
  /** Pairs beside the one that is merged: what becomes rarer and what is new, on its left and on its right. */
  private readonly lostLeft: NeighbourCounts;
  private readonly lostRight: NeighbourCounts;
  private readonly newLeft: NeighbourCounts;
  private readonly newRight: NeighbourCounts;

  /** @param minimum count below which a pair is not merged */
  constructor(counter: PieceCounter, maxTokens: number, minimum: number, ties: TieRule) {
    const tokens = new TokenBytes(maxTokens);
    this.tokens = tokens;
    this.minimum = minimum;
    this.lostLeft = new NeighbourCounts(maxTokens);
    this.lostRight = new NeighbourCounts(maxTokens);
    this.newLeft = new NeighbourCounts(maxTokens);
    this.newRight = new NeighbourCounts(maxTokens);
    this.words = this.takeWords(counter);
    this.pairs = new Pairs(ties === 'bytes' ? (a, b) => tokens.compare(a, b) : (a, b) => idOf(b) - idOf(a));
    this.sketch = new Uint32Array(1 << sketchBits(this.words.length));
    this.countPairs(this.firstThreshold());
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
      words[end + ROOM] = bytes.length;
      words.set(bytes, end + HEADER_WORDS);
      end += HEADER_WORDS + bytes.length;
    });
    counter.clear();
    return words;
  }

  /** Merges the most frequent pair; returns it, or undefined where none is frequent enough. */
  step(): { left: number; right: number } | undefined {
    let slot = this.pairs.take();
    while (slot < 0) {
      const { threshold } = this.pairs;
      if (threshold <= this.minimum) return undefined;
      this.countPairs(Math.max(this.minimum, Math.floor(threshold / THRESHOLD_STEP)));
      slot = this.pairs.take();
    }
    const { pairs } = this;
    const left = pairs.left[slot];
    const right = pairs.right[slot];
    const token = this.tokens.join(left, right);
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

  /** A threshold that only the most frequent pairs of bytes reach. */
  private firstThreshold(): number {
    const counts = new Float64Array(65536);
    const { words } = this;
    for (let word = 0; word < words.length; word += HEADER_WORDS + words[word]) {
      const count = this.countOf(word);
      const end = word + HEADER_WORDS + words[word];
      for (let at = word + HEADER_WORDS + 1; at < end; at++)
        counts[(words[at - 1] << 8) | words[at]] += count;
    }
    const highest = counts.reduce((most, count) => Math.max(most, count), 0);
    return Math.max(this.minimum, Math.floor(highest / THRESHOLD_STEP));
  }

  /**
   * Counts the pairs that occur at least `threshold` times. Before the exact count a sketch, in which pairs share counters,
   * tells which ones cannot: so the table never holds the many rare ones.
   */
  private countPairs(threshold: number): void {
    const { words, pairs, sketch } = this;
    pairs.beginCounting(threshold);
    sketch.fill(0);
    const mask = sketch.length - 1;
    const reached = Math.min(threshold, SATURATED);
    for (let pass = 0; pass < 3; pass++) {
      for (let word = 0; word < words.length;) {
        const begin = word + HEADER_WORDS;
        const end = begin + words[word];
        const count = this.countOf(word);
        for (let at = begin + 1; at < end; at++) {
          const left = words[at - 1];
          const right = words[at];
          const hash = Math.imul(Math.imul(left, 0x85ebca6b) ^ right, 0xc2b2ae35);
          const cell = (hash ^ (hash >>> 16)) & mask;
          if (pass === 0) sketch[cell] = Math.min(SATURATED, sketch[cell] + count);
          else if (sketch[cell] < reached) continue;
          else if (pass === 1) pairs.countOccurrence(left, right, count);
          else pairs.addOccurrence(left, right, word);
        }
        // Records keep their place, so that the next one is behind the length that this one had at first.
        word = begin + words[word + ROOM];
      }
      if (pass === 1) pairs.beginLists();
    }
    pairs.endCounting();
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
    words[word] = write - begin;
  }
}
