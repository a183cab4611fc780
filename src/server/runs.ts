/** The runs of a workspace as the service shows them, and models that were put into it: read from their files each time. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { listFolder, readJson } from '../core/files.js';
import { checkName, type Workspace } from '../store/workspace.js';
import { CONFIG_FILE, STATE_FILE, trainingStateSchema } from '../trainer/checkpoint.js';
import { parameterCount, parseModelConfig, type ModelConfig } from '../trainer/models/registry.js';
import { readRunFile, RUN_FILE, type RunFile } from '../trainer/run-file.js';
import { hasWeights, MODEL_FILE } from '../trainer/weights.js';

const CHECKPOINT = /^step-\d{6,12}$/;
/** Files of a checkpoint that are given out, in this order. */
const CHECKPOINT_FILES = [MODEL_FILE, CONFIG_FILE, STATE_FILE, 'optimizer.safetensors'] as const;

export interface ModelFacts {
  readonly name: string;
  readonly folder: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly config: ModelConfig;
  readonly parameters: number;
  /** Undefined for a model that was not trained here. */
  readonly run: RunFile | undefined;
  /** Names, the oldest first. */
  readonly checkpoints: readonly string[];
}

export interface CheckpointFacts {
  readonly name: string;
  readonly step: number;
  readonly tokens: number;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string | null;
  }[];
}

/** Names of folders that have a model, or a run that may have none yet. */
export async function listModels(workspace: Workspace): Promise<string[]> {
  return (await listFolder(workspace.models)).filter((name) => isModel(workspace, name));
}

function isModel(workspace: Workspace, name: string): boolean {
  const folder = join(workspace.models, name);
  return existsSync(join(folder, RUN_FILE)) || hasWeights(folder);
}

/** @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID, USAGE for a name that cannot be one */
export async function readModel(workspace: Workspace, name: string): Promise<ModelFacts> {
  checkName('run', name);
  const folder = join(workspace.models, name);
  if (!isModel(workspace, name)) {
    const names = await listModels(workspace);
    throw new TokenmillError('RUN_NOT_FOUND', `there is no model ${name}`, {
      hint: names.length === 0 ? 'train one first' : `models are ${names.join(', ')}`,
    });
  }
  const config = parseModelConfig(await readJson(join(folder, CONFIG_FILE)));
  const path = join(folder, RUN_FILE);
  const run = existsSync(path) ? await readRunFile(path) : undefined;
  const checkpoints = (await listFolder(join(folder, 'checkpoints'))).filter((entry) =>
    CHECKPOINT.test(entry),
  );
  return {
    name,
    folder,
    created: Math.floor((await stat(join(folder, CONFIG_FILE))).mtimeMs / 1000),
    config,
    parameters: parameterCount(config),
    run,
    checkpoints: checkpoints.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)),
  };
}

/** @throws TokenmillError CHECKPOINT_NOT_FOUND, MODEL_INVALID */
export async function readCheckpoint(model: ModelFacts, name: string): Promise<CheckpointFacts> {
  if (!model.checkpoints.includes(name)) throw noCheckpoint(model, name);
  const folder = join(model.folder, 'checkpoints', name);
  const parsed = trainingStateSchema
    .loose()
    .safeParse(await readJson(join(folder, STATE_FILE)).catch(() => undefined));
  // It may have been removed, because later ones took its place, since it was listed.
  if (!parsed.success) throw noCheckpoint(model, name);
  const hashes = (parsed.data['files'] ?? {}) as Readonly<Record<string, string>>;
  const files = [];
  for (const file of CHECKPOINT_FILES) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    if (found !== undefined) files.push({ name: file, bytes: found.size, sha256: hashes[file] ?? null });
  }
  return { name, step: parsed.data.step, tokens: parsed.data.tokens, files };
}

function noCheckpoint(model: ModelFacts, name: string): TokenmillError {
  return new TokenmillError('CHECKPOINT_NOT_FOUND', `${model.name} has no checkpoint ${name}`, {
    hint: model.checkpoints.length === 0 ? 'it has none yet' : `it has ${model.checkpoints.join(', ')}`,
  });
}
