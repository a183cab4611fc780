/**
 * A folder with a model: a run (its latest checkpoint counts), one of its checkpoints, or a Hugging Face folder.
 *
 * The tokenizer is the folder's own where it has one, else the one in the workspace that the run was made with.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { readJson } from '../core/files.js';
import type { Log } from '../core/log.js';
import type { Workspace } from '../store/workspace.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import {
  CONFIG_FILE,
  latestCheckpoint,
  openCheckpoint,
  STATE_FILE,
  type TrainingState,
} from './checkpoint.js';
import { parseModelConfig, type ModelConfig } from './models/registry.js';
import { loadRunTokenizer, RUN_FILE } from './run-file.js';
import { hasWeights, MODEL_FILE, readWeights } from './weights.js';

const TOKENIZER_FILE = 'tokenizer.json';

export interface ModelFolder {
  /** The folder that has config.json and the weights. */
  readonly folder: string;
  readonly config: ModelConfig;
  /** What it was trained with; undefined for a model that Tokenmill did not train. */
  readonly training: TrainingState | undefined;
  parameters(): Promise<Map<string, Float32Array>>;
  /** Whether it has one, or names one. */
  readonly hasTokenizer: boolean;
  /** @throws TokenmillError TOKENIZER_NOT_FOUND, TOKENIZER_MISMATCH */
  tokenizer(): Promise<Tokenizer>;
}

/**
 * @param path a folder, or the name of a run of the workspace
 * @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID
 */
export async function openModelFolder(path: string, workspace: Workspace, log: Log): Promise<ModelFolder> {
  const folder = await resolveFolder(path, workspace, log);
  const config = parseModelConfig(await readJson(join(folder, CONFIG_FILE)));
  const state = existsSync(join(folder, STATE_FILE)) ? (await openCheckpoint(folder)).state : undefined;
  return {
    folder,
    config,
    training: state,
    hasTokenizer: state !== undefined || existsSync(join(folder, TOKENIZER_FILE)),
    parameters: () => readWeights(folder, config),
    async tokenizer() {
      if (state !== undefined) return loadRunTokenizer(workspace, state.tokenizer);
      if (existsSync(join(folder, TOKENIZER_FILE))) return loadTokenizer(folder);
      throw new TokenmillError('TOKENIZER_NOT_FOUND', `${folder} has no ${TOKENIZER_FILE}`, {
        hint: 'put the tokenizer of the model into its folder',
      });
    },
  };
}

async function resolveFolder(path: string, workspace: Workspace, log: Log): Promise<string> {
  const named = join(workspace.models, basename(path));
  const folder = !existsSync(path) && path === basename(path) ? named : path;
  if (hasWeights(folder)) return folder;
  if (existsSync(join(folder, RUN_FILE))) {
    const checkpoint = await latestCheckpoint(join(folder, 'checkpoints'), log);
    if (checkpoint !== undefined) return checkpoint.folder;
    throw new TokenmillError('RUN_NOT_FOUND', `run ${basename(folder)} has no checkpoint yet`, {
      hint: 'wait for its first checkpoint, or train with a smaller --checkpoint-every',
    });
  }
  throw new TokenmillError(
    'RUN_NOT_FOUND',
    `${path} is neither a folder with a model nor the name of a run`,
    {
      place: { file: folder },
      hint: `give a folder with ${MODEL_FILE}, or a run of ${dirname(named)}`,
    },
  );
}
