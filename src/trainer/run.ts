/**
 * A training run on disk: models/<run>/{run.json, config.json, stream.json, metrics.jsonl, checkpoints/}.
 *
 * Invariants: one process at a time trains a run, the holder of its lease; run.json appears last, so a run exists
 * exactly when it does. What run.json says decides the weights and never changes, except for the number of steps.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder, readJson, syncFolder, writeFileAtomic } from '../core/files.js';
import { canonicalJson } from '../core/hash.js';
import type { Log } from '../core/log.js';
import { readCommits } from '../store/commits.js';
import { acquireWriter, type WriterLease } from '../store/lease.js';
import { checkName, type Workspace } from '../store/workspace.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { CONFIG_FILE, parameterTensors } from './checkpoint.js';
import { configText } from './models/config.js';
import { parameterSpecs, parseModelConfig, type ModelConfig } from './models/registry.js';
import { checkAgainstRun, DEFAULT_MODEL, mixtureOf, type TrainOptions } from './options.js';
import { modelName, planModel, planRun, type RunPlan, validReferences } from './plan-run.js';
import {
  loadRunTokenizer,
  readRunFile,
  RUN_FILE,
  type RunFile,
  runMixture,
  writeRunFile,
} from './run-file.js';
import { writeSafetensors } from './safetensors.js';

/** Weights that the run began with, where they were not random. */
export const INITIAL_FILE = 'initial.safetensors';
const LOCK_FILE = 'run.lock';

export interface Run {
  readonly file: RunFile;
  readonly folder: string;
  readonly checkpoints: string;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** To be released by whoever opened the run. */
  readonly lease: WriterLease;
}

/**
 * Opens a run, creating it where it does not exist.
 * @throws TokenmillError RUN_LOCKED, CONFIG_MISMATCH, CONFIG_INVALID, MODEL_INVALID, DATASET_NOT_FOUND, DATA_EXHAUSTED,
 *   TOKENIZER_MISMATCH
 */
export async function openRun(workspace: Workspace, options: TrainOptions, log: Log): Promise<Run> {
  const model = options.from ?? options.model ?? DEFAULT_MODEL;
  const datasets = mixtureOf(options).map(({ dataset }) => dataset);
  const name = options.run ?? [...datasets, modelName(model)].join('-');
  checkName('run', name);
  const folder = join(workspace.models, name);
  const path = join(folder, RUN_FILE);
  // Planned before anything is written, so that a mistake leaves no trace.
  const plan = existsSync(path) ? undefined : await planRun(workspace, name, options, log);
  const checkpoints = join(folder, 'checkpoints');
  await ensureFolder(checkpoints);
  const lease = await acquireWriter(join(folder, LOCK_FILE), { what: `run ${name}`, code: 'RUN_LOCKED' });
  try {
    if (plan !== undefined && !existsSync(path)) await createRun(folder, plan);
    const file = await readRunFile(path);
    const config = parseModelConfig(await readJson(join(folder, CONFIG_FILE)));
    const tokenizer = await loadRunTokenizer(workspace, file.tokenizer);
    checkAgainstRun({ ...file, mixture: runMixture(file) }, options);
    if (options.from !== undefined && !existsSync(join(folder, INITIAL_FILE))) {
      throw new TokenmillError('CONFIG_MISMATCH', `run ${name} did not begin with the weights of a model`, {
        hint: 'leave --from out to continue it, or begin another run with --run NAME',
      });
    }
    if (options.model !== undefined) await checkModel(options.model, config, tokenizer, file);
    return {
      file: await reschedule(file, path, options, log),
      folder,
      checkpoints,
      config,
      tokenizer,
      lease,
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** The run's valid split. A run that began before its datasets had one takes it as it is now, for good. */
export async function validShards({ file, folder }: Run, workspace: Workspace): Promise<RunFile['valid']> {
  const { valid } = await readRunFile(join(folder, RUN_FILE));
  if (valid.length > 0) return valid;
  const mixture = runMixture(file);
  const shards: RunFile['valid'] = [];
  for (const { dataset } of mixture) {
    shards.push(...validReferences(await readCommits(workspace.dataset(dataset)), dataset, mixture));
  }
  if (shards.length > 0) await writeRunFile(folder, { ...file, valid: shards });
  return shards;
}

/** @throws TokenmillError CONFIG_MISMATCH where the model asked for is not the one that the run began with */
async function checkModel(
  model: string,
  config: ModelConfig,
  tokenizer: Tokenizer,
  file: RunFile,
): Promise<void> {
  const asked = await planModel(model, tokenizer);
  if (canonicalJson(asked) === canonicalJson(config)) return;
  throw new TokenmillError(
    'CONFIG_MISMATCH',
    `--model ${model} is not the model that run ${file.name} began with, ${file.model}`,
    { hint: 'leave --model out to continue it, or begin another run with --run NAME' },
  );
}

/** Takes over a change of the number of steps. */
async function reschedule(file: RunFile, path: string, options: TrainOptions, log: Log): Promise<RunFile> {
  if (options.steps === undefined || options.steps === file.steps) return file;
  log(`the schedule of run ${file.name} ends at step ${options.steps} now, not ${file.steps}`);
  const changed = { ...file, steps: options.steps };
  await writeRunFile(dirname(path), changed);
  return changed;
}

async function createRun(folder: string, { file, config, parameters }: RunPlan): Promise<void> {
  if (parameters !== undefined) {
    const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
    const path = join(folder, INITIAL_FILE);
    // One that a process left which died before the run existed.
    await rm(path, { force: true });
    await writeSafetensors(path, parameterTensors(parameters, shapes));
  }
  await writeFileAtomic(join(folder, CONFIG_FILE), configText(config));
  await syncFolder(dirname(folder));
  await writeRunFile(folder, file);
}
