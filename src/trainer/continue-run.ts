/**
 * Takes a run from its first step, or from a checkpoint, to the end of its schedule: opens what the loop works on, and
 * closes it in order whatever happens.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatCount } from '../core/format.js';
import type { Log } from '../core/log.js';
import { Queue } from '../store/queue.js';
import type { Workspace } from '../store/workspace.js';
import { saveTokenizer } from '../tokenizer/save.js';
import {
  pruneCheckpoints,
  readModelState,
  readParameters,
  writeCheckpoint,
  type Checkpoint,
  type TrainingState,
} from './checkpoint.js';
import type { Engine } from './engines/engine.js';
import { CommitFeed, QueueFeed } from './loader/feeds.js';
import { type RowPosition, RowSource } from './loader/rows.js';
import { type MixtureSource, TrainingData } from './loader/training-data.js';
import { runLoop, type LoopPosition, type LoopProgress, type LoopResult } from './loop.js';
import { CONSUMED_FILE, METRICS_FILE, StepFile, type StepMetrics } from './metrics.js';
import { parameterCount, parameterSpecs } from './models/registry.js';
import type { RunSettings, TrainOptions } from './options.js';
import { freshMoments, initialState, type ModelState } from './programs/state.js';
import { measurePeak } from './peak.js';
import { compileTraining, type TrainingProgram } from './programs/training.js';
import type { OptimizerOptions } from './programs/update.js';
import { INITIAL_FILE, validShards, type Run } from './run.js';
import { runMixture } from './run-file.js';
import type { Batch } from './loader/batch.js';
import { EventFile } from './tensorboard.js';
import { evaluateBatches, tokenByteLengths, validationBatches, type Evaluation } from './validation.js';

/** AdamW's epsilon, outside of the square root; PyTorch's default. */
const EPSILON = 1e-8;

export interface TrainContext {
  readonly workspace: Workspace;
  readonly log: Log;
  readonly onProgress?: (progress: LoopProgress) => void;
  /** Aborting ends the run after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** @throws TokenmillError as `train` does */
export async function continueRun(
  run: Run,
  checkpoint: Checkpoint | undefined,
  engine: Engine,
  options: TrainOptions,
  context: TrainContext,
): Promise<LoopResult> {
  const { file, config } = run;
  const { settings } = file;
  const { log } = context;
  const start: LoopPosition = checkpoint?.state ?? { step: 0, tokens: 0, skipped: 0 };
  const data = await openData(run, checkpoint, context.workspace, options, log);
  try {
    if (start.step >= file.steps) {
      log(
        `run ${file.name} is finished at step ${start.step}; --steps N trains on, --run NAME begins another`,
      );
      const { step, tokens, skipped } = start;
      return { step, tokens, skipped, loss: null, evaluation: undefined };
    }
    const program = await compileTraining(config, {
      batch: settings.batch,
      context: settings.context,
      accumulate: settings.accumulate,
      packed: settings.packing === 'best-fit',
      zLoss: settings.z_loss,
      optimizer: optimizerOf(settings),
      precision: settings.precision,
      lossScale: checkpoint?.state.loss_scale ?? undefined,
      engine,
      threads: options.threads,
      recompute: options.recompute,
      state: checkpoint === undefined ? await firstState(run) : await readModelState(checkpoint),
    });
    try {
      const size = `${formatCount(parameterCount(config))} parameters`;
      const step = `${formatCount(settings.batch * settings.accumulate * settings.context)} tokens a step`;
      const from = start.step === 0 ? 'from the beginning' : `from step ${start.step}`;
      log(`run ${file.name}: ${size}, ${step}, ${from}`);
      return await runLoop(start, {
        run: file.name,
        program,
        data,
        onNonfinite: options.onNonfinite,
        schedule: {
          kind: settings.schedule,
          decay: settings.decay ?? 0,
          peak: settings.learning_rate,
          minimum: settings.min_learning_rate,
          warmup: settings.warmup,
          steps: file.steps,
        },
        evalEvery: options.evalEvery,
        checkpointEvery: options.checkpointEvery,
        evaluate: evaluator(run, context.workspace, program, data, options, context.signal),
        checkpoint: (position, validationLoss) =>
          saveCheckpoint({ ...position, validationLoss }, run, program, data, options),
        metrics: await openMetrics(run.folder, start.step),
        consumed: await StepFile.open(run.folder, CONSUMED_FILE, start.step),
        log,
        onProgress: context.onProgress,
        peak: context.onProgress && (await measurePeak(engine, options.threads)),
        signal: context.signal,
      });
    } finally {
      await program.dispose();
    }
  } finally {
    await data.close();
  }
}

/** metrics.jsonl and TensorBoard's events. */
async function openMetrics(
  folder: string,
  step: number,
): Promise<{ append(metrics: StepMetrics): Promise<void> }> {
  const file = await StepFile.open<StepMetrics>(folder, METRICS_FILE, step);
  const events = await EventFile.open(folder, step);
  return {
    async append(metrics) {
      await file.append(metrics);
      await events.append(metrics);
    },
  };
}

/** The weights that the run was given, or random ones. */
async function firstState({ folder, config, file }: Run): Promise<ModelState> {
  const path = join(folder, INITIAL_FILE);
  const muon = file.settings.optimizer === 'muon';
  if (!existsSync(path)) return initialState(config, file.settings.seed, muon);
  return { step: 0, parameters: await readParameters(path), ...freshMoments(config, muon) };
}

async function openData(
  run: Run,
  checkpoint: Checkpoint | undefined,
  workspace: Workspace,
  options: TrainOptions,
  log: Log,
): Promise<TrainingData> {
  const { settings } = run.file;
  const sources: MixtureSource[] = [];
  try {
    for (const share of runMixture(run.file)) {
      const saved = checkpoint?.state.data.find(({ dataset }) => dataset === share.dataset);
      const resume = saved && { segments: saved.segments, block: saved.block };
      const rows = await openRows(run, share.dataset, resume, workspace, options, log);
      sources.push({ ...share, sequences: saved?.sequences ?? 0, rows });
    }
  } catch (error) {
    for (const { rows } of sources) await rows.close();
    throw error;
  }
  return new TrainingData(sources, settings.batch * settings.accumulate);
}

async function openRows(
  { file, folder, tokenizer }: Run,
  name: string,
  resume: RowPosition | undefined,
  workspace: Workspace,
  options: TrainOptions,
  log: Log,
): Promise<RowSource> {
  const { context, packing, shuffle, seed, replay } = file.settings;
  const dataset = workspace.dataset(name);
  return RowSource.open(
    {
      context,
      packing,
      shuffle,
      seed,
      endOfTextId: tokenizer.endOfTextId,
      feed: replay ? new CommitFeed(dataset) : await QueueFeed.open(new Queue(dataset.queue), file.name, log),
      folder: dataset.folder,
      record: join(folder, file.mixture === undefined ? 'stream.json' : `stream.${name}.json`),
      tokenizerSha256: tokenizer.sha256,
      follow: options.follow,
      log,
    },
    resume,
  );
}

function optimizerOf({
  beta1,
  beta2,
  weight_decay: weightDecay,
  clip,
  optimizer,
}: RunSettings): Required<OptimizerOptions> {
  const clipNorm = clip === 0 ? null : clip;
  return { beta1, beta2, epsilon: EPSILON, weightDecay, clipNorm, muon: optimizer === 'muon' };
}

/** Evaluates on the run's valid split, keeping the leases meanwhile. */
function evaluator(
  run: Run,
  workspace: Workspace,
  program: TrainingProgram,
  data: TrainingData,
  options: TrainOptions,
  signal: AbortSignal | undefined,
): () => Promise<Evaluation | undefined> {
  const byteLengths = tokenByteLengths(run.tokenizer);
  return async () =>
    evaluateBatches(program, runValidation(run, workspace, options.evalTokens), byteLengths, async () => {
      await data.renew();
      return signal?.aborted !== true;
    });
}

/** The valid splits of the run's datasets one after the other, each up to its share of the tokens. */
async function* runValidation(run: Run, workspace: Workspace, evalTokens: number): AsyncGenerator<Batch> {
  const { batch, context } = run.file.settings;
  const shards = await validShards(run, workspace);
  const mixture = runMixture(run.file);
  const total = mixture.reduce((sum, { weight }) => sum + weight, 0);
  for (const { dataset, weight } of mixture) {
    yield* validationBatches({
      folder: workspace.dataset(dataset).folder,
      shards: shards.filter((shard) => (shard.dataset ?? run.file.dataset) === dataset),
      tokenizerSha256: run.tokenizer.sha256,
      batchTokens: batch * context,
      maxTokens: Math.max(1, Math.floor((evalTokens * weight) / total)),
    });
  }
}

/** Writes a checkpoint, acknowledges the shards that it contains, removes old ones. */
async function saveCheckpoint(
  { step, tokens, skipped, validationLoss }: LoopPosition & { readonly validationLoss: number | null },
  { file, checkpoints, config, tokenizer }: Run,
  program: TrainingProgram,
  data: TrainingData,
  { keep, keepBest }: Pick<TrainOptions, 'keep' | 'keepBest'>,
): Promise<void> {
  const model = await program.state();
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = optimizerOf(file.settings);
  const { optimizer: name } = file.settings;
  const state: TrainingState = {
    version: 2,
    step,
    optimizer_step: model.step,
    skipped,
    loss_scale: program.lossScale ?? null,
    tokens,
    validation_loss: validationLoss,
    batch: file.settings.batch,
    context: file.settings.context,
    dataset: file.dataset,
    tokenizer: file.tokenizer,
    data: data.position,
    optimizer: { name, beta1, beta2, epsilon, weight_decay: weightDecay, clip_norm: clipNorm },
  };
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  await writeCheckpoint(checkpoints, config, model, shapes, state, (folder) =>
    saveTokenizer(tokenizer.model, folder),
  );
  await data.settle();
  await pruneCheckpoints(checkpoints, keep, keepBest);
}
