/** Loss, perplexity and bits per byte of a model on the whole valid split of a dataset. */
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { readCommits } from '../store/commits.js';
import type { Workspace } from '../store/workspace.js';
import { openEngine, type EngineChoice } from './engine.js';
import { committedShards } from './loader/feeds.js';
import { openModelFolder } from './model-folder.js';
import { modelSize } from './models/registry.js';
import { DEFAULT_DATASET } from './options.js';
import { compileEvaluation } from './programs/evaluation.js';
import { evaluateBatches, tokenByteLengths, validationBatches, type Evaluation } from './validation.js';

export interface EvaluateOptions extends EngineChoice {
  /** Default: the one that the run was trained on. */
  readonly dataset?: string;
  /** Sequences in a batch. */
  readonly batch: number;
  /** Tokens of a sequence. Default: as in training, else the model's positions, at most 1024. */
  readonly context?: number;
  readonly threads?: number;
}

/** Longer contexts than this have to be asked for: attention's memory grows with the square. */
const DEFAULT_MAX_CONTEXT = 1024;

export interface EvaluateContext {
  readonly workspace: Workspace;
  readonly log: Log;
  /** Targets done, of `total`. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * @param path a folder with a model, or the name of a run
 * @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID, DATASET_NOT_FOUND, DATA_EXHAUSTED, TOKENIZER_MISMATCH, INTERRUPTED
 */
export async function evaluateRun(
  path: string,
  options: EvaluateOptions,
  context: EvaluateContext,
): Promise<Evaluation> {
  const { workspace, log, onProgress, signal } = context;
  const model = await openModelFolder(path, workspace, log);
  const tokenizer = await model.tokenizer();
  const dataset = options.dataset ?? model.training?.dataset ?? DEFAULT_DATASET;
  await workspace.readDatasetConfig(dataset);
  const paths = workspace.dataset(dataset);
  const shards = committedShards(await readCommits(paths), 'valid');
  const total = shards.reduce((sum, { tokens }) => sum + tokens, 0) - 1;
  if (total < 1) {
    throw new TokenmillError('DATA_EXHAUSTED', `dataset ${dataset} has no valid shard`, {
      hint: 'documents are held out by --valid-fraction of ingest; a larger dataset has some',
    });
  }
  const length =
    options.context ??
    model.training?.context ??
    Math.min(modelSize(model.config).positions, DEFAULT_MAX_CONTEXT);
  const program = await compileEvaluation(model.config, await model.parameters(), {
    batch: options.batch,
    context: length,
    engine: await openEngine(options, log),
    threads: options.threads,
  });
  try {
    const batchTokens = options.batch * length;
    const { folder } = paths;
    const source = { folder, shards, tokenizerSha256: tokenizer.sha256, batchTokens, maxTokens: total };
    let done = 0;
    const evaluation = await evaluateBatches(
      program,
      validationBatches(source),
      tokenByteLengths(tokenizer),
      async () => {
        onProgress?.(Math.min(done, total), total);
        done += batchTokens;
        return signal?.aborted !== true;
      },
    );
    if (evaluation !== undefined) return evaluation;
    throw new TokenmillError('INTERRUPTED', 'interrupted before the whole valid split was evaluated');
  } finally {
    await program.dispose();
  }
}
