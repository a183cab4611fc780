/**
 * Tokenizer: encoding and training, one thread, in CPU time, beside other implementations in the same run.
 *
 * Encoding: documents of 64 kB of two corpora (see tokenizer-corpus.ts). `first` is one pass of a new tokenizer, whose
 * caches are empty, after the code itself was warmed up on other documents; `again` is the best of further passes.
 * Training: to 32,000 tokens with the pattern of GPT-2, in a process of its own.
 * Checked: the numbers of tokens agree with every peer, decoding gives the corpus back, and a megabyte of one unit takes
 * less than a second.
 *
 * Peers: the packages tiktoken (WebAssembly) and gpt-tokenizer; native tiktoken and Hugging Face tokenizers where
 * TOKENMILL_PYTHON names a Python that has them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { get_encoding, type TiktokenEncoding } from 'tiktoken';
import { TokenBuffer } from '../src/tokenizer/bpe/token-buffer.js';
import { loadTokenizer } from '../src/tokenizer/load.js';
import type { TokenizerModel } from '../src/tokenizer/model.js';
import { Tokenizer } from '../src/tokenizer/tokenizer.js';
import { measureNode, type Benchmark } from './support/benchmark.js';
import { documentationCorpus, mixedCorpus } from './tokenizer-corpus.js';

const DOCUMENT_BYTES = 65_536;
const WARM_UP_DOCUMENTS = 40;
const VOCABULARIES = ['gpt2', 'cl100k_base', 'o200k_base'] as const satisfies readonly TiktokenEncoding[];
const TRAINED_SIZE = 32_000;

const PYTHON = process.env['TOKENMILL_PYTHON'];
const PEERS = fileURLToPath(new URL('peers/tokenizer.py', import.meta.url));
const RANKS = dirname(createRequire(import.meta.url).resolve('gpt-tokenizer/data/cl100k_base.tiktoken'));
const TRAIN_MODULE = new URL('../dist/tokenizer/train.js', import.meta.url).href;

function python<Result>(...args: readonly string[]): Result | undefined {
  if (PYTHON === undefined) return undefined;
  return JSON.parse(execFileSync(PYTHON, [PEERS, ...args], { encoding: 'utf8' })) as Result;
}

function documentsOf(corpus: Buffer): Buffer[] {
  const documents: Buffer[] = [];
  for (let start = 0; start < corpus.length;) {
    let end = Math.min(corpus.length, start + DOCUMENT_BYTES);
    if (end < corpus.length) end = corpus.lastIndexOf('\n', end - 1) + 1;
    documents.push(corpus.subarray(start, end));
    start = end;
  }
  return documents;
}

/** CPU seconds of this process that a piece of work takes. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

interface Rates {
  readonly first: number;
  readonly again: number;
  readonly tokens: number;
}

function measureOurs(
  model: TokenizerModel,
  documents: readonly Buffer[],
  size: number,
  rounds: number,
): Rates {
  const output = new TokenBuffer(DOCUMENT_BYTES);
  let tokens = 0;
  const pass = (tokenizer: Tokenizer, some: readonly Buffer[]): number =>
    cpuSeconds(() => {
      tokens = 0;
      for (const document of some) {
        output.length = 0;
        tokenizer.encodeInto(document, output);
        tokens += output.length;
      }
    });
  pass(new Tokenizer(model), documents.slice(0, WARM_UP_DOCUMENTS));
  let first = Infinity;
  let again = Infinity;
  for (let round = 0; round < rounds; round++) {
    const tokenizer = new Tokenizer(model);
    first = Math.min(first, pass(tokenizer, documents));
    for (let repeat = 0; repeat < 3; repeat++) again = Math.min(again, pass(tokenizer, documents));
  }
  const sample = documents[documents.length >> 1];
  const tokenizer = new Tokenizer(model);
  if (!sample.equals(tokenizer.decode(tokenizer.encode(sample))))
    throw new Error('decoding does not give the text back');
  return { first: size / 1e6 / first, again: size / 1e6 / again, tokens };
}

/** The best of two passes of another implementation, in MB per CPU second. Throws where its tokens are others in number. */
function measurePeer(
  count: (text: string) => number,
  texts: readonly string[],
  size: number,
  tokens: number,
): number {
  let best = Infinity;
  for (let round = 0; round < 2; round++) {
    let found = 0;
    best = Math.min(
      best,
      cpuSeconds(() => {
        for (const text of texts) found += count(text);
      }),
    );
    if (found !== tokens) throw new Error(`${found} tokens instead of ${tokens}`);
  }
  return size / 1e6 / best;
}

const round1 = (value: number): number => Number(value.toFixed(1));

async function encoding(
  name: string,
  corpus: Buffer,
  file: string,
  quick: boolean,
): Promise<Record<string, unknown>[]> {
  const documents = documentsOf(corpus);
  const texts = documents.map((document) => document.toString());
  const rows: Record<string, unknown>[] = [];
  for (const vocabulary of VOCABULARIES) {
    const { model } = await loadTokenizer(vocabulary);
    const ours = measureOurs(model, documents, corpus.length, quick ? 1 : 3);
    const wasm = get_encoding(vocabulary);
    const row: Record<string, unknown> = {
      corpus: name,
      vocabulary,
      tokens: ours.tokens,
      first: round1(ours.first),
      again: round1(ours.again),
      tiktoken_wasm: round1(
        measurePeer((text) => wasm.encode_ordinary(text).length, texts, corpus.length, ours.tokens),
      ),
    };
    wasm.free();
    const native = python<{ megabytes_per_second: number; tokens: number }>(
      'encode',
      RANKS,
      vocabulary,
      file,
    );
    if (native !== undefined) {
      if (native.tokens !== ours.tokens)
        throw new Error(`tiktoken has ${native.tokens} tokens, not ${ours.tokens}`);
      row['tiktoken_native'] = round1(native.megabytes_per_second);
      row['first_to_native'] = round1(ours.first / native.megabytes_per_second);
      row['again_to_native'] = round1(ours.again / native.megabytes_per_second);
    }
    rows.push(row);
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  return rows;
}

async function training(name: string, file: string): Promise<Record<string, unknown>> {
  const code = `
    import { createReadStream } from 'node:fs';
    const { trainTokenizer } = await import(${JSON.stringify(TRAIN_MODULE)});
    const before = process.cpuUsage();
    const texts = createReadStream(process.argv[1], { highWaterMark: ${DOCUMENT_BYTES} });
    const model = await trainTokenizer(texts, { vocabSize: ${TRAINED_SIZE}, specials: ['<|endoftext|>'] });
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ seconds: (user + system) / 1e6, merges: model.merges.length / 3 }));`;
  const { stdout, peakBytes } = await measureNode(['--input-type=module', '-e', code, file]);
  const { seconds, merges } = JSON.parse(stdout) as { seconds: number; merges: number };
  const base = await measureNode([
    '--input-type=module',
    '-e',
    `await import(${JSON.stringify(TRAIN_MODULE)}); setTimeout(() => {}, 200)`,
  ]);
  const row: Record<string, unknown> = {
    corpus: name,
    merges,
    seconds: Number(seconds.toFixed(2)),
    peak_mb: Math.round(peakBytes / 1e6),
    base_mb: Math.round(base.peakBytes / 1e6),
  };
  const peer = python<{ seconds: number; peak_megabytes: number; base_megabytes: number }>(
    'train',
    file,
    String(TRAINED_SIZE),
  );
  if (peer !== undefined) {
    row['tokenizers_seconds'] = Number(peer.seconds.toFixed(2));
    row['tokenizers_peak_mb'] = Math.round(peer.peak_megabytes);
    row['tokenizers_base_mb'] = Math.round(peer.base_megabytes);
    row['times_as_fast'] = round1(peer.seconds / seconds);
  }
  process.stdout.write(`${JSON.stringify(row)}\n`);
  return row;
}

/** Texts that are one pre-token of a megabyte. */
async function longPieces(): Promise<Record<string, unknown>> {
  const tokenizer = await loadTokenizer('cl100k_base');
  const row: Record<string, unknown> = { text: 'one pre-token of 1 MB, milliseconds' };
  for (const [name, unit] of Object.entries({
    letter: 'a',
    spaces: ' ',
    marks: '\u0301',
    emoji: '👩‍💻',
    ideograph: '漢',
  })) {
    const bytes = Buffer.from(unit.repeat(1e6 / Buffer.byteLength(unit)));
    const seconds = cpuSeconds(() => void tokenizer.encode(bytes));
    if (seconds > 1) throw new Error(`${name}: ${seconds} s`);
    row[name] = Math.round(seconds * 1000);
  }
  process.stdout.write(`${JSON.stringify(row)}\n`);
  return row;
}

export const run: Benchmark = async ({ quick }) => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-bench-'));
  const size = quick ? 2_000_000 : 18_800_000;
  const figures: Record<string, unknown> = { unit: 'MB per CPU second' };
  try {
    for (const [name, corpus] of [
      ['documentation', documentationCorpus(size)],
      ['mixed', mixedCorpus(size)],
    ] as const) {
      const digest = createHash('sha256').update(corpus).digest('hex').slice(0, 16);
      process.stdout.write(`${name}: ${corpus.length} bytes, sha256 ${digest}\n`);
      const file = join(folder, name);
      await writeFile(file, corpus);
      figures[name] = {
        bytes: corpus.length,
        sha256: digest,
        encoding: await encoding(name, corpus, file, quick),
        training: await training(name, file),
      };
    }
    figures['long_pieces'] = await longPieces();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
};
