/**
 * A training run on disk: models/<run>/{run.json, config.json, stream.json, metrics.jsonl, checkpoints/}.
 *
 * Invariants: one process at a time trains a run, the holder of its lease; run.json appears last, so a run exists
 * exactly when it does. What run.json says decides the weights and never changes, except for the number of steps.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder, readJson, syncFolder, writeFileAtomic } from '../core/files.js';
import { canonicalJson } from '../core/hash.js';
import type { Log } from '../core/log.js';
import { readCommits } from '../store/commits.js';
import { acquireWriter, type WriterLease } from '../store/lease.js';
import { checkName, type DatasetPaths, type Workspace } from '../store/workspace.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { CONFIG_FILE } from './checkpoint.js';
import { committedShards } from './feeds.js';
import { presetConfig, PRESET_NAMES } from './models/presets.js';
import { modelSize, parseModelConfig, type ModelConfig } from './models/registry.js';
import {
  checkAgainstRun,
  DEFAULT_DATASET,
  DEFAULT_MODEL,
  DEFAULT_STEPS,
  newRunSettings,
  runSettingsSchema,
  type TrainOptions,
} from './options.js';

export const RUN_FILE = 'run.json';
const LOCK_FILE = 'run.lock';

const shardReferenceSchema = z.strictObject({
  name: z.string(),
  shard: z.string(),
  sha256: z.string(),
  tokens: z.number().int(),
});

export const runFileSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  dataset: z.string(),
  tokenizer: z.strictObject({ name: z.string(), sha256: z.string() }),
  /** Name of a preset or of a configuration's file; config.json has what it stands for. */
  model: z.string(),
  /** Where the schedule ends. */
  steps: z.number().int().positive(),
  settings: runSettingsSchema,
  /** The valid split when the run first had one, so that its evaluations can be compared with each other. */
  valid: z.array(shardReferenceSchema),
});

export type RunFile = z.output<typeof runFileSchema>;

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
  const model = options.model ?? DEFAULT_MODEL;
  const name = options.run ?? `${options.dataset ?? DEFAULT_DATASET}-${modelName(model)}`;
  checkName('run', name);
  const folder = join(workspace.models, name);
  const path = join(folder, RUN_FILE);
  // Planned before anything is written, so that a mistake leaves no trace.
  const plan = existsSync(path) ? undefined : await planRun(workspace, name, options);
  const checkpoints = join(folder, 'checkpoints');
  await ensureFolder(checkpoints);
  const lease = await acquireWriter(join(folder, LOCK_FILE), { what: `run ${name}`, code: 'RUN_LOCKED' });
  try {
    if (plan !== undefined && !existsSync(path)) await createRun(folder, plan);
    const file = await readRunFile(path);
    const config = parseModelConfig(await readJson(join(folder, CONFIG_FILE)));
    const tokenizer = await loadRunTokenizer(workspace, file.tokenizer);
    checkAgainstRun(file, options);
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

/** The run's valid split. A run that began before its dataset had one takes it as it is now, for good. */
export async function validShards({ file, folder }: Run, dataset: DatasetPaths): Promise<RunFile['valid']> {
  const { valid } = await readRunFile(join(folder, RUN_FILE));
  if (valid.length > 0) return valid;
  const shards = committedShards(await readCommits(dataset), 'valid');
  if (shards.length > 0) await writeRunFile(folder, { ...file, valid: shards });
  return shards;
}

/** run.json of a run. @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID */
export async function readRunFile(path: string): Promise<RunFile> {
  const parsed = runFileSchema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TokenmillError('MODEL_INVALID', `${path}: ${issue.path.join('.')}: ${issue.message}`);
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

async function writeRunFile(folder: string, file: RunFile): Promise<void> {
  await writeFileAtomic(join(folder, RUN_FILE), `${JSON.stringify(file, null, 2)}\n`);
}

interface RunPlan {
  readonly file: RunFile;
  readonly config: ModelConfig;
}

/** What a new run would be. Writes nothing. */
async function planRun(workspace: Workspace, name: string, options: TrainOptions): Promise<RunPlan> {
  const dataset = options.dataset ?? DEFAULT_DATASET;
  await workspace.readDatasetConfig(dataset);
  const commits = await readCommits(workspace.dataset(dataset));
  const tokenizer = commits.at(-1)?.tokenizer ?? null;
  if (tokenizer === null) {
    throw new TokenmillError('DATA_EXHAUSTED', `dataset ${dataset} has no tokens yet`, {
      hint: `bring documents into it first: tokenmill ingest INPUT --dataset ${dataset}`,
    });
  }
  const model = options.model ?? DEFAULT_MODEL;
  const loaded = await loadRunTokenizer(workspace, tokenizer);
  const config = await planModel(model, loaded);
  const settings = newRunSettings(options, modelSize(config));
  const file: RunFile = {
    version: 1,
    name,
    dataset,
    tokenizer,
    model: modelName(model),
    steps: options.steps ?? DEFAULT_STEPS,
    settings,
    valid: committedShards(commits, 'valid'),
  };
  return { file, config };
}

async function createRun(folder: string, { file, config }: RunPlan): Promise<void> {
  await writeFileAtomic(join(folder, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  await syncFolder(dirname(folder));
  await writeRunFile(folder, file);
}

/** `tiny` -> `tiny`; `models/llama/config.json` -> `llama`; `shapes/wide.json` -> `wide` */
function modelName(model: string): string {
  if (isPreset(model)) return model;
  const stem = basename(model) === CONFIG_FILE ? basename(dirname(model)) : basename(model, '.json');
  return stem.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}

function isPreset(model: string): boolean {
  return (PRESET_NAMES as readonly string[]).includes(model);
}

/** The configuration as config.json keeps it, with what transformers needs to generate: the ids of special tokens. */
async function planModel(model: string, tokenizer: Tokenizer): Promise<ModelConfig> {
  const isFile = !isPreset(model) && (model.endsWith('.json') || existsSync(model));
  const config = isFile ? parseModelConfig(await readJson(model)) : presetConfig(model, tokenizer.vocabSize);
  if (config.vocab_size < tokenizer.vocabSize) {
    throw new TokenmillError(
      'MODEL_INVALID',
      `the model has a vocabulary of ${config.vocab_size}, the tokenizer of the dataset one of ${tokenizer.vocabSize}`,
      { place: isFile ? { file: model } : {}, hint: `set vocab_size to ${tokenizer.vocabSize} or more` },
    );
  }
  return parseModelConfig({
    ...config,
    dtype: 'float32',
    bos_token_id: tokenizer.endOfTextId,
    eos_token_id: tokenizer.endOfTextId,
    pad_token_id: null,
  });
}

/** @throws TokenmillError TOKENIZER_NOT_FOUND, TOKENIZER_MISMATCH */
export async function loadRunTokenizer(
  workspace: Workspace,
  { name, sha256 }: { readonly name: string; readonly sha256: string },
): Promise<Tokenizer> {
  const folder = join(workspace.tokenizers, name);
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer.sha256 === sha256) return tokenizer;
  throw new TokenmillError(
    'TOKENIZER_MISMATCH',
    `${folder} is not the tokenizer that the dataset and its runs were made with`,
    { place: { file: folder }, hint: 'put the original tokenizer back' },
  );
}
