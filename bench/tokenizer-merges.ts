/**
 * Training of a tokenizer on much text.
 *
 * `run`: 50 MB of varied text (English, source code, fifteen languages) to 32,000 tokens: the merges are those of Hugging
 * Face's BpeTrainer, each at its place, where ties go to the lower ids as there. PYTHON names a Python with tokenizers. Also
 * tells how many merges are others where ties go to the greater byte strings.
 *
 * `runLarge`: a text file of 2 GB, the 50 MB with every second word changed in each copy, to 10,000 tokens by the command
 * line: time, peak memory, and that nothing was left out.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { mergesOf } from '../src/tokenizer/formats/huggingface.js';
import { trainTokenizer } from '../src/tokenizer/train.js';
import { measureNode, type Benchmark } from './support/benchmark.js';
import { documentationCorpus, mixedCorpus } from './tokenizer-corpus.js';

const PYTHON = process.env['PYTHON'];
const PEERS = fileURLToPath(new URL('peers/tokenizer.py', import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const ENGLISH_BYTES = 18_800_000;
const MIXED_BYTES = 32_000_000;
const VOCAB_SIZE = 32_000;
const LARGE_BYTES = 2_000_000_000;
const LARGE_VOCAB_SIZE = 10_000;
const MAX_PEAK_MB = 2000;
const SPECIAL = '<|endoftext|>';

function variedText(share: number): string {
  const corpora = [documentationCorpus(ENGLISH_BYTES * share), mixedCorpus(MIXED_BYTES * share)];
  return corpora.map((corpus) => corpus.toString()).join('\n');
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const run: Benchmark = ({ quick }) =>
  inFolder(async (folder) => {
    const text = variedText(quick ? 0.02 : 1);
    const vocabSize = quick ? 2000 : VOCAB_SIZE;
    const options = { vocabSize, specials: [SPECIAL] };
    const byIds = mergesOf(await trainTokenizer([text], { ...options, ties: 'ids' }));
    const byBytes = mergesOf(await trainTokenizer([text], options));
    const asSet = new Set(byIds);
    const figures = {
      bytes: Buffer.byteLength(text),
      merges: byIds.length,
      othersWhereTiesGoToBytes: byBytes.filter((merge) => !asSet.has(merge)).length,
    };
    if (PYTHON === undefined) {
      process.stdout.write(`${JSON.stringify(figures)}, not compared: PYTHON names no Python\n`);
      return figures;
    }
    const [file, out] = [join(folder, 'corpus.txt'), join(folder, 'merges.json')];
    await writeFile(file, text);
    execFileSync(PYTHON, [PEERS, 'merges', file, String(vocabSize), out]);
    const theirs = JSON.parse(await readFile(out, 'utf8')) as string[];
    const equal = theirs.filter((merge, at) => merge === byIds[at]).length;
    process.stdout.write(`${JSON.stringify({ ...figures, theirs: theirs.length, equal })}\n`);
    if (theirs.length !== byIds.length || equal !== theirs.length)
      throw new Error(`${theirs.length - equal} merges differ from Hugging Face's`);
    return { ...figures, equalToHuggingFace: equal };
  });

/** Changes every second word of six letters or more by a letter that depends on the copy. */
function copyOf(text: string, copy: number): string {
  if (copy === 0) return text;
  const mark = `${String.fromCharCode(97 + (copy % 26))}${String.fromCharCode(97 + Math.floor(copy / 26))}`;
  let even = false;
  return text.replace(/[a-z]{6,}/g, (word) => {
    even = !even;
    return even ? word.slice(0, 3) + mark + word.slice(3) : word;
  });
}

export const runLarge: Benchmark = ({ quick }) =>
  inFolder(async (folder) => {
    const target = quick ? LARGE_BYTES / 10 : LARGE_BYTES;
    const base = variedText(1);
    const file = join(folder, 'corpus.txt');
    const stream = createWriteStream(file);
    let bytes = 0;
    for (let copy = 0; bytes < target; copy++) {
      const part = Buffer.from(copyOf(base, copy));
      bytes += part.length;
      if (!stream.write(part)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'finish');

    const out = join(folder, 'tokenizer');
    const args = ['tokenizer', 'train', file, '--vocab-size', String(LARGE_VOCAB_SIZE), '--out', out];
    const { seconds, peakBytes } = await measureNode([CLI, ...args]);
    const saved = await readFile(join(out, 'vocab.json'), 'utf8');
    const size = Object.keys(JSON.parse(saved) as Record<string, number>).length;
    const figures = {
      bytes,
      seconds: Math.round(seconds),
      peak_mb: Math.round(peakBytes / 1e6),
      tokens: size,
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    if (size !== LARGE_VOCAB_SIZE) throw new Error(`${size} tokens, asked were ${LARGE_VOCAB_SIZE}`);
    if (figures.peak_mb > MAX_PEAK_MB) throw new Error(`${figures.peak_mb} MB, more than ${MAX_PEAK_MB}`);
    return figures;
  });
