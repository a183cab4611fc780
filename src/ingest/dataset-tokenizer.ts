/**
 * The tokenizer of a dataset. Whatever was asked for (a built-in name, a file, `train:SIZE`), it ends as a folder in
 * the workspace's `tokenizers/`, where workers, trainers and people find it by the name that the commits give.
 */
import { basename, join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder } from '../core/files.js';
import type { Workspace } from '../store/workspace.js';
import { loadTokenizer } from '../tokenizer/load.js';
import { saveTokenizer } from '../tokenizer/save.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { trainTokenizer } from '../tokenizer/train.js';

/** Kept text, in document order, that `train:SIZE` learns from. */
export const TRAINING_SAMPLE_BYTES = 32_000_000;

export const END_OF_TEXT = '<|endoftext|>';

const MINIMUM_VOCABULARY = 257;
const MAXIMUM_VOCABULARY = 1_000_000;

export interface DatasetTokenizer {
  readonly name: string;
  readonly folder: string;
  readonly tokenizer: Tokenizer;
  readonly endOfTextId: number;
}

/** SIZE of `train:SIZE`, or undefined where an existing tokenizer is meant. @throws TokenmillError CONFIG_INVALID */
export function trainingSize(spec: string): number | undefined {
  if (!spec.startsWith('train:')) return undefined;
  const size = Number(spec.slice('train:'.length));
  if (Number.isInteger(size) && size >= MINIMUM_VOCABULARY && size <= MAXIMUM_VOCABULARY) return size;
  throw new TokenmillError(
    'CONFIG_INVALID',
    `--tokenizer ${spec}: the size is not a whole number from ${MINIMUM_VOCABULARY} to ${MAXIMUM_VOCABULARY}`,
    {
      hint: 'for example --tokenizer train:8192',
    },
  );
}

/** Name in the workspace of the tokenizer that a dataset trains for itself. */
export function trainedName(dataset: string, size: number): string {
  return `${dataset}-${size}`;
}

/** Loads an existing tokenizer and makes it one of the workspace. */
export async function adoptTokenizer(workspace: Workspace, spec: string): Promise<DatasetTokenizer> {
  const tokenizer = await loadTokenizer(spec, { folder: workspace.tokenizers });
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(spec) && !spec.endsWith('.json');
  const stem = basename(spec)
    .replace(/\.(json|tiktoken)$/, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '-');
  return keep(workspace, isName ? spec : `${stem}-${tokenizer.sha256.slice(0, 8)}`, tokenizer);
}

/** Trains the dataset's own tokenizer on kept texts. */
export async function trainDatasetTokenizer(
  workspace: Workspace,
  dataset: string,
  size: number,
  texts: Iterable<Uint8Array>,
): Promise<DatasetTokenizer> {
  const model = await trainTokenizer(texts, { vocabSize: size, specials: [END_OF_TEXT], pattern: 'gpt2' });
  return keep(workspace, trainedName(dataset, size), new Tokenizer(model));
}

async function keep(workspace: Workspace, name: string, tokenizer: Tokenizer): Promise<DatasetTokenizer> {
  const folder = join(workspace.tokenizers, name);
  const present = await loadTokenizer(folder).catch((error: unknown) => {
    if (error instanceof TokenmillError && error.code === 'TOKENIZER_NOT_FOUND') return undefined;
    throw error;
  });
  if (present === undefined) {
    await ensureFolder(folder);
    await saveTokenizer(tokenizer.model, folder);
  } else if (present.sha256 !== tokenizer.sha256) {
    throw new TokenmillError('TOKENIZER_MISMATCH', `the workspace has another tokenizer named ${name}`, {
      hint: `choose another dataset name, or remove tokenizers/${name} if nothing uses it`,
    });
  }
  return withEndOfText(name, folder, present ?? tokenizer);
}

/** The tokenizer that a commit names. @throws TokenmillError TOKENIZER_MISMATCH where the folder holds another one */
export async function committedTokenizer(
  workspace: Workspace,
  name: string,
  sha256: string,
): Promise<DatasetTokenizer> {
  const folder = join(workspace.tokenizers, name);
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer.sha256 !== sha256) {
    throw new TokenmillError(
      'TOKENIZER_MISMATCH',
      `tokenizers/${name} is not the one that the dataset was tokenized with`,
      {
        hint: 'put the original tokenizer back, or ingest into a new dataset',
      },
    );
  }
  return withEndOfText(name, folder, tokenizer);
}

function withEndOfText(name: string, folder: string, tokenizer: Tokenizer): DatasetTokenizer {
  if (tokenizer.endOfTextId === null) {
    throw new TokenmillError('TOKENIZER_INVALID', `tokenizer ${name} has no end-of-text token`, {
      hint: `documents are separated by a special token such as ${END_OF_TEXT}: add one to the tokenizer`,
    });
  }
  return { name, folder, tokenizer, endOfTextId: tokenizer.endOfTextId };
}
