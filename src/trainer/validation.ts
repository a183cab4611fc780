/**
 * The valid split: fixed batches of its shards, loss and bits per byte on them.
 *
 * Every token but the first is a target once; the last batch is filled up with targets that do not count. Bits per
 * byte are total nats / ln 2 / bytes of the text that the targets stand for: they compare models across tokenizers.
 */
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { readShard } from '../store/shards.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Batch } from './loader/batch.js';
import type { ShardReference } from './loader/feeds.js';
import { IGNORED_TARGET } from './programs/forward.js';
import type { TrainingProgram } from './programs/training.js';

export interface ValidationSource {
  /** Folder of the dataset. */
  readonly folder: string;
  readonly shards: readonly ShardReference[];
  readonly tokenizerSha256: string;
  /** batch * context. */
  readonly batchTokens: number;
  /** At most so many targets, from the first shard on. */
  readonly maxTokens: number;
}

export interface Evaluation {
  /** Mean negative log-likelihood, nats per token. */
  readonly loss: number;
  readonly perplexity: number;
  readonly bitsPerByte: number;
  /** Targets that counted. */
  readonly tokens: number;
  /** Bytes of text that they stand for. */
  readonly bytes: number;
}

/** Bytes of text that each id stands for; special tokens such as end-of-text stand for none. */
export function tokenByteLengths(tokenizer: Tokenizer): Uint32Array {
  const lengths = new Uint32Array(tokenizer.vocabSize);
  for (let id = 0; id < lengths.length; id++) lengths[id] = tokenizer.decode([id]).length;
  for (const id of tokenizer.specials.values()) lengths[id] = 0;
  return lengths;
}

/**
 * The batches of the valid split, the same each time.
 * @throws TokenmillError SHARD_CORRUPT, TOKENIZER_MISMATCH
 */
export async function* validationBatches(source: ValidationSource): AsyncGenerator<Batch> {
  const { batchTokens: size } = source;
  let left = source.maxTokens;
  const window = new Int32Array(size + 1);
  let filled = 0;
  for await (const tokens of shardTokens(source)) {
    for (let from = 0; from < tokens.length && left > 0;) {
      const part = tokens.subarray(from, from + Math.min(size, left) + 1 - filled);
      window.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled <= Math.min(size, left)) continue;
      yield cutBatch(window, filled, size);
      left -= filled - 1;
      // The last target is the next batch's first input.
      window[0] = window[filled - 1];
      filled = 1;
    }
    if (left === 0) return;
  }
  if (filled > 1) yield cutBatch(window, filled, size);
}

async function* shardTokens(source: ValidationSource): AsyncGenerator<Uint16Array | Uint32Array> {
  for (const { name, shard, sha256 } of source.shards) {
    const path = join(source.folder, shard);
    const { tokens, metadata } = await readShard(path, { sha256 });
    if (metadata.tokenizerSha256 !== source.tokenizerSha256) {
      throw new TokenmillError('TOKENIZER_MISMATCH', `shard ${name} was made with another tokenizer`, {
        place: { file: path },
        hint: 'evaluate on a dataset that was made with the tokenizer of the model',
      });
    }
    yield tokens;
  }
}

function cutBatch(window: Int32Array, filled: number, size: number): Batch {
  const ids = new Int32Array(size);
  const targets = new Int32Array(size).fill(IGNORED_TARGET);
  ids.set(window.subarray(0, filled - 1));
  targets.set(window.subarray(1, filled));
  return { ids, targets };
}

/**
 * Evaluates a program on batches. Undefined where there is no target, or `onBatch` ended it by returning false.
 * @param onBatch called before each batch
 */
export async function evaluateBatches(
  program: Pick<TrainingProgram, 'evaluate'>,
  batches: AsyncIterable<Batch>,
  byteLengths: Uint32Array,
  onBatch: () => Promise<boolean>,
): Promise<Evaluation | undefined> {
  let lossSum = 0;
  let tokens = 0;
  let bytes = 0;
  for await (const { ids, targets } of batches) {
    if (!(await onBatch())) return undefined;
    const result = await program.evaluate(ids, targets);
    lossSum += result.lossSum;
    tokens += result.targets;
    for (const target of targets) if (target !== IGNORED_TARGET) bytes += byteLengths[target];
  }
  if (tokens === 0) return undefined;
  const loss = lossSum / tokens;
  return { loss, perplexity: Math.exp(loss), bitsPerByte: lossSum / Math.LN2 / bytes, tokens, bytes };
}
