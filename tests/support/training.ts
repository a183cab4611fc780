/** A workspace with a dataset of given tokens, so that trainers are tested without an ingest. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendCommit } from '../../src/store/commits.js';
import type { Log } from '../../src/core/log.js';
import { Queue } from '../../src/store/queue.js';
import { writeShard } from '../../src/store/shards.js';
import { Workspace, type DatasetPaths } from '../../src/store/workspace.js';
import type { ShardFeed } from '../../src/trainer/loader/feeds.js';
import { type RowOptions, type RowPosition, RowSource } from '../../src/trainer/loader/rows.js';
import type { SegmentProgress } from '../../src/trainer/loader/segments.js';
import { TrainingData } from '../../src/trainer/loader/training-data.js';
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

/**
 * Each element of `train` and `valid` is the tokens of one shard, whose documents end with end-of-text; train shards are
 * in the queue.
 */
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
        dataset: paths.name,
        split,
        tokenizerSha256,
        vocabSize: VOCABULARY,
        endOfTextId: END_OF_TEXT,
        tokenCount: tokens.length,
      };
      const ends = tokens.flatMap((token, at) => (token === END_OF_TEXT ? [at + 1] : []));
      const offsets = [0, ...ends, ...(ends.at(-1) === tokens.length ? [] : [tokens.length])];
      const content = {
        documentIds: offsets.slice(1).map((_, row) => `${name}-${row}`),
        offsets,
        tokens: Uint16Array.from(tokens),
        metadata,
      };
      const { bytes, sha256 } = await writeShard(join(paths.folder, shard), content);
      files.push({
        kind: 'shard' as const,
        path: shard,
        rows: offsets.length - 1,
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
    dataset: paths.name,
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

export interface DataSpec extends Partial<RowOptions> {
  readonly feed: ShardFeed;
  readonly record: string;
  readonly follow?: boolean;
  readonly resume?: RowPosition;
  readonly log: Log;
}

/** Sequences of 4 tokens as they come, unless the specification says otherwise. */
export function openRows({ paths, tokenizer }: TrainingWorkspace, spec: DataSpec): Promise<RowSource> {
  const { resume, ...given } = spec;
  return RowSource.open(
    {
      context: 4,
      packing: 'concatenate',
      shuffle: 0,
      seed: 1,
      endOfTextId: END_OF_TEXT,
      folder: paths.folder,
      tokenizerSha256: tokenizer.sha256,
      follow: false,
      ...given,
    },
    resume,
  );
}

/** Batches of one sequence. */
export async function openData(made: TrainingWorkspace, spec: DataSpec): Promise<TrainingData> {
  return new TrainingData(
    [{ dataset: DATASET, weight: 1, rows: await openRows(made, spec), sequences: 0 }],
    1,
  );
}

export function segmentsOf(data: TrainingData): SegmentProgress[] {
  return data.position[0].segments;
}

/** The position at the end of these segments, with no block begun. */
export function positionAt(segments: readonly SegmentProgress[]): RowPosition {
  return { segments: [...segments], block: { number: 0, used: 0, tokens: 0 } };
}
