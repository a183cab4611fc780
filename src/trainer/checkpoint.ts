/**
 * Checkpoints of a run: checkpoints/step-000200/ with model.safetensors and config.json, which transformers loads,
 * optimizer.safetensors and state.json, from which training goes on.
 *
 * Invariants: a folder step-* is complete and durable the moment it has that name; state.json has the SHA-256 of
 * its other files, so damage is found before anything is used. Only the holder of the run's lease writes here.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { describeError, fromSystemError, TokenmillError } from '../core/errors.js';
import { listFolder, readJson, syncFolder, TEMPORARY_PREFIX, writeFileAtomic } from '../core/files.js';
import { sha256, sha256File } from '../core/hash.js';
import type { Log } from '../core/log.js';
import { float32Tensor, toFloat32 } from './elements.js';
import type { ModelState } from './programs/state.js';
import { readSafetensors, writeSafetensors, type Tensor } from './safetensors.js';
import { configText } from './models/config.js';
import { dataPositionSchema } from './loader/training-data.js';
import { OPTIMIZERS } from './options.js';
import { MODEL_FILE } from './weights.js';

export const CONFIG_FILE = 'config.json';
const OPTIMIZER_FILE = 'optimizer.safetensors';
export const STATE_FILE = 'state.json';

const STEP_FOLDER = /^step-(\d{6,12})$/;

const count = z.number().int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What has to be known beside weights and moments. Training draws no random numbers, so there is no such state. */
export const trainingStateSchema = z.strictObject({
  version: z.literal(2),
  /** Steps of the run, of which some may have been skipped. */
  step: count,
  /** Updates applied, which the bias correction of the moments counts. */
  optimizer_step: count,
  /** Steps skipped in a row up to this one, because loss or gradients were not finite. */
  skipped: count,
  /** Scaling of the loss in float16; null in float32. */
  loss_scale: z.strictObject({ scale: z.number().positive(), good_steps: count }).nullable().default(null),
  /** Tokens that were targets. */
  tokens: count,
  /** Of the evaluation after this step; null where there was none. */
  validation_loss: z.number().nullable(),
  dataset: z.string(),
  tokenizer: z.strictObject({ name: z.string(), sha256: hash }),
  /** Shape of a step: sequences, and tokens of each. */
  batch: count,
  context: count,
  /** Where training is in each dataset. */
  data: dataPositionSchema,
  optimizer: z.strictObject({
    name: z.enum(OPTIMIZERS),
    beta1: z.number(),
    beta2: z.number(),
    epsilon: z.number(),
    weight_decay: z.number(),
    clip_norm: z.number().nullable(),
  }),
});

export type TrainingState = z.output<typeof trainingStateSchema>;

const stateFileSchema = trainingStateSchema.extend({
  files: z.strictObject({ [MODEL_FILE]: hash, [OPTIMIZER_FILE]: hash, [CONFIG_FILE]: hash }),
});

export interface Checkpoint {
  readonly folder: string;
  readonly state: TrainingState;
}

/** `200` -> `step-000200`, so that names sort as numbers do. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** Parameters as tensors of a file, by name. `shapes` has the shape of each. */
export function parameterTensors(
  parameters: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
  prefix = '',
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, data] of parameters) {
    const shape = shapes.get(name);
    if (shape === undefined) throw new TokenmillError('INTERNAL', `parameter ${name} has no shape`);
    tensors.set(prefix + name, float32Tensor(data, shape));
  }
  return tensors;
}

/**
 * Writes a checkpoint; durable when it resolves. One of the same step, which must have been damaged, is replaced.
 * @param folder the run's folder of checkpoints
 * @param config content of config.json
 * @param addFiles writes what else is to be in the folder that it gets
 * @returns its folder
 */
export async function writeCheckpoint(
  folder: string,
  config: unknown,
  model: ModelState,
  shapes: ReadonlyMap<string, readonly number[]>,
  state: TrainingState,
  addFiles: (folder: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const target = join(folder, checkpointName(state.step));
  const temporary = unfinishedFolder(folder);
  try {
    await mkdir(temporary, { recursive: true });
    const weights = parameterTensors(model.parameters, shapes);
    const moments = new Map([
      ...parameterTensors(model.first, shapes, 'first.'),
      ...parameterTensors(model.second, shapes, 'second.'),
    ]);
    const configJson = configText(config);
    const files = {
      [MODEL_FILE]: (await writeSafetensors(join(temporary, MODEL_FILE), weights)).sha256,
      [OPTIMIZER_FILE]: (await writeSafetensors(join(temporary, OPTIMIZER_FILE), moments)).sha256,
      [CONFIG_FILE]: sha256(configJson),
    };
    await writeFileAtomic(join(temporary, CONFIG_FILE), configJson);
    await addFiles(temporary);
    await writeFileAtomic(join(temporary, STATE_FILE), `${JSON.stringify({ ...state, files }, null, 2)}\n`);
    await syncFolder(temporary);
    await removeCheckpoint(target);
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw fromSystemError(error, target);
  }
  return target;
}

/**
 * The latest checkpoint that is undamaged; damaged ones are reported and passed over. Undefined where there is none.
 * @throws TokenmillError MODEL_INVALID where there are checkpoints and all are damaged
 */
export async function latestCheckpoint(folder: string, log: Log): Promise<Checkpoint | undefined> {
  const names = (await checkpointNames(folder)).reverse();
  for (const name of names) {
    try {
      return await openCheckpoint(join(folder, name));
    } catch (error) {
      if (!(error instanceof TokenmillError)) throw error;
      log(`checkpoint ${name} is damaged and is not used: ${error.message}`);
    }
  }
  if (names.length === 0) return undefined;
  throw new TokenmillError('MODEL_INVALID', `all checkpoints in ${folder} are damaged`, {
    hint: 'restore one from a copy, or begin another run with --run NAME',
  });
}

/** Verifies a checkpoint's files against its state.json. @throws TokenmillError MODEL_INVALID */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const damaged = (message: string, cause?: unknown): TokenmillError =>
    new TokenmillError('MODEL_INVALID', `checkpoint ${folder}: ${message}`, { cause });
  try {
    const parsed = stateFileSchema.safeParse(await readJson(join(folder, STATE_FILE)));
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0];
      throw damaged(`${STATE_FILE}: ${path.join('.')}: ${message}`);
    }
    const { files, ...state } = parsed.data;
    for (const [name, expected] of Object.entries(files)) {
      if ((await sha256File(join(folder, name))) !== expected)
        throw damaged(`${name} is not the file that was written`);
    }
    return { folder, state };
  } catch (error) {
    if (error instanceof TokenmillError && error.code !== 'MODEL_INVALID')
      throw damaged(describeError(error), error);
    throw error;
  }
}

/** Weights and moments of a checkpoint. @throws TokenmillError MODEL_INVALID */
export async function readModelState({ folder, state }: Checkpoint): Promise<ModelState> {
  const moments = await readParameters(join(folder, OPTIMIZER_FILE));
  const model: ModelState = {
    step: state.optimizer_step,
    parameters: await readParameters(join(folder, MODEL_FILE)),
    first: new Map(),
    second: new Map(),
  };
  for (const [name, data] of moments) {
    if (name.startsWith('first.')) model.first.set(name.slice('first.'.length), data);
    else model.second.set(name.slice('second.'.length), data);
  }
  return model;
}

/** All tensors of a safetensors file as float32, by name. @throws TokenmillError MODEL_INVALID */
export async function readParameters(path: string): Promise<Map<string, Float32Array>> {
  const { tensors } = await readSafetensors(path);
  return new Map([...tensors].map(([name, tensor]) => [name, toFloat32(tensor, name)]));
}

/** Removes all but the latest `keep` checkpoints and, where it is asked for, the one of the lowest validation loss. */
export async function pruneCheckpoints(folder: string, keep: number, keepBest = false): Promise<void> {
  const names = await checkpointNames(folder);
  const best = keepBest ? await bestCheckpoint(folder, names) : undefined;
  for (const name of names.slice(0, Math.max(0, names.length - keep)))
    if (name !== best) await removeCheckpoint(join(folder, name));
}

/** The first of those with the lowest validation loss; undefined where none has one. */
async function bestCheckpoint(folder: string, names: readonly string[]): Promise<string | undefined> {
  let best: string | undefined;
  let lowest = Infinity;
  for (const name of names) {
    const state = await readJson(join(folder, name, STATE_FILE)).catch(() => undefined);
    const loss = trainingStateSchema.pick({ validation_loss: true }).loose().safeParse(state)
      .data?.validation_loss;
    if (loss === undefined || loss === null || loss >= lowest) continue;
    best = name;
    lowest = loss;
  }
  return best;
}

/**
 * Makes `step` the latest checkpoint: later ones, which are damaged, are set aside under another name, and what a
 * process that died left unfinished is removed.
 */
export async function setAsideAfter(folder: string, step: number): Promise<void> {
  for (const name of await checkpointNames(folder)) {
    if (stepOf(name) <= step) continue;
    const aside = join(folder, `damaged-${name}`);
    await rm(aside, { recursive: true, force: true });
    await rename(join(folder, name), aside);
  }
  for (const name of await readdir(folder)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Names of the checkpoints, oldest first. */
async function checkpointNames(folder: string): Promise<string[]> {
  const names = (await listFolder(folder)).filter((name) => STEP_FOLDER.test(name));
  return names.sort((a, b) => stepOf(a) - stepOf(b));
}

function stepOf(name: string): number {
  return Number(name.slice('step-'.length));
}

/** Renamed first: a checkpoint that is half removed must not look like one. */
async function removeCheckpoint(path: string): Promise<void> {
  const temporary = unfinishedFolder(dirname(path));
  try {
    await rename(path, temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw fromSystemError(error, path);
  }
  await rm(temporary, { recursive: true, force: true });
}

function unfinishedFolder(folder: string): string {
  return join(folder, `${TEMPORARY_PREFIX}${randomUUID()}`);
}
