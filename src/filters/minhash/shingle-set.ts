/** The set of a text's shingles, for the exact Jaccard similarity of two texts: sorted 64-bit hashes, each once. */
import { BLOCK } from './kernel.js';
import type { MinhashParameters } from './parameters.js';
import { forEachBlock } from './shingles.js';

const low = new Int32Array(BLOCK);
const high = new Int32Array(BLOCK);

/** The set behind `signatureOf` with the same parameters. n log n in the length of the text. */
export function shingleSet(text: string, parameters: MinhashParameters): BigUint64Array {
  const blocks: BigUint64Array[] = [];
  let total = 0;
  forEachBlock(text, parameters, low, high, (count) => {
    const block = new BigUint64Array(count);
    const halves = new Int32Array(block.buffer);
    for (let i = 0; i < count; i++) {
      halves[i * 2] = low[i];
      halves[i * 2 + 1] = high[i];
    }
    blocks.push(block);
    total += count;
  });
  const all = new BigUint64Array(total);
  let offset = 0;
  for (const block of blocks) {
    all.set(block, offset);
    offset += block.length;
  }
  all.sort();
  let size = 0;
  for (let i = 0; i < total; i++) if (i === 0 || all[i] !== all[i - 1]) all[size++] = all[i];
  return all.slice(0, size);
}

/** |A ∩ B| / |A ∪ B| of two sets as `shingleSet` makes them; neither is empty. */
export function exactJaccard(a: BigUint64Array, b: BigUint64Array): number {
  let common = 0;
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    while (j < b.length && b[j] < a[i]) j += 1;
    if (j < b.length && b[j] === a[i]) common += 1;
  }
  return common / (a.length + b.length - common);
}
