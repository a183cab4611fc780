/** A small run as a real process: a model of two layers and width 32 on the bytes of generated prose. */
import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/core/random.js';
import { sha256 } from '../../src/core/hash.js';
import { run, type CliResult } from './cli.js';
import { prose } from './corpus.js';
import { END_OF_TEXT, trainingWorkspace, VOCABULARY, type TrainingWorkspace } from './training.js';

const DRIVER = fileURLToPath(new URL('workers/train.mjs', import.meta.url));

export const SMALL_MODEL = {
  model_type: 'llama',
  vocab_size: VOCABULARY,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};

/** The tokens of a generated text of so many words. */
export function textTokens(seed: number, words: number): number[] {
  return [...new TextEncoder().encode(prose(new Random(seed), words)), END_OF_TEXT];
}

export interface SmallWorkspace extends TrainingWorkspace {
  /** Path of SMALL_MODEL as a file. */
  readonly model: string;
}

export async function smallWorkspace(
  train: readonly (readonly number[])[],
  valid: readonly (readonly number[])[] = [textTokens(99, 60)],
): Promise<SmallWorkspace> {
  const made = await trainingWorkspace(train, valid);
  const model = join(made.workspace.root, 'small.json');
  await writeFile(model, JSON.stringify(SMALL_MODEL));
  return { ...made, model };
}

/** Trains in another process, on the compiled code. @param killAt operation on files at which it is killed, from 1 */
export async function trainProcess(
  { workspace, model }: SmallWorkspace,
  options: Readonly<Record<string, unknown>>,
  onStart?: (child: ChildProcess) => void,
  killAt?: number,
): Promise<CliResult> {
  const settings = { dataset: 'd', model, run: 'r', batch: 4, context: 16, threads: 1, ...options };
  const args = [
    DRIVER,
    workspace.root,
    JSON.stringify(settings),
    ...(killAt === undefined ? [] : [String(killAt)]),
  ];
  return run(process.execPath, args, { onStart });
}

/** Everything about a run's end that has to be the same for every way to it. */
export async function outcome(
  { workspace }: TrainingWorkspace,
  name: string,
  step: number,
): Promise<unknown> {
  const folder = join(workspace.models, name);
  const checkpoint = join(folder, 'checkpoints', `step-${String(step).padStart(6, '0')}`);
  const hashes: Record<string, string> = {};
  for (const file of ['model.safetensors', 'optimizer.safetensors', 'config.json', 'state.json'])
    hashes[file] = sha256(await readFile(join(checkpoint, file)));
  const metrics = (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), tokens_per_second: 0 }));
  return { hashes, metrics, consumed: await readFile(join(folder, 'consumed.jsonl'), 'utf8') };
}
