/** What a run's folder says of it: run.json, and the tokenizer that it names. */
import { join } from 'node:path';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { readJson, writeFileAtomic } from '../core/files.js';
import type { Workspace } from '../store/workspace.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type DatasetShare, runSettingsSchema } from './options.js';

export const RUN_FILE = 'run.json';
const shardReferenceSchema = z.strictObject({
  name: z.string(),
  shard: z.string(),
  sha256: z.string(),
  tokens: z.number().int(),
  /** Default: the run's. */
  dataset: z.string().optional(),
});

export const runFileSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  /** The first where there are several. */
  dataset: z.string(),
  /** Datasets and their shares of the sequences; left out where there is one. */
  mixture: z
    .array(z.strictObject({ dataset: z.string(), weight: z.number().positive() }))
    .min(2)
    .optional(),
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

/** The datasets that a run trains on. */
export function runMixture({
  dataset,
  mixture,
}: Pick<RunFile, 'dataset' | 'mixture'>): readonly DatasetShare[] {
  return mixture ?? [{ dataset, weight: 1 }];
}

/** run.json of a run. @throws TokenmillError RUN_NOT_FOUND, MODEL_INVALID */
export async function readRunFile(path: string): Promise<RunFile> {
  const parsed = runFileSchema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TokenmillError('MODEL_INVALID', `${path}: ${issue.path.join('.')}: ${issue.message}`);
}

export async function writeRunFile(folder: string, file: RunFile): Promise<void> {
  await writeFileAtomic(join(folder, RUN_FILE), `${JSON.stringify(file, null, 2)}\n`);
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
