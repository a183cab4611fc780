/**
 * Child process of the join benchmark: gives an index generated documents, every tenth of which has a band of an
 * earlier one, checks each answer, and prints its figures as JSON.
 * Arguments: folder, number of documents, bytes of memory of the index.
 */
import { join } from 'node:path';
import { DedupIndex, type DedupDocument } from '../../src/filters/dedup/dedup-index.js';
import { mix } from '../../src/filters/scan/key-table.js';

const BANDS = 14;
const PERMUTATIONS = 112;
const WINDOW = 10_000;
const PLANTED_EVERY = 10;
const SHARED_BAND = 3;

const [folder, count, memory] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

const isPlanted = (ordinal: number): boolean => ordinal % PLANTED_EVERY === PLANTED_EVERY - 1;

/** The document that a planted one repeats a band of. */
function originalOf(ordinal: number): number {
  const original = mix(ordinal ^ 0x5bd1e995) % ordinal;
  return isPlanted(original) ? original - 1 : original;
}

function makeDocument(ordinal: number): DedupDocument {
  const bands = new BigUint64Array(BANDS);
  const halves = new Uint32Array(bands.buffer);
  for (let band = 0; band < BANDS; band++) {
    const from = isPlanted(ordinal) && band === SHARED_BAND ? originalOf(ordinal) : ordinal;
    const number = from * BANDS + band;
    halves[band * 2] = mix(number);
    halves[band * 2 + 1] = mix(number ^ 0x9747b28c);
  }
  const text = mix(ordinal ^ 0x3c6ef372)
    .toString(16)
    .padStart(8, '0');
  return {
    ordinal,
    id: text.repeat(4),
    textHash: text + mix(~ordinal).toString(16).padStart(8, '0'),
    bands,
    minhashes: new Uint32Array(PERMUTATIONS),
  };
}

const index = await DedupIndex.open({ folder: join(folder, 'index'), permutations: PERMUTATIONS, memory });
let seconds = 0;
let duplicates = 0;
const steps: { documents: number; microseconds_each: number }[] = [];
for (let start = 0; start < count; start += WINDOW) {
  const window = Array.from({ length: Math.min(WINDOW, count - start) }, (_, i) => makeDocument(start + i));
  const began = performance.now();
  const found = index.resolve(window);
  await index.settle();
  seconds += (performance.now() - began) / 1000;
  for (const { ordinal, duplicateOfOrdinal } of found) {
    if (!isPlanted(ordinal) || duplicateOfOrdinal !== originalOf(ordinal))
      throw new Error(`wrong: ${ordinal}`);
  }
  duplicates += found.length;
  const done = start + window.length;
  if (done % Math.max(WINDOW, count / 10) === 0) {
    steps.push({ documents: done, microseconds_each: Number(((seconds / done) * 1e6).toFixed(1)) });
    process.stderr.write(`${done} documents, ${((seconds / done) * 1e6).toFixed(1)} microseconds each\n`);
  }
}
if (duplicates !== Math.floor(count / PLANTED_EVERY)) throw new Error(`${duplicates} duplicates`);
const began = performance.now();
await index.flush();
seconds += (performance.now() - began) / 1000;
process.stdout.write(
  JSON.stringify({ documents: count, keys: index.keyCount, seconds, disk_bytes: index.bytes, steps }),
);
index.close();
