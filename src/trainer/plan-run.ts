/** What a new run would be: its configuration, settings and first weights. Writes nothing. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename, dirname } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { readJson } from '../core/files.js';
import { formatCount } from '../core/format.js';
import type { Log } from '../core/log.js';
import { readCommits } from '../store/commits.js';
import type { Workspace } from '../store/workspace.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { CONFIG_FILE } from './checkpoint.js';
import { committedShards } from './loader/feeds.js';
import { openModelFolder } from './model-folder.js';
import { presetConfig, PRESET_NAMES } from './models/presets.js';
import {
  modelSize,
  parameterCount,
  parameterSpecs,
  parseModelConfig,
  type ModelConfig,
} from './models/registry.js';
import {
  type DatasetShare,
  DEFAULT_MODEL,
  DEFAULT_STEPS,
  mixtureOf,
  newRunSettings,
  type TrainOptions,
} from './options.js';
import { loadRunTokenizer, type RunFile } from './run-file.js';

export interface RunPlan {
  readonly file: RunFile;
  readonly config: ModelConfig;
  /** What it begins with; undefined: random weights. */
  readonly parameters?: ReadonlyMap<string, Float32Array>;
}

/** Bytes of a parameter in training: itself, its gradient and two moments. */
const TRAINING_BYTES = 16;

/** @throws TokenmillError CONFIG_INVALID where the machine cannot hold even the state of training */
function checkMemory(model: string, config: ModelConfig): void {
  const count = parameterCount(config);
  const needed = count * TRAINING_BYTES;
  if (needed <= totalmem()) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(0)} GB`;
  throw new TokenmillError(
    'CONFIG_INVALID',
    `${model} has ${formatCount(count)} parameters, whose training needs ${gigabytes(needed)} of memory; the machine has ${gigabytes(totalmem())}`,
    { hint: 'choose a smaller model' },
  );
}

/** @throws TokenmillError USAGE, CONFIG_INVALID, MODEL_INVALID, DATASET_NOT_FOUND, DATA_EXHAUSTED, TOKENIZER_MISMATCH */
export async function planRun(
  workspace: Workspace,
  name: string,
  options: TrainOptions,
  log: Log,
): Promise<RunPlan> {
  const mixture = mixtureOf(options);
  const { tokenizer, valid } = await planDatasets(workspace, mixture);
  if (options.from !== undefined && options.model !== undefined) {
    throw new TokenmillError('USAGE', '--model and --from exclude each other: a model has its configuration');
  }
  const model = options.from ?? options.model ?? DEFAULT_MODEL;
  const loaded = await loadRunTokenizer(workspace, tokenizer);
  const initial =
    options.from === undefined ? undefined : await importModel(options.from, workspace, loaded, log);
  const config = initial?.config ?? (await planModel(model, loaded));
  const held = initial?.parameters;
  const missing = held && parameterSpecs(config).find(({ name: key }) => !held.has(key));
  if (missing !== undefined) {
    throw new TokenmillError('MODEL_INVALID', `${model}: the tensor ${missing.name} is missing`);
  }
  checkMemory(model, config);
  const settings = newRunSettings(options, modelSize(config));
  const file: RunFile = {
    version: 1,
    name,
    dataset: mixture[0].dataset,
    ...(mixture.length > 1 && { mixture }),
    tokenizer,
    model: modelName(model),
    steps: options.steps ?? DEFAULT_STEPS,
    settings,
    valid,
  };
  return { file, config, parameters: initial?.parameters };
}

/** The tokenizer of the datasets, which have to share one, and their valid splits. */
async function planDatasets(
  workspace: Workspace,
  mixture: readonly DatasetShare[],
): Promise<Pick<RunFile, 'tokenizer' | 'valid'>> {
  let shared: RunFile['tokenizer'] | undefined;
  const valid: RunFile['valid'] = [];
  for (const { dataset } of mixture) {
    await workspace.readDatasetConfig(dataset);
    const commits = await readCommits(workspace.dataset(dataset));
    const tokenizer = commits.at(-1)?.tokenizer ?? null;
    if (tokenizer === null) {
      throw new TokenmillError('DATA_EXHAUSTED', `dataset ${dataset} has no tokens yet`, {
        hint: `bring documents into it first: tokenmill ingest INPUT --dataset ${dataset}`,
      });
    }
    shared ??= tokenizer;
    if (tokenizer.sha256 !== shared.sha256) {
      throw new TokenmillError(
        'TOKENIZER_MISMATCH',
        `datasets ${mixture[0].dataset} and ${dataset} have different tokenizers`,
        { hint: `ingest into both with one: tokenmill ingest INPUT --tokenizer ${shared.name}` },
      );
    }
    valid.push(...validReferences(commits, dataset, mixture));
  }
  return { tokenizer: shared as RunFile['tokenizer'], valid };
}

/** The valid split of a dataset as a run of that mixture keeps it. */
export function validReferences(
  commits: Parameters<typeof committedShards>[0],
  dataset: string,
  mixture: readonly DatasetShare[],
): RunFile['valid'] {
  const shards = committedShards(commits, 'valid');
  return mixture.length === 1 ? shards : shards.map((shard) => ({ ...shard, dataset }));
}

/** `tiny` -> `tiny`; `models/llama/config.json` -> `llama`; `shapes/wide.json` -> `wide` */
export function modelName(model: string): string {
  if (isPreset(model)) return model;
  const stem = basename(model) === CONFIG_FILE ? basename(dirname(model)) : basename(model, '.json');
  return stem.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}

function isPreset(model: string): boolean {
  return PRESET_NAMES.includes(model);
}

/**
 * A model for further training. Its tokenizer, where the folder has one, must be that of the dataset.
 * @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID, TOKENIZER_MISMATCH
 */
async function importModel(
  from: string,
  workspace: Workspace,
  tokenizer: Tokenizer,
  log: Log,
): Promise<Required<Pick<RunPlan, 'config' | 'parameters'>>> {
  const model = await openModelFolder(from, workspace, log);
  if (model.hasTokenizer && (await model.tokenizer()).sha256 !== tokenizer.sha256) {
    throw new TokenmillError('TOKENIZER_MISMATCH', `${from} has another tokenizer than the dataset`, {
      hint: `ingest with the tokenizer of the model: tokenmill ingest INPUT --tokenizer ${from}`,
    });
  }
  const config = fitModel(model.config, tokenizer, from);
  return { config, parameters: await model.parameters() };
}

/** @throws TokenmillError MODEL_INVALID */
export async function planModel(model: string, tokenizer: Tokenizer): Promise<ModelConfig> {
  const isFile = !isPreset(model) && (model.endsWith('.json') || existsSync(model));
  const config = isFile ? parseModelConfig(await readJson(model)) : presetConfig(model, tokenizer.vocabSize);
  return fitModel(config, tokenizer, isFile ? model : undefined);
}

/** The configuration as config.json keeps it, with what transformers needs to generate: the ids of special tokens. */
function fitModel(config: ModelConfig, tokenizer: Tokenizer, file: string | undefined): ModelConfig {
  if (config.vocab_size < tokenizer.vocabSize) {
    throw new TokenmillError(
      'MODEL_INVALID',
      `the model has a vocabulary of ${config.vocab_size}, the tokenizer of the dataset one of ${tokenizer.vocabSize}`,
      { place: file === undefined ? {} : { file }, hint: `set vocab_size to ${tokenizer.vocabSize} or more` },
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
