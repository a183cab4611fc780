/** A workspace with a dataset of given tokens, so that trainers are tested without an ingest. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendCommit } from '../../src/store/commits.js';
import { Queue } from '../../src/store/queue.js';
import { writeShard } from '../../src/store/shards.js';
import { Workspace, type DatasetPaths } from '../../src/store/workspace.js';
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { packVocabulary } from '../../src/tokenizer/vocabulary.js';

export const END_OF_TEXT = 256;
export const VOCABULARY = 257;
export const DATASET = 'd';

/** One token a byte, and end-of-text: ids of a text can be written down by hand. */
export function byteTokenizer(): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  return new Tokenizer({
    vocabulary: packVocabulary([...bytes, new TextEncoder().encode('<|endoftext|>')]),
    merges: new Int32Array(0),
    specials: new Map([['<|endoftext|>', END_OF_TEXT]]),
    pattern: 'gpt2',
    wholePieces: false,
    nfc: false,
  });
}

export interface TrainingWorkspace {
  readonly workspace: Workspace;
  readonly paths: DatasetPaths;
  readonly tokenizer: Tokenizer;
}

/** Each element of `train` and `valid` is the tokens of one shard; train shards are in the queue. */
export async function trainingWorkspace(
  train: readonly (readonly number[])[],
  valid: readonly (readonly number[])[] = [],
  tokenizerSha256?: string,
): Promise<TrainingWorkspace> {
  const workspace = new Workspace(await mkdtemp(join(tmpdir(), 'tokenmill-train-')));
  const paths = await workspace.createDataset(DATASET, { version: 1 });
  const tokenizer = byteTokenizer();
  await saveTokenizer(tokenizer.model, join(workspace.tokenizers, 'bytes'));
  const made = { workspace, paths, tokenizer };
  await commitShards(made, 1, { train, valid }, tokenizerSha256);
  return made;
}

/** Adds a commit with shards `train-<sequence>-<n>`, and puts the train shards into the queue. */
export async function commitShards(
  { paths, tokenizer }: TrainingWorkspace,
  sequence: number,
  shards: { readonly train: readonly (readonly number[])[]; readonly valid?: readonly (readonly number[])[] },
  tokenizerSha256 = tokenizer.sha256,
): Promise<void> {
  const queue = new Queue(paths.queue);
  await queue.init();
  const files = [];
  for (const split of ['train', 'valid'] as const) {
    for (const [index, tokens] of (shards[split] ?? []).entries()) {
      const name = `${split}-${sequence}-${index + 1}`;
      const shard = `shards/${name}.arrow`;
      const metadata = {
        dataset: DATASET,
        split,
        tokenizerSha256,
        vocabSize: VOCABULARY,
        endOfTextId: END_OF_TEXT,
        tokenCount: tokens.length,
      };
      const content = {
        documentIds: [name],
        offsets: [0, tokens.length],
        tokens: Uint16Array.from(tokens),
        metadata,
      };
      const { bytes, sha256 } = await writeShard(join(paths.folder, shard), content);
      files.push({
        kind: 'shard' as const,
        path: shard,
        rows: 1,
        bytes,
        sha256,
        split,
        tokens: tokens.length,
      });
      if (split === 'train') await queue.enqueue({ name, shard, split, tokens: tokens.length, sha256 });
    }
  }
  await appendCommit(paths, {
    version: 1,
    sequence,
    dataset: DATASET,
    files,
    pending: [],
    sources: [],
    bad_records: [],
    counts: {},
    totals: {},
    next_ordinal: sequence,
    tokenizer: { name: 'bytes', sha256: tokenizerSha256 },
  });
}

/** States of the queue's entries by name, owners where they are leased. */
export async function queueStates({ paths }: TrainingWorkspace): Promise<Record<string, string>> {
  const entries = await new Queue(paths.queue).list();
  return Object.fromEntries(
    entries.map(({ name, state, owner }) => [name, owner === null ? state : `${state} by ${owner}`]),
  );
}

/** `count` numbers from `from` on: shards whose tokens show where they come from. */
export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
