/**
 * The append-only commit log of a dataset: commits/000000001.json, 000000002.json, ...
 *
 * Invariants: a commit file appears whole, once, and never changes; sequences have no gap; a file in documents/,
 * signatures/ or shards/ belongs to the dataset exactly when a commit names it. What was written before a crash
 * and not named is garbage that the next writer removes.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { listFolder, readJson, removeTemporaries, writeFileExclusive } from '../core/files.js';
import type { DatasetPaths } from './workspace.js';

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const split = z.enum(['train', 'valid']);
/** Relative to the dataset's folder, and inside it. */
const filePath = z.string().regex(/^(documents|signatures|shards)\/[A-Za-z0-9][A-Za-z0-9._-]*$/);

const committedFileSchema = z.strictObject({
  kind: z.enum(['documents', 'signatures', 'shard']),
  path: filePath,
  rows: count,
  bytes: count,
  sha256,
  split: split.optional(),
  tokens: count.optional(),
});

const pendingFileSchema = z.strictObject({
  split,
  path: filePath,
  rows: count,
  tokens: count,
  bytes: count,
  sha256,
});

const sourceProgressSchema = z.strictObject({
  /** The name it was given by; identifies the source in the dataset. */
  source: z.string(),
  /** Path or URL that it was read from. */
  location: z.string(),
  size: count.nullable(),
  modified_ms: z.number().nullable(),
  format: z.string(),
  /** What reading a record takes beside its format: fields that were named, dialect of CSV. */
  layout: z.record(z.string(), z.unknown()).optional(),
  /** Where reading goes on; the reader's own business. */
  position: z.unknown(),
  finished: z.boolean(),
  records: count,
  documents: count,
  non_documents: count,
  bad: count,
});

const badNoteSchema = z.strictObject({
  source: z.string(),
  /** As for documents: bytes of the file itself, or of its decompressed content. */
  space: z.enum(['file', 'content', 'row']),
  offset: count,
  length: count,
  reason: z.string(),
  detail: z.string(),
});

const commitSchema = z.strictObject({
  version: z.literal(1),
  /** 1, 2, ... */
  sequence: z.number().int().positive(),
  dataset: z.string(),
  files: z.array(committedFileSchema),
  /** Unfinished tails of shards; they replace the pending files of the commit before. */
  pending: z.array(pendingFileSchema),
  /** Sources whose progress changed. */
  sources: z.array(sourceProgressSchema),
  /** Bad records, each with its reason; `counts` has them all where these are cut. */
  bad_records: z.array(badNoteSchema),
  /** Of this commit alone. */
  counts: z.record(z.string(), z.number()),
  /** Of the dataset up to and with this commit. */
  totals: z.record(z.string(), z.number()),
  /** Ordinal that the next document will get. */
  next_ordinal: count,
  /** The tokenizer of all tokens so far; null while there are none. */
  tokenizer: z.strictObject({ name: z.string(), sha256 }).nullable(),
});

export type Commit = z.output<typeof commitSchema>;
export type CommittedFile = z.output<typeof committedFileSchema>;
export type PendingFile = z.output<typeof pendingFileSchema>;
export type SourceProgress = z.output<typeof sourceProgressSchema>;
export type BadNote = z.output<typeof badNoteSchema>;

const COMMIT_NAME = /^(\d{9})\.json$/;

/** 9 digits, so that names sort as numbers do. */
function commitName(sequence: number): string {
  return `${String(sequence).padStart(9, '0')}.json`;
}

function corrupt(message: string, file: string, cause?: unknown): TokenmillError {
  return new TokenmillError('DATASET_CORRUPT', message, {
    place: { file },
    hint: 'restore the dataset folder from a copy, or ingest into a new dataset',
    cause,
  });
}

/** First problem of a zod result as "key: message". */
function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue.path.join('.')}: ${issue.message}`;
}

/**
 * Sequence of the dataset's last commit; 0 while there is none. Readers need no lock: the log only grows.
 */
export async function lastSequence(paths: DatasetPaths): Promise<number> {
  const sequences = (await listFolder(paths.commits)).flatMap((name) => COMMIT_NAME.exec(name)?.[1] ?? []);
  // The highest, whether or not the listing has all below it: it may have been made while commits were added.
  return sequences.reduce((highest, digits) => Math.max(highest, Number(digits)), 0);
}

/**
 * The commits from `first` to `last`, in order; without them all that there are.
 * @throws TokenmillError DATASET_CORRUPT naming the first commit that is missing or cannot be read
 */
export async function readCommits(paths: DatasetPaths, first = 1, last?: number): Promise<Commit[]> {
  const end = last ?? (await lastSequence(paths));
  const commits: Commit[] = [];
  for (let sequence = first; sequence <= end; sequence++) {
    const file = join(paths.commits, commitName(sequence));
    commits.push(parseCommit(await readCommitJson(file), paths, sequence, file));
  }
  return commits;
}

async function readCommitJson(file: string): Promise<unknown> {
  try {
    return await readJson(file);
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error;
    if (error.code === 'INPUT_CORRUPT') throw corrupt(error.message, file, error);
    if (error.code === 'FILE_NOT_FOUND') {
      throw corrupt(`commit ${file} is missing, and there are later ones`, file, error);
    }
    throw error;
  }
}

function parseCommit(value: unknown, paths: DatasetPaths, sequence: number, file: string): Commit {
  const result = commitSchema.safeParse(value);
  if (!result.success) throw corrupt(`${file} is not a commit: ${firstIssue(result.error)}`, file);
  const commit = result.data;
  if (commit.sequence !== sequence || commit.dataset !== paths.name) {
    throw corrupt(
      `${file} says it is commit ${commit.sequence} of dataset ${commit.dataset}, not commit ${sequence} of ${paths.name}`,
      file,
    );
  }
  return commit;
}

/**
 * Makes a commit: when this resolves, it and everything it names count. The files that it names must be durable.
 * @throws TokenmillError FILE_EXISTS where another writer made a commit of this sequence,
 *   INTERNAL where the commit is not well formed
 */
export async function appendCommit(paths: DatasetPaths, commit: Commit): Promise<void> {
  const result = commitSchema.safeParse(commit);
  if (!result.success) {
    throw new TokenmillError('INTERNAL', `a commit is not well formed: ${firstIssue(result.error)}`);
  }
  const previous = join(paths.commits, commitName(commit.sequence - 1));
  if (commit.sequence > 1 && !existsSync(previous)) {
    throw new TokenmillError('INTERNAL', `commit ${commit.sequence} has no predecessor ${previous}`);
  }
  await writeFileExclusive(
    join(paths.commits, commitName(commit.sequence)),
    `${JSON.stringify(commit, null, 1)}\n`,
  );
}

/** Every file that belongs to the dataset for good, in order of commit. */
export function committedFiles(commits: readonly Commit[]): CommittedFile[] {
  return commits.flatMap((commit) => commit.files);
}

/** The latest progress of every source, in the order in which the sources appeared. */
export function latestSources(commits: readonly Commit[]): SourceProgress[] {
  const sources = new Map<string, SourceProgress>();
  for (const commit of commits) {
    for (const source of commit.sources) sources.set(source.source, source);
  }
  return [...sources.values()];
}

/**
 * Removes what no commit names: leftovers of a crash, and pending files that a later commit replaced.
 * Only the dataset's writer may call it.
 */
export async function removeUncommitted(paths: DatasetPaths, commits: readonly Commit[]): Promise<void> {
  const named = new Set(committedFiles(commits).map((file) => file.path));
  for (const pending of commits.at(-1)?.pending ?? []) named.add(pending.path);
  for (const kind of ['documents', 'signatures', 'shards'] as const) {
    for (const name of await listFolder(paths[kind])) {
      if (!named.has(`${kind}/${name}`)) await rm(join(paths[kind], name), { recursive: true, force: true });
    }
  }
  for (const folder of [paths.commits, paths.documents, paths.signatures, paths.shards]) {
    await removeTemporaries(folder);
  }
}
