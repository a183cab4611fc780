/**
 * Tokenizer: encoding and training, one thread, in MB per CPU second, beside other implementations in the same run.
 *
 * Encoding: documents of 64 kB of two corpora (see tokenizer-corpus.ts), as UTF-8 and, for one line, as strings. `cold` is the
 * first pass of a new tokenizer, whose caches are empty (the code itself was warmed up on other documents); `warm` the
 * median of five passes after it; `construct_ms` what the tokenizer takes to be made from a vocabulary that is loaded.
 * Training: to 32,000 tokens with the pattern of GPT-2, in a process of its own.
 * Checked: all ids are those of native tiktoken and of Hugging Face tokenizers, where they run, else their number that of the
 * package tiktoken; decoding gives the corpus back; a megabyte of one unit takes less than a second.
 *
 * Peers: the package tiktoken (WebAssembly); native tiktoken and Hugging Face tokenizers where the environment variable
 * PYTHON names a Python that has them.
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
import { saveTokenizer } from '../src/tokenizer/save.js';
import { Tokenizer } from '../src/tokenizer/tokenizer.js';
import { median, type Benchmark } from './support/benchmark.js';
import { encodingMemory, training, twoWorkers } from './tokenizer-processes.js';
import { documentationCorpus, mixedCorpus } from './tokenizer-corpus.js';

const DOCUMENT_BYTES = 65_536;
const WARM_UP_DOCUMENTS = 100;
const WARM_PASSES = 5;
const VOCABULARIES = ['gpt2', 'cl100k_base', 'o200k_base'] as const satisfies readonly TiktokenEncoding[];
/** Hugging Face tokenizers are slow: they encode this much of a corpus. */
const HUGGING_FACE_BYTES = 4_000_000;

const PYTHON = process.env['PYTHON'];
const PEERS = fileURLToPath(new URL('peers/tokenizer.py', import.meta.url));
const RANKS = dirname(createRequire(import.meta.url).resolve('gpt-tokenizer/data/cl100k_base.tiktoken'));

interface PeerFigures {
  readonly megabytes_per_second: number;
  readonly tokens: number;
  readonly sha256: string;
}

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
  readonly cold: number;
  readonly warm: number;
  readonly strings: number;
  readonly construct: number;
  readonly tokens: number;
  readonly sha256: string;
}

function idsDigest(tokenizer: Tokenizer, documents: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const document of documents) hash.update(tokenizer.encode(document));
  return hash.digest('hex');
}

function measureOurs(
  model: TokenizerModel,
  documents: readonly Buffer[],
  size: number,
  rounds: number,
): Rates {
  const output = new TokenBuffer(DOCUMENT_BYTES);
  let tokens = 0;
  const pass = (tokenizer: Tokenizer, some: readonly (string | Buffer)[]): number =>
    cpuSeconds(() => {
      tokens = 0;
      for (const document of some) {
        output.length = 0;
        tokenizer.encodeInto(document, output);
        tokens += output.length;
      }
    });
  const texts = documents.map((document) => document.toString());
  pass(new Tokenizer(model), documents.slice(0, WARM_UP_DOCUMENTS));
  pass(new Tokenizer(model), texts.slice(0, WARM_UP_DOCUMENTS));
  const cold: number[] = [];
  const construct: number[] = [];
  let tokenizer!: Tokenizer;
  for (let round = 0; round < rounds; round++) {
    construct.push(
      cpuSeconds(() => {
        tokenizer = new Tokenizer(model);
      }),
    );
    cold.push(pass(tokenizer, documents));
  }
  const passes = (some: readonly (string | Buffer)[]): number =>
    median(Array.from({ length: WARM_PASSES }, () => pass(tokenizer, some)));
  const warm = passes(documents);
  const strings = passes(texts);
  for (const document of documents) {
    if (!document.equals(tokenizer.decode(tokenizer.encode(document))))
      throw new Error('decoding does not give the text back');
  }
  const rate = (seconds: number): number => size / 1e6 / seconds;
  return {
    cold: rate(median(cold)),
    warm: rate(warm),
    strings: rate(strings),
    construct: 1000 * median(construct),
    tokens,
    sha256: idsDigest(tokenizer, documents),
  };
}

/** One pass of another implementation, in MB per CPU second. Throws where its tokens are others in number. */
function measurePeer(
  count: (text: string) => number,
  documents: readonly Buffer[],
  size: number,
  tokens: number,
): number {
  const texts = documents.map((document) => document.toString());
  let found = 0;
  const seconds = cpuSeconds(() => {
    for (const text of texts) found += count(text);
  });
  if (found !== tokens) throw new Error(`${found} tokens instead of ${tokens}`);
  return size / 1e6 / seconds;
}

const round1 = (value: number): number => Number(value.toFixed(1));

async function encoding(
  name: string,
  corpus: Buffer,
  folder: string,
  quick: boolean,
): Promise<Record<string, unknown>[]> {
  const documents = documentsOf(corpus);
  const rows: Record<string, unknown>[] = [];
  for (const vocabulary of VOCABULARIES) {
    const { model } = await loadTokenizer(vocabulary);
    const ours = measureOurs(model, documents, corpus.length, quick ? 1 : 3);
    const wasm = get_encoding(vocabulary);
    const row: Record<string, unknown> = {
      corpus: name,
      vocabulary,
      tokens: ours.tokens,
      cold: round1(ours.cold),
      warm: round1(ours.warm),
      warm_from_strings: round1(ours.strings),
      construct_ms: Math.round(ours.construct),
      tiktoken_wasm: round1(
        measurePeer((text) => wasm.encode_ordinary(text).length, documents, corpus.length, ours.tokens),
      ),
    };
    wasm.free();
    const native = python<PeerFigures>('encode', RANKS, vocabulary, join(folder, name));
    if (native !== undefined) {
      if (native.sha256 !== ours.sha256) throw new Error('the ids are not those of tiktoken');
      row['tiktoken_native'] = round1(native.megabytes_per_second);
      row['cold_to_native'] = round1(ours.cold / native.megabytes_per_second);
      row['warm_to_native'] = round1(ours.warm / native.megabytes_per_second);
      row['tokenizers'] = await huggingFace(model, documents, folder);
    }
    rows.push(row);
    process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  return rows;
}

/** Speed of Hugging Face tokenizers with the same vocabulary. */
async function huggingFace(
  model: TokenizerModel,
  documents: readonly Buffer[],
  folder: string,
): Promise<number> {
  const some = documents.slice(0, Math.ceil(HUGGING_FACE_BYTES / DOCUMENT_BYTES));
  const corpus = join(folder, 'part');
  await writeFile(corpus, Buffer.concat(some));
  const saved = join(folder, 'tokenizer');
  await saveTokenizer(model, saved);
  const found = python<PeerFigures>('encode_hf', join(saved, 'tokenizer.json'), corpus) as PeerFigures;
  if (found.sha256 !== idsDigest(new Tokenizer(model), some))
    throw new Error('the ids are not those of tokenizers');
  return round1(found.megabytes_per_second);
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
        encoding: await encoding(name, corpus, folder, quick),
        encoding_peak_mb: await encodingMemory(file),
        two_workers: await twoWorkers(documentsOf(corpus)),
        training: await training(name, file, python),
      };
    }
    figures['long_pieces'] = await longPieces();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
};
