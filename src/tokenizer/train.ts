/**
 * Trains a byte-level BPE tokenizer.
 *
 * Each text is a document of its own: no pre-token reaches over its end or over a special. Ids: first the specials as
 * given, then the 256 bytes in the order of GPT-2's printable characters, then a token for each merge. The most frequent
 * pair of neighbours is merged, of equally frequent ones the greater pair of byte strings if not told otherwise. The result depends on nothing
 * but the texts and the options, and not on the number of threads, as long as memory suffices for all different pre-tokens.
 */
import { TokenmillError } from '../core/errors.js';
import { BYTES_IN_ORDER } from './formats/byte-level.js';
import { MAX_TOKEN_ID } from './formats/limits.js';
import type { TokenizerModel } from './model.js';
import { parsePattern } from './patterns.js';
import { cutText } from './training/cut-text.js';
import { Learner, type TieRule } from './training/learner.js';
import { ParallelCounter } from './training/parallel-counter.js';
import type { PieceCounter } from './training/piece-counter.js';
import { TextCounter, type CountOptions } from './training/text-counter.js';
import type { TokenBytes } from './training/token-bytes.js';
import { packVocabulary, vocabularySize, type Vocabulary } from './vocabulary.js';

export interface TrainingProgress {
  readonly stage: 'count' | 'merge';
  /** Bytes of text that were counted, or tokens that were made. */
  readonly done: number;
  /** Tokens to be made. */
  readonly total?: number;
}

export interface TrainOptions {
  /** Ids in all, specials and bytes included. The texts may not have pairs enough for that many. */
  readonly vocabSize: number;
  readonly specials?: readonly string[];
  /** Name of a pattern or a regular expression. Default: gpt2. */
  readonly pattern?: string;
  /** Pairs that occur less often are not merged. Default: 1. */
  readonly minFrequency?: number;
  /** Which of equally frequent pairs is merged first. Default: bytes. */
  readonly ties?: TieRule;
  /** Threads that count pre-tokens. Default: 0, the calling thread alone; worth it from some 100 MB of text on. */
  readonly threads?: number;
  /**
   * Bytes that counting and merging may take, about; beyond, the rarest pre-tokens are left out. Default: 4 GB, enough
   * for 25 million different ones on the calling thread.
   */
  readonly memory?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Called where pre-tokens had to be left out for memory, so that the merges may differ from exact ones. */
  readonly onLeftOut?: (leftOut: LeftOut) => void;
}

export interface LeftOut {
  /** How often a pre-token was left out. */
  readonly pieces: number;
  /** Each had occurred at most this often when it was. */
  readonly floor: number;
}

const DEFAULT_MEMORY = 4e9;
/**
 * Bytes of a pre-token at the peak of training, with room for long ones (89 were measured on two million of 8 bytes), and in
 * the table of a thread (44 at most by its arrays: key, count, index).
 */
const PIECE_BYTES = 160;
const THREAD_PIECE_BYTES = 48;
const MIN_PIECES = 1000;

/** Merges between two reports of progress. */
const REPORT_EVERY = 64;

/** A text, or one that comes in parts, which may be larger than memory. */
export type TrainingText = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/**
 * @throws TokenmillError CONFIG_INVALID, TOKENIZER_INVALID for a pattern that cannot be used, or INPUT_TOO_LARGE for a text
 * in parts that cannot be cut anywhere
 */
export async function trainTokenizer(
  texts: AsyncIterable<TrainingText> | Iterable<TrainingText>,
  options: TrainOptions,
): Promise<TokenizerModel> {
  const { vocabSize, specials = [], minFrequency = 1, onProgress = () => undefined } = options;
  checkOptions(vocabSize, specials, minFrequency);
  const pattern = options.pattern ?? 'gpt2';
  const parsed = parsePattern(pattern);
  const { threads = 0, memory = DEFAULT_MEMORY } = options;
  const maxPieces = Math.max(MIN_PIECES, Math.floor(memory / (PIECE_BYTES + threads * THREAD_PIECE_BYTES)));
  const counter = await count(texts, { pattern, specials, maxPieces }, threads, onProgress);
  if (counter.leftOut > 0) options.onLeftOut?.({ pieces: counter.leftOut, floor: counter.floor });
  return learn(counter, vocabSize - specials.length - 256, {
    specials,
    pattern: parsed,
    minFrequency,
    ties: options.ties ?? 'bytes',
    onProgress,
  });
}

async function count(
  texts: AsyncIterable<TrainingText> | Iterable<TrainingText>,
  options: CountOptions,
  threads: number,
  onProgress: (progress: TrainingProgress) => void,
): Promise<PieceCounter> {
  let bytes = 0;
  const report = (text: string | Uint8Array): void => {
    bytes += typeof text === 'string' ? Buffer.byteLength(text) : text.length;
    onProgress({ stage: 'count', done: bytes });
  };
  if (threads === 0) {
    const counter = new TextCounter(options);
    for await (const text of stretches(texts, options)) {
      counter.add(text);
      report(text);
    }
    return counter.counter;
  }
  const counter = new ParallelCounter(options, threads);
  try {
    for await (const text of stretches(texts, options)) {
      await counter.add(text);
      report(text);
    }
    return await counter.finish();
  } finally {
    await counter.close();
  }
}

/** The texts, and of those that come in parts stretches that can be counted on their own. */
async function* stretches(
  texts: AsyncIterable<TrainingText> | Iterable<TrainingText>,
  options: CountOptions,
): AsyncGenerator<string | Uint8Array> {
  for await (const text of texts) {
    if (typeof text === 'string' || text instanceof Uint8Array) yield text;
    else yield* cutText(text, options);
  }
}

function checkOptions(vocabSize: number, specials: readonly string[], minFrequency: number): void {
  const fail = (message: string): never => {
    throw new TokenmillError('CONFIG_INVALID', message);
  };
  const least = 256 + specials.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least || vocabSize > MAX_TOKEN_ID) {
    fail(
      `a vocabulary of ${vocabSize} cannot hold the 256 bytes and ${specials.length} specials: it needs from ${least} to ${MAX_TOKEN_ID} ids`,
    );
  }
  if (new Set(specials).size !== specials.length) fail('a special token is named twice');
  if (specials.includes('')) fail('a special token is empty');
  if (!(minFrequency >= 1)) fail(`the minimum frequency ${minFrequency} is not at least 1`);
}

interface LearnOptions {
  readonly specials: readonly string[];
  readonly pattern: TokenizerModel['pattern'];
  readonly minFrequency: number;
  readonly ties: TieRule;
  readonly onProgress: (progress: TrainingProgress) => void;
}

function learn(counter: PieceCounter, wanted: number, options: LearnOptions): TokenizerModel {
  const { specials, onProgress } = options;
  const learner = new Learner(counter, 256 + wanted, options.minFrequency, options.ties);

  // Numbers of the learner to ids: its first 256 are the bytes by value.
  const idOf = new Int32Array(256 + wanted);
  BYTES_IN_ORDER.forEach((byte, index) => {
    idOf[byte] = specials.length + index;
  });
  const merges = new Int32Array(3 * wanted);
  let made = 0;
  for (; made < wanted; made++) {
    const pair = learner.step();
    if (pair === undefined) break;
    idOf[256 + made] = specials.length + 256 + made;
    merges[3 * made] = idOf[pair.left];
    merges[3 * made + 1] = idOf[pair.right];
    merges[3 * made + 2] = idOf[256 + made];
    if (made % REPORT_EVERY === 0) onProgress({ stage: 'merge', done: made, total: wanted });
  }
  onProgress({ stage: 'merge', done: made, total: wanted });

  return {
    vocabulary: vocabularyOf(specials, learner.tokens, made),
    merges: merges.slice(0, 3 * made),
    specials: new Map(specials.map((text, id) => [text, id])),
    pattern: options.pattern,
    wholePieces: false,
    nfc: false,
  };
}

/** Specials, the bytes in their order, then what merges made in theirs. */
function vocabularyOf(specials: readonly string[], tokens: TokenBytes, made: number): Vocabulary {
  const front = packVocabulary([
    ...specials.map((text) => Buffer.from(text)),
    ...BYTES_IN_ORDER.map((byte) => Uint8Array.of(byte)),
  ]);
  const first = vocabularySize(front);
  const offsets = new Uint32Array(first + made + 1);
  offsets.set(front.offsets);
  for (let index = 0; index < made; index++) {
    offsets[first + index + 1] = offsets[first + index] + tokens.lengthOf(256 + index);
  }
  const bytes = new Uint8Array(offsets[first + made]);
  bytes.set(front.bytes);
  bytes.set(tokens.madeBytes, front.bytes.length);
  return { bytes, offsets };
}
