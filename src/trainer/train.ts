/**
 * Training a run from its first step, or from its latest checkpoint, to its end: opens what the loop works on, and
 * closes it in order whatever happens.
 */
import { join } from 'node:path';
import { formatCount } from '../core/format.js';
import type { Log } from '../core/log.js';
import { Queue } from '../store/queue.js';
import type { DatasetPaths, Workspace } from '../store/workspace.js';
import {
  latestCheckpoint,
  MODEL_FILE,
  pruneCheckpoints,
  readModelState,
  readParameters,
  setAsideAfter,
  writeCheckpoint,
  type Checkpoint,
  type TrainingState,
} from './checkpoint.js';
import { TrainingData } from './data.js';
import { openEngine } from './engine.js';
import { CommitFeed, QueueFeed, type ShardFeed } from './feeds.js';
import { generate } from './generate.js';
import { runLoop, type LoopPosition, type LoopProgress, type LoopResult } from './loop.js';
import { MetricsFile } from './metrics.js';
import { parameterCount, parameterSpecs } from './models/registry.js';
import type { Engine } from './engines/engine.js';
import type { TrainOptions } from './options.js';
import { compileInference } from './programs/inference.js';
import { initialState } from './programs/state.js';
import { compileTraining, type TrainingProgram } from './programs/training.js';
import { openRun, type Run } from './run.js';
import { evaluateBatches, tokenByteLengths, validationBatches, type Evaluation } from './validation.js';

/** AdamW's epsilon, outside of the square root; PyTorch's default. */
const EPSILON = 1e-8;

/** The sample at the end: tokens at most, and how they are chosen. */
const SAMPLE_TOKENS = 120;
const SAMPLE = { temperature: 0.8, topK: 50, topP: 1 } as const;

export interface TrainContext {
  readonly workspace: Workspace;
  readonly log: Log;
  readonly onProgress?: (progress: LoopProgress) => void;
  /** Aborting ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface TrainSummary {
  readonly run: string;
  /** Folder of the last checkpoint. */
  readonly checkpoint: string;
  readonly step: number;
  /** Tokens trained on, in all. */
  readonly tokens: number;
  /** Mean of the last steps; null where this call found the run finished. */
  readonly loss: number | null;
  readonly validation: Evaluation | null;
  /** A text that the model wrote, from nothing. */
  readonly sample: string;
}

/**
 * Begins a run or continues it, to the end of its schedule.
 * @throws TokenmillError INTERRUPTED (what was trained is saved), RUN_LOCKED, CONFIG_MISMATCH, DATA_EXHAUSTED,
 *   TRAINING_DIVERGED, TOKENIZER_MISMATCH, MODEL_INVALID, ENGINE_FAILED, DEVICE_MISSING, ...
 */
export async function train(options: TrainOptions, context: TrainContext): Promise<TrainSummary> {
  const { workspace, log } = context;
  const engine = await openEngine(options);
  const run = await openRun(workspace, options, log);
  try {
    const checkpoint = await latestCheckpoint(run.checkpoints, log);
    await setAsideAfter(run.checkpoints, checkpoint?.state.step ?? 0);
    const { name, steps } = run.file;
    const result =
      checkpoint !== undefined && checkpoint.state.step >= steps
        ? finished(checkpoint, run, log)
        : await trainFrom(checkpoint, run, engine, options, context);
    const last = (await latestCheckpoint(run.checkpoints, log)) as Checkpoint;
    return {
      run: name,
      checkpoint: last.folder,
      step: result.step,
      tokens: result.tokens,
      loss: result.loss,
      validation: result.evaluation ?? null,
      sample: await sampleText(last, run, engine, options),
    };
  } finally {
    await run.lease.release();
  }
}

function finished({ state }: Checkpoint, { file }: Run, log: Log): LoopResult {
  log(`run ${file.name} is finished at step ${state.step}; --steps N trains on, --run NAME begins another`);
  const { step, tokens, skipped } = state;
  return { step, tokens, skipped, loss: null, evaluation: undefined };
}

async function trainFrom(
  checkpoint: Checkpoint | undefined,
  run: Run,
  engine: Engine,
  options: TrainOptions,
  context: TrainContext,
): Promise<LoopResult> {
  const { file, config } = run;
  const { settings } = file;
  const { log } = context;
  const dataset = context.workspace.dataset(file.dataset);
  const batchTokens = settings.batch * settings.context;
  const optimizer = {
    beta1: settings.beta1,
    beta2: settings.beta2,
    epsilon: EPSILON,
    weightDecay: settings.weight_decay,
    clipNorm: settings.clip === 0 ? null : settings.clip,
  };
  const program = await compileTraining(config, {
    batch: settings.batch,
    context: settings.context,
    optimizer,
    engine,
    threads: options.threads,
    state: checkpoint === undefined ? initialState(config, settings.seed) : await readModelState(checkpoint),
  });
  const feed = await openFeed(run, dataset, log);
  try {
    const data = await TrainingData.open({
      feed,
      folder: dataset.folder,
      record: join(run.folder, 'stream.json'),
      batchTokens,
      tokenizerSha256: run.tokenizer.sha256,
      follow: options.follow,
      resume: checkpoint?.state.segments ?? [],
      log,
    });
    const start: LoopPosition = checkpoint?.state ?? { step: 0, tokens: 0, skipped: 0 };
    log(
      `run ${file.name}: ${formatCount(parameterCount(config))} parameters, ${formatCount(batchTokens)} tokens a step, ` +
        (start.step === 0 ? 'from the beginning' : `from step ${start.step}`),
    );
    return await runLoop(start, {
      run: file.name,
      program,
      data,
      schedule: {
        peak: settings.learning_rate,
        minimum: settings.min_learning_rate,
        warmup: settings.warmup,
        steps: file.steps,
      },
      evalEvery: options.evalEvery,
      checkpointEvery: options.checkpointEvery,
      evaluate: evaluator(run, dataset, program, data, options, context.signal),
      checkpoint: (position) => saveCheckpoint(position, run, program, data, optimizer, options.keep),
      metrics: await MetricsFile.open(run.folder, start.step),
      log,
      onProgress: context.onProgress,
      signal: context.signal,
    });
  } finally {
    await feed.close();
    await program.dispose();
  }
}

async function openFeed({ file }: Run, dataset: DatasetPaths, log: Log): Promise<ShardFeed> {
  return file.settings.replay
    ? new CommitFeed(dataset)
    : QueueFeed.open(new Queue(dataset.queue), file.name, log);
}

/** Evaluates on the run's valid split, keeping the leases meanwhile. */
function evaluator(
  { file, tokenizer }: Run,
  dataset: DatasetPaths,
  program: TrainingProgram,
  data: TrainingData,
  options: TrainOptions,
  signal: AbortSignal | undefined,
): () => Promise<Evaluation | undefined> {
  const byteLengths = tokenByteLengths(tokenizer);
  return () =>
    evaluateBatches(
      program,
      validationBatches({
        folder: dataset.folder,
        shards: file.valid,
        tokenizerSha256: tokenizer.sha256,
        batchTokens: file.settings.batch * file.settings.context,
        maxTokens: options.evalTokens,
      }),
      byteLengths,
      async () => {
        await data.renew();
        return signal?.aborted !== true;
      },
    );
}

/** Writes a checkpoint, acknowledges the shards that it contains, removes old ones. */
async function saveCheckpoint(
  { step, tokens, skipped }: LoopPosition,
  { file, checkpoints, config }: Run,
  program: TrainingProgram,
  data: TrainingData,
  optimizer: { beta1: number; beta2: number; epsilon: number; weightDecay: number; clipNorm: number | null },
  keep: number,
): Promise<void> {
  const model = program.state();
  const state: TrainingState = {
    version: 1,
    step,
    optimizer_step: model.step,
    skipped,
    tokens,
    batch: file.settings.batch,
    context: file.settings.context,
    dataset: file.dataset,
    tokenizer: file.tokenizer,
    segments: data.progress,
    optimizer: {
      beta1: optimizer.beta1,
      beta2: optimizer.beta2,
      epsilon: optimizer.epsilon,
      weight_decay: optimizer.weightDecay,
      clip_norm: optimizer.clipNorm,
    },
  };
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  await writeCheckpoint(checkpoints, config, model, shapes, state);
  await data.settle();
  await pruneCheckpoints(checkpoints, keep);
}

/** A document that the model writes, from the end of another one. */
async function sampleText(
  { folder }: Checkpoint,
  { config, tokenizer, file }: Run,
  engine: Engine,
  options: TrainOptions,
): Promise<string> {
  const parameters = await readParameters(join(folder, MODEL_FILE));
  const program = await compileInference(config, parameters, { engine, threads: options.threads });
  try {
    let text = '';
    const settings = { ...SAMPLE, seed: file.settings.seed, maxTokens: SAMPLE_TOKENS };
    for await (const piece of generate(program, tokenizer, '', settings)) text += piece;
    return text;
  } finally {
    await program.dispose();
  }
}
