/**
 * Signatures that equal datatrove's bit for bit (`MinhashDedupSignature` with 64-bit SHA-1, which FineWeb was made
 * with), so that an index that exists can be compared. What is only like it is the splitting into words: datatrove
 * calls spaCy on the simplified text, which is split here by `scan/words.ts`; the two agree but for spaCy's list
 * of English exceptions (`cannot` is two words there).
 */
import { createHash } from 'node:crypto';
import { scanText } from '../scan/scan.js';
import { addends64, BLOCK, minima64, multipliers64, permute61, shingles64 } from './kernel.js';
import { MersenneTwister } from './mersenne-twister.js';
import { DEFAULT_MINHASH, type MinhashParameters } from './parameters.js';

const PRIME = (1n << 61n) - 1n;

type Parameters = Pick<MinhashParameters, 'bands' | 'rows' | 'seed' | 'shingle'>;

/** Multipliers a and addends b of the permutations h(x) = ((a x + b) mod 2^64) mod (2^61 - 1). */
export function datatroveParameters(
  permutations: number,
  seed: number,
): { a: BigUint64Array; b: BigUint64Array } {
  const random = new MersenneTwister(seed);
  const draw = (low: bigint): BigUint64Array =>
    BigUint64Array.from({ length: permutations }, () => random.randint(low, PRIME));
  return { a: draw(1n), b: draw(0n) };
}

let cached: { key: string; a: BigUint64Array; b: BigUint64Array } | undefined;

/** The minima of a text, bands one after the other; undefined where it has fewer words than a shingle. */
export function datatroveSignature(
  text: string,
  { bands, rows, seed, shingle }: Parameters = DEFAULT_MINHASH,
): BigUint64Array | undefined {
  const words = wordsOf(simplifyText(text));
  if (words.length < shingle) return undefined;
  const permutations = bands * rows;
  const key = `${permutations} ${seed}`;
  if (cached?.key !== key) cached = { key, ...datatroveParameters(permutations, seed) };
  multipliers64.set(cached.a);
  addends64.set(cached.b);
  minima64.fill(0xffff_ffff_ffff_ffffn);
  const count = words.length - shingle + 1;
  for (let start = 0; start < count; start += BLOCK) {
    const size = Math.min(BLOCK, count - start);
    for (let i = 0; i < size; i++) {
      const at = start + i;
      shingles64[i] = createHash('sha1')
        .update(words.slice(at, at + shingle).join(' '))
        .digest()
        .readBigUInt64LE();
    }
    permute61(size, permutations);
  }
  return minima64.slice(0, permutations);
}

function wordsOf(text: string): string[] {
  const { words } = scanText(text);
  return Array.from({ length: words.count }, (_, word) => text.slice(words.start[word], words.end[word]));
}

const NUMBER = /\p{Nd}+(?:[.,،٫⎖⎗⎘]\p{Nd}+)?/gu;
/** Its list of punctuation, and the control characters but for line feed (9 and 10 are not in its ranges). */
const PUNCTUATION =
  // oxlint-disable-next-line no-control-regex
  /[!/—”:％１〈&(、━\\【#%「」，】；+^\]~“《„';’{|∶´[=\-`*．（–？！：$～«〉,><》)?）。…@_."}►»\u0000-\u0008\u000b\u000c\u000d-\u001f\u007f-\u009f]/g;
/** White space as Python has it; the control characters among it are gone by then. */
const SPACES = /[\t\n \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Lower case, numbers 0, punctuation and runs of white space one space, no accents. */
export function simplifyText(text: string): string {
  const plain = text.toLowerCase().replaceAll(NUMBER, '0').replaceAll(PUNCTUATION, ' ');
  const spaced = plain.replaceAll(SPACES, ' ').replaceAll(/^ | $/g, '');
  return spaced
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .replaceAll(/^ +| +$/g, '');
}
