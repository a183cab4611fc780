/**
 * MinHash signatures (Broder 1997) and their bands for locality-sensitive hashing: the smallest hash of any shingle under
 * each of many permutations, and one hash over each band of those.
 *
 * Permutation p is h(x) = a_p * low(x) + high(x) modulo 2^32, compared as signed integers. The halves are independent
 * uniform hashes, so any two permutations are independent of each other too (Kirsch and Mitzenmacher 2008, "Less
 * hashing, same performance"), for one multiplication each.
 *
 * Invariant: a signature depends on the text and the parameters. Datasets store signatures, so any change here that
 * changes one is a change of format; the tests pin some.
 */
import { Random } from '../../core/random.js';
import { mix } from '../scan/key-table.js';
import { high, low, minima32, multipliers32, permute32 } from './kernel.js';
import { DEFAULT_MINHASH, type MinhashParameters } from './parameters.js';
import { forEachBlock } from './shingles.js';

export interface Signature {
  /** Smallest hash of any shingle for each permutation: bands * rows values. */
  readonly minhashes: Uint32Array;
  /** 64-bit hash of the band's index and of its rows, for each band. */
  readonly bands: BigUint64Array;
}

const LARGEST = 0x7fffffff;

/** Signature of a text. Linear in its length. */
export function signatureOf(text: string, parameters: MinhashParameters = DEFAULT_MINHASH): Signature {
  const { bands, rows, seed } = parameters;
  const permutations = bands * rows;
  multipliers32.set(multipliersFor(permutations, seed));
  minima32.fill(LARGEST);
  forEachBlock(text, parameters, low, high, (count) => permute32(count, permutations));
  const minhashes = new Uint32Array(minima32.subarray(0, permutations));
  return { minhashes, bands: hashBands(minhashes, bands, rows) };
}

/** Share of equal values: the estimate of the Jaccard similarity, with standard error sqrt(J (1 - J) / permutations). */
export function estimateJaccard(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) equal += 1;
  return equal / a.length;
}

let cached: { count: number; seed: number; multipliers: Int32Array } | undefined;

function multipliersFor(count: number, seed: number): Int32Array {
  if (cached?.count !== count || cached.seed !== seed) {
    const random = new Random(seed);
    cached = { count, seed, multipliers: Int32Array.from({ length: count }, () => random.uint32()) };
  }
  return cached.multipliers;
}

function hashBands(minhashes: Uint32Array, bands: number, rows: number): BigUint64Array {
  const hashes = new BigUint64Array(bands);
  const halves = new Uint32Array(hashes.buffer);
  for (let band = 0; band < bands; band++) {
    let a = mix(band + 1);
    let b = mix(~band);
    for (let i = band * rows; i < (band + 1) * rows; i++) {
      a = Math.imul(((a << 13) | (a >>> 19)) ^ minhashes[i], 0x9e3779b1);
      b = Math.imul(((b << 13) | (b >>> 19)) ^ mix(minhashes[i]), 0x85ebca77);
    }
    halves[band * 2] = mix(a);
    halves[band * 2 + 1] = mix(b);
  }
  return hashes;
}
