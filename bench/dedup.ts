/**
 * MinHash signatures, one thread, in CPU time: generated English-like prose of 500 words a document, every preset, and
 * datatrove's signatures as Tokenmill computes them. Checked: the signatures of copies are equal.
 *
 * Peer: datatrove's own signature step over a part of the same documents where TOKENMILL_PYTHON names a Python that can
 * import it (see peers/datatrove_signatures.py); its signatures must equal ours.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/random.js';
import { datatroveSignature } from '../src/filters/minhash/datatrove.js';
import { PRESETS } from '../src/filters/minhash/parameters.js';
import { signatureOf } from '../src/filters/minhash/signature.js';
import { prose } from '../tests/support/corpus.js';
import type { Benchmark } from './support/benchmark.js';

const PEER = fileURLToPath(new URL('peers/datatrove_signatures.py', import.meta.url));
const PYTHON = process.env['TOKENMILL_PYTHON'];
const WARM_UP = 300;
const PEER_DOCUMENTS = 150;

interface PeerFigures {
  readonly seconds: number;
  /** Of them, for splitting into words and hashing shingles. */
  readonly shingle_seconds: number;
  readonly words: string;
  /** Sum of the minima of each document modulo 2^64, in decimal. */
  readonly sums: readonly string[];
}

function megabytesPerSecond(texts: readonly string[], work: (text: string) => void): number {
  texts.slice(0, WARM_UP).forEach(work);
  const before = process.cpuUsage();
  texts.forEach(work);
  const { user, system } = process.cpuUsage(before);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return Number((bytes / (user + system)).toFixed(2));
}

export const run: Benchmark = async ({ quick }) => {
  const random = new Random(1);
  const texts = Array.from({ length: quick ? 600 : 8000 }, () => prose(random, 500));
  const figures: Record<string, number> = {};
  for (const [name, parameters] of Object.entries(PRESETS)) {
    figures[name] = megabytesPerSecond(texts, (text) => signatureOf(text, parameters));
    const [one, again] = [texts[0], texts[1], texts[0]]
      .map((text) => signatureOf(text, parameters))
      .filter((_, i) => i !== 1);
    if (String(one.minhashes) !== String(again.minhashes)) throw new Error('a signature differs from itself');
    process.stdout.write(`signatures, ${name}: ${figures[name]} MB/s\n`);
  }
  const some = texts.slice(0, quick ? 50 : 1000);
  figures['datatrove, by Tokenmill'] = megabytesPerSecond(some, (text) => datatroveSignature(text));
  process.stdout.write(`datatrove's signatures, by Tokenmill: ${figures['datatrove, by Tokenmill']} MB/s\n`);
  return {
    workload: 'generated prose of 500 words a document; one thread, CPU time',
    megabytes_per_second: figures,
    peer: peer(texts.slice(0, PEER_DOCUMENTS), figures['fineweb']),
  };
};

function peer(texts: readonly string[], own: number): Record<string, unknown> | null {
  if (PYTHON === undefined) return null;
  const output = execFileSync(PYTHON, [PEER], { input: JSON.stringify(texts), encoding: 'utf8' });
  const { seconds, shingle_seconds, words, sums } = JSON.parse(output) as PeerFigures;
  texts.forEach((text, i) => {
    const sum = (datatroveSignature(text) as BigUint64Array).reduce((total, value) => total + value, 0n);
    if (BigInt.asUintN(64, sum).toString() !== sums[i]) throw new Error(`document ${i}: another signature`);
  });
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const speed = bytes / seconds / 1e6;
  const ratio = own / speed;
  process.stdout.write(
    `datatrove (words by ${words}): ${speed.toFixed(2)} MB/s, ratio ${ratio.toFixed(0)}\n`,
  );
  return {
    what: 'datatrove MinhashDedupSignature.get_shingles and get_signature, 14 x 8, 64-bit SHA-1',
    words,
    megabytes_per_second: Number(speed.toFixed(3)),
    share_of_words_and_hashing: Number((shingle_seconds / seconds).toFixed(2)),
    ratio_of_fineweb_preset: Number(ratio.toFixed(1)),
    signatures_equal: true,
  };
}
