/**
 * The weights of a model's folder: model.safetensors, or several files that model.safetensors.index.json names, as Hugging Face cuts
 * large ones.
 *
 * Only the tensors that the model has are used. Buffers and the copy of tied weights that older checkpoints hold are left out, and
 * names may lack the prefix of the inner model, as those of checkpoints saved without an output layer do.
 */
import { existsSync } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { readJson, syncFile, writeFileAtomic } from '../core/files.js';
import { toFloat32 } from './elements.js';
import { parameterSpecs, type ModelConfig } from './models/registry.js';
import { readSafetensors, type Tensor, writeSafetensors } from './safetensors.js';

export const MODEL_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
/** Larger files are cut on export; transformers cuts at the same size. */
export const MAX_SHARD_BYTES = 5_000_000_000;
/** Of an index that comes from outside. */
export const MAX_SHARDS = 10_000;

const PREFIXES = ['transformer.', 'model.'] as const;

const indexSchema = z.looseObject({
  // Names of files, not paths: an index must not lead out of its folder.
  weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/)),
});

export function hasWeights(folder: string): boolean {
  return existsSync(join(folder, MODEL_FILE)) || existsSync(join(folder, INDEX_FILE));
}

/**
 * The model's parameters by name, as float32.
 * @throws TokenmillError MODEL_INVALID where a file is damaged or a tensor of a type that is none of weights
 */
export async function readWeights(folder: string, config: ModelConfig): Promise<Map<string, Float32Array>> {
  const wanted = new Map<string, string>();
  for (const { name } of parameterSpecs(config)) {
    for (const prefix of PREFIXES) if (name.startsWith(prefix)) wanted.set(name.slice(prefix.length), name);
  }
  // Full names last: they win over short ones of other tensors.
  for (const { name } of parameterSpecs(config)) wanted.set(name, name);
  const parameters = new Map<string, Float32Array>();
  for (const file of await weightFiles(folder)) {
    const { tensors } = await readSafetensors(join(folder, file));
    for (const [stored, tensor] of tensors) {
      const name = wanted.get(stored);
      if (name !== undefined && (stored === name || !parameters.has(name)))
        parameters.set(name, toFloat32(tensor, stored));
    }
  }
  return parameters;
}

/** Names of the files that hold the weights. @throws TokenmillError MODEL_INVALID for an index that is none */
export async function weightFiles(folder: string): Promise<string[]> {
  if (existsSync(join(folder, MODEL_FILE))) return [MODEL_FILE];
  const path = join(folder, INDEX_FILE);
  const parsed = indexSchema.safeParse(await readJson(path));
  const files = parsed.success ? [...new Set(Object.values(parsed.data.weight_map))].sort() : [];
  if (files.length > 0 && files.length <= MAX_SHARDS) return files;
  throw new TokenmillError(
    'MODEL_INVALID',
    `${path} does not name the files of a model: it needs a weight_map of 1 to ${MAX_SHARDS} names of safetensors files`,
    { place: { file: path } },
  );
}

/**
 * Copies the weights into another folder, in files of at most `maxShardBytes` of tensors each, or of one tensor that is larger.
 * Files that fit are copied as they are.
 */
export async function copyWeights(from: string, to: string, maxShardBytes = MAX_SHARD_BYTES): Promise<void> {
  const files = await weightFiles(from);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(from, file))).size));
  if (sizes.every((size) => size <= maxShardBytes)) {
    const index = files[0] === MODEL_FILE ? [] : [INDEX_FILE];
    for (const file of [...files, ...index]) {
      await copyFile(join(from, file), join(to, file));
      await syncFile(join(to, file));
    }
    return;
  }
  const tensors = new Map<string, Tensor>();
  for (const file of files) {
    for (const [name, tensor] of (await readSafetensors(join(from, file))).tensors) tensors.set(name, tensor);
  }
  await writeShards(to, tensors, maxShardBytes);
}

/** Writes tensors in files of at most so many bytes, with their index; the names are those that transformers gives. */
async function writeShards(
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
  maxShardBytes: number,
): Promise<void> {
  const shards: Map<string, Tensor>[] = [];
  let room = 0;
  for (const [name, tensor] of tensors) {
    if (shards.length === 0 || tensor.bytes.length > room) {
      shards.push(new Map());
      room = maxShardBytes;
    }
    (shards.at(-1) as Map<string, Tensor>).set(name, tensor);
    room -= tensor.bytes.length;
  }
  const number = (value: number): string => String(value).padStart(5, '0');
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [at, shard] of shards.entries()) {
    const file = `model-${number(at + 1)}-of-${number(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, file), shard);
    for (const [name, tensor] of shard) {
      weightMap[name] = file;
      total += tensor.bytes.length;
    }
  }
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  await writeFileAtomic(join(folder, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
}
