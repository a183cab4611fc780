/**
 * MinHash signatures (Broder 1997) and their bands for locality-sensitive hashing (Leskovec, Rajaraman and Ullman,
 * Mining of Massive Datasets, chapter 3): two texts share a band with probability 1 - (1 - J^rows)^bands, where J is
 * the Jaccard similarity of their sets of shingles.
 *
 * Shingles are 5-grams of the words of `scan/words.ts` in lower case, words of punctuation left out. A text with fewer
 * words is one shingle of all of them; a text without words is one shingle of all its characters, so that it equals
 * itself only. A shingle is hashed to 64 bits in two halves.
 *
 * Invariant: a signature depends on the text, the number of permutations and the seed. Datasets store signatures, so
 * any change here that changes one is a change of format; the tests pin some.
 */
import { Random } from '../core/random.js';
import { mix } from './scan/key-table.js';
import { LOWER_CASE_UNITS } from './scan/character-classes.js';
import { scanText, type Scan } from './scan/scan.js';

export const SHINGLE_WORDS = 5;
/** FineWeb's choice: probability 1/2 at J = 0.72, 0.924 at J = 0.8. */
export const BANDS = 14;
export const ROWS = 8;
export const PERMUTATIONS = BANDS * ROWS;
export const MINHASH_SEED = 1;

export interface MinhashParameters {
  readonly bands: number;
  readonly rows: number;
  readonly seed: number;
}

export const DEFAULT_MINHASH: MinhashParameters = { bands: BANDS, rows: ROWS, seed: MINHASH_SEED };

export interface Signature {
  /** Smallest hash of any shingle for each permutation: bands * rows values. */
  readonly minhashes: Uint32Array;
  /** 64-bit hash of the band's index and of its rows, for each band. */
  readonly bands: BigUint64Array;
}

/** Shingles that are hashed before the permutations go over them: two blocks of this many words stay in the cache. */
const BLOCK = 2048;

/** Words up to which the buffers are kept for the next text. */
const RETAINED_WORDS = 1 << 20;

const low = new Int32Array(BLOCK);
const high = new Int32Array(BLOCK);
let wordLow = new Int32Array(1024);
let wordHigh = new Int32Array(1024);

/** Signature of a text. Linear in its length. */
export function signatureOf(text: string, parameters: MinhashParameters = DEFAULT_MINHASH): Signature {
  const { bands, rows, seed } = parameters;
  const multipliers = multipliersFor(bands * rows, seed);
  const minima = new Int32Array(bands * rows).fill(0x7fffffff);
  const scan = scanText(text);
  const words = hashWords(scan);
  if (words < SHINGLE_WORDS) {
    if (words === 0) hashCharacters(scan);
    else hashShingle(0, words, 0);
    permute(multipliers, minima, 1);
  } else {
    const shingles = words - SHINGLE_WORDS + 1;
    for (let start = 0; start < shingles; start += BLOCK) {
      const count = Math.min(BLOCK, shingles - start);
      for (let i = 0; i < count; i++) hashShingle(start + i, SHINGLE_WORDS, i);
      permute(multipliers, minima, count);
    }
  }
  const minhashes = new Uint32Array(minima);
  return { minhashes, bands: hashBands(minhashes, bands, rows) };
}

/** Share of equal values: the estimate of the Jaccard similarity, with standard error sqrt(J (1 - J) / permutations). */
export function estimateJaccard(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal += 1;
  return equal / a.length;
}

/**
 * Bands and rows whose probability of a shared band rises fastest near `threshold`: of all that use more than half of
 * `permutations`, so that the rise is steep, those with (1/bands)^(1/rows) nearest to it; of equals the most hashes.
 * @param threshold Jaccard similarity, above 0 and below 1
 */
export function planBands(threshold: number, permutations = PERMUTATIONS): { bands: number; rows: number } {
  const EQUAL = 1e-9;
  let best = { bands: 1, rows: permutations };
  let bestDistance = Infinity;
  for (let rows = 1; rows <= permutations; rows++) {
    for (let bands = Math.floor(permutations / rows); bands * rows * 2 > permutations; bands--) {
      const distance = Math.abs((1 / bands) ** (1 / rows) - threshold);
      const isNearer = distance < bestDistance - EQUAL;
      if (isNearer || (distance < bestDistance + EQUAL && bands * rows > best.bands * best.rows)) {
        best = { bands, rows };
        bestDistance = distance;
      }
    }
  }
  return best;
}

let cached: { count: number; seed: number; multipliers: Int32Array } | undefined;

function multipliersFor(count: number, seed: number): Int32Array {
  if (cached?.count !== count || cached.seed !== seed) {
    const random = new Random(seed);
    cached = { count, seed, multipliers: Int32Array.from({ length: count }, () => random.uint32()) };
  }
  return cached.multipliers;
}

/**
 * Lowers `minima` to the smallest hash of the first `count` shingles of the block under each permutation: h(x) = a *
 * low(x) + high(x) modulo 2^32. The halves are independent uniform hashes, so any two permutations are independent
 * of each other too (Kirsch and Mitzenmacher 2008, "Less hashing, same performance"), for one multiplication each.
 * Four at a time, because the loads are shared then: measured 0.5 against 1.0 ns a permutation.
 */
function permute(multipliers: Int32Array, minima: Int32Array, count: number): void {
  let p = 0;
  for (; p + 4 <= minima.length; p += 4) {
    const a0 = multipliers[p];
    const a1 = multipliers[p + 1];
    const a2 = multipliers[p + 2];
    const a3 = multipliers[p + 3];
    let m0 = minima[p];
    let m1 = minima[p + 1];
    let m2 = minima[p + 2];
    let m3 = minima[p + 3];
    for (let i = 0; i < count; i++) {
      const x = low[i];
      const y = high[i];
      m0 = Math.min(m0, (Math.imul(x, a0) + y) | 0);
      m1 = Math.min(m1, (Math.imul(x, a1) + y) | 0);
      m2 = Math.min(m2, (Math.imul(x, a2) + y) | 0);
      m3 = Math.min(m3, (Math.imul(x, a3) + y) | 0);
    }
    minima[p] = m0;
    minima[p + 1] = m1;
    minima[p + 2] = m2;
    minima[p + 3] = m3;
  }
  for (; p < minima.length; p++) {
    let m = minima[p];
    for (let i = 0; i < count; i++) m = Math.min(m, (Math.imul(low[i], multipliers[p]) + high[i]) | 0);
    minima[p] = m;
  }
}

/** Hashes the words that are no symbols, in lower case, into `wordLow` and `wordHigh`; returns how many. */
function hashWords({ units, words }: Scan): number {
  const isTooLarge = wordLow.length > RETAINED_WORDS && words.count <= RETAINED_WORDS;
  if (wordLow.length < words.count || isTooLarge) {
    wordLow = new Int32Array(words.count * 2);
    wordHigh = new Int32Array(words.count * 2);
  }
  let count = 0;
  for (let word = 0; word < words.count; word++) {
    if (words.isSymbol[word] === 1) continue;
    let a = 0x2545f491;
    let b = 0x6a09e667;
    const end = words.end[word];
    for (let i = words.start[word]; i < end; i++) {
      const unit = LOWER_CASE_UNITS[units[i]];
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x5bd1e995);
    }
    wordLow[count] = a;
    wordHigh[count] = b;
    count += 1;
  }
  return count;
}

/** Puts the hash of `count` words from `start` on into place `slot` of the block. */
function hashShingle(start: number, count: number, slot: number): void {
  let a = count;
  let b = ~count;
  for (let i = start; i < start + count; i++) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ wordLow[i], 0x9e3779b1);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ wordHigh[i], 0x85ebca77);
  }
  low[slot] = mix(a);
  high[slot] = mix(b);
}

/** The one shingle of a text without words. */
function hashCharacters({ units, length }: Scan): void {
  let a = 0x3c6ef372;
  let b = 0x510e527f;
  for (let i = 0; i < length; i++) {
    a = Math.imul(a ^ units[i], 0x01000193);
    b = Math.imul(b ^ units[i], 0x5bd1e995);
  }
  low[0] = mix(a);
  high[0] = mix(b);
}

function hashBands(minhashes: Uint32Array, bands: number, rows: number): BigUint64Array {
  const hashes = new BigUint64Array(bands);
  for (let band = 0; band < bands; band++) {
    let a = mix(band + 1);
    let b = mix(~band);
    for (let i = band * rows; i < (band + 1) * rows; i++) {
      a = Math.imul(((a << 13) | (a >>> 19)) ^ minhashes[i], 0x9e3779b1);
      b = Math.imul(((b << 13) | (b >>> 19)) ^ mix(minhashes[i]), 0x85ebca77);
    }
    hashes[band] = (BigInt(mix(b)) << 32n) | BigInt(mix(a));
  }
  return hashes;
}
