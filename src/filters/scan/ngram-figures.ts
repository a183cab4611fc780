/**
 * What is measured of the n-grams of a sequence of words: those of the most frequent 2-, 3- and 4-gram, and the characters
 * in 5- to 10-grams that occur more than once. By the kernel, or by the same steps in TypeScript.
 */
import { scanKernel, type Kernel } from '../wasm/kernel.js';
import {
  FIGURES_AT,
  MAX_TEXT_UNITS,
  NUMBERS_AT,
  NUMBERS_BYTES,
  PAIRS_AT,
  SUMS_AT,
  SUMS_BYTES,
} from '../wasm/layout.js';
import { RepeatedNgrams } from './repeated-ngrams.js';
import type { WordSequence } from './word-sequence.js';

export const TOP_NGRAMS = [2, 3, 4] as const;
export const REPEATED_NGRAMS = [5, 6, 7, 8, 9, 10] as const;

/**
 * How characters of repeated n-grams are counted. `skipping`: those of an n-gram that repeats an earlier one; it is then
 * skipped whole, so that none overlap (datatrove). `covering`: those of the words that belong to an n-gram with another
 * copy, each word once (dolma, DCLM, RedPajama).
 */
export type RepeatCounting = 'skipping' | 'covering';

/** Integers of the figures: different words, then three a top n-gram, then one a length of repeated n-grams. */
const DISTINCT = 0;
const TOP = 1;
const REPEATED = TOP + 3 * TOP_NGRAMS.length;
const FIGURES = REPEATED + REPEATED_NGRAMS.length;

/** Figures of a sequence; valid until the next are measured. Characters are code points, spaces between words aside. */
export class NgramFigures {
  words = 0;
  readonly values = new Int32Array(FIGURES);
  private repeatedCounts: Int32Array = new Int32Array(0);
  private readonly ngrams = new RepeatedNgrams();

  get distinctWords(): number {
    return this.values[DISTINCT];
  }

  /** Occurrences of the most frequent n-gram; 1 where none repeats and there is one, 0 where there is none. */
  topCount(n: number): number {
    const top = this.values[TOP + 3 * (n - 2)];
    return top > 1 ? top : this.words >= n ? 1 : 0;
  }

  /** Where the most frequent n-gram begins, of equals the one that occurs first. */
  topPosition(n: number): number {
    return Math.max(this.values[TOP + 3 * (n - 2) + 1], 0);
  }

  /** Characters of the most frequent n-gram that repeats, of equals the longest. */
  longestTopCharacters(n: number): number {
    return this.values[TOP + 3 * (n - 2) + 2];
  }

  repeatedCharacters(n: number): number {
    return this.values[REPEATED + n - 5];
  }

  /** Measures a sequence whose numbers are below `limit`. Linear in its length. */
  measure(words: WordSequence, limit: number, counting: RepeatCounting): void {
    this.words = words.count;
    const kernel = words.count < MAX_TEXT_UNITS && limit <= 3 * MAX_TEXT_UNITS ? scanKernel() : null;
    if (kernel === null) {
      this.measureHere(words, limit, counting);
      return;
    }
    kernel.measureNgrams(lend(kernel, words), words.count, limit, counting === 'skipping');
    this.values.set(new Int32Array(kernel.memory, FIGURES_AT, FIGURES));
  }

  /** Occurrences of the words that occur more than once, in the order of their first ones. Valid until the next call. */
  repeatedWords(words: WordSequence, limit: number): Int32Array {
    const kernel = words.count < MAX_TEXT_UNITS && limit <= 3 * MAX_TEXT_UNITS ? scanKernel() : null;
    if (kernel !== null) {
      const place = lend(kernel, words);
      return new Int32Array(kernel.memory, PAIRS_AT, kernel.repeatedWords(place, words.count, limit));
    }
    const { ngrams } = this;
    ngrams.begin(words, limit);
    if (this.repeatedCounts.length < ngrams.size) this.repeatedCounts = new Int32Array(ngrams.size);
    ngrams.resetSeen();
    let count = 0;
    for (let k = 0; k < ngrams.size; k++) {
      const id = ngrams.ids[k];
      if (ngrams.firstTime(id)) this.repeatedCounts[count++] = ngrams.counts[id];
    }
    return this.repeatedCounts.subarray(0, count);
  }

  private measureHere(words: WordSequence, limit: number, counting: RepeatCounting): void {
    const { ngrams, values } = this;
    ngrams.begin(words, limit);
    values[DISTINCT] = ngrams.distinctWords;
    for (const n of TOP_NGRAMS) {
      ngrams.next();
      const at = TOP + 3 * (n - 2);
      values[at] = ngrams.topCount();
      values[at + 1] = values[at] > 1 ? ngrams.firstTop(values[at]) : -1;
      values[at + 2] = values[at] > 1 ? longestTop(ngrams, words, values[at]) : 0;
    }
    for (const n of REPEATED_NGRAMS) {
      ngrams.next();
      values[REPEATED + n - 5] =
        counting === 'skipping' ? skippedCharacters(ngrams, words) : coveredCharacters(ngrams, words);
    }
  }
}

/** Puts a sequence into the kernel's memory if it is not there; returns its place. */
function lend({ memory }: Kernel, { numbers, sums, count, kernelPlace }: WordSequence): number {
  if (kernelPlace >= 0) return kernelPlace;
  new Int32Array(memory, NUMBERS_AT, NUMBERS_BYTES >> 2).set(numbers.subarray(0, count));
  new Int32Array(memory, SUMS_AT, SUMS_BYTES >> 2).set(sums.subarray(0, count + 1));
  return 0;
}

function longestTop(ngrams: RepeatedNgrams, words: WordSequence, top: number): number {
  let longest = 0;
  for (let k = 0; k < ngrams.size; k++) {
    if (ngrams.counts[ngrams.ids[k]] !== top) continue;
    longest = Math.max(longest, words.between(ngrams.positions[k], ngrams.positions[k] + ngrams.n));
  }
  return longest;
}

function skippedCharacters(ngrams: RepeatedNgrams, words: WordSequence): number {
  ngrams.resetSeen();
  let characters = 0;
  let free = 0;
  for (let k = 0; k < ngrams.size; k++) {
    const position = ngrams.positions[k];
    if (position < free || ngrams.firstTime(ngrams.ids[k])) continue;
    characters += words.between(position, position + ngrams.n);
    free = position + ngrams.n;
  }
  return characters;
}

function coveredCharacters(ngrams: RepeatedNgrams, words: WordSequence): number {
  let characters = 0;
  let covered = 0;
  for (let k = 0; k < ngrams.size; k++) {
    const start = Math.max(ngrams.positions[k], covered);
    const end = ngrams.positions[k] + ngrams.n;
    characters += words.between(start, end);
    covered = end;
  }
  return characters;
}
