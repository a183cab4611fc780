/** Trains a model: begins a run or continues it, and shows what it has learned. */
import { latestCheckpoint, setAsideAfter, type Checkpoint } from './checkpoint.js';
import { continueRun, type TrainContext } from './continue-run.js';
import { openEngine } from './engine.js';
import type { Engine } from './engines/engine.js';
import { generate } from './generate.js';
import { modelSize } from './models/registry.js';
import type { TrainOptions } from './options.js';
import { compileInference } from './programs/inference.js';
import { openRun, type Run } from './run.js';
import type { Evaluation } from './validation.js';
import { readWeights } from './weights.js';

/** The sample at the end: tokens at most, and how they are chosen. */
const SAMPLE_TOKENS = 120;
const SAMPLE = { temperature: 0.8, topK: 50, topP: 1 } as const;

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
  const run = await openRun(workspace, options, log);
  try {
    const engine = await openEngine(options, log);
    const checkpoint = await latestCheckpoint(run.checkpoints, log);
    await setAsideAfter(run.checkpoints, checkpoint?.state.step ?? 0);
    const result = await continueRun(run, checkpoint, engine, options, context);
    const last = (await latestCheckpoint(run.checkpoints, log)) as Checkpoint;
    return {
      run: run.file.name,
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

/** A document that the model writes, from the end of another one. */
async function sampleText(
  { folder }: Checkpoint,
  { config, tokenizer, file }: Run,
  engine: Engine,
  options: TrainOptions,
): Promise<string> {
  const parameters = await readWeights(folder, config);
  const program = await compileInference(config, parameters, {
    engine,
    threads: options.threads,
    context: Math.min(modelSize(config).positions, SAMPLE_TOKENS + 1),
  });
  try {
    let text = '';
    const settings = { ...SAMPLE, seed: file.settings.seed, maxTokens: SAMPLE_TOKENS };
    for await (const piece of generate(program, tokenizer, '', settings)) text += piece;
    return text;
  } finally {
    await program.dispose();
  }
}
