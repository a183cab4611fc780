/**
 * What a reader needs of a dataset's commit log, kept in memory and brought up to date by the commits that were added
 * since: a long-running process reads each commit once.
 *
 * Invariant: an index is the state as of its `sequence`, whole commits only. It grows with files and sources, not with
 * documents; what else a commit holds (bad records, positions) is let go.
 */
import { stat } from 'node:fs/promises';
import { fromSystemError } from '../core/errors.js';
import {
  lastSequence,
  readCommits,
  type Commit,
  type CommittedFile,
  type PendingFile,
  type SourceProgress,
} from './commits.js';
import type { DatasetPaths, Workspace } from './workspace.js';

export interface IndexedFile extends CommittedFile {
  /** Sequence of the commit that added it. */
  readonly commit: number;
}

/** A file of documents with the range of ordinals that it holds: from `first` up to, not with, `end`. */
export interface DocumentsFile extends IndexedFile {
  readonly first: number;
  readonly end: number;
}

export type SourcePlace = Pick<SourceProgress, 'location' | 'layout'>;

export interface DatasetIndex {
  readonly paths: DatasetPaths;
  /** Of the last commit; 0 where there is none. */
  readonly sequence: number;
  readonly documents: readonly DocumentsFile[];
  readonly shards: readonly IndexedFile[];
  readonly pending: readonly PendingFile[];
  /** Where each source is read from, and how it is laid out, by its name. */
  readonly sources: ReadonlyMap<string, SourcePlace>;
  readonly totals: Readonly<Record<string, number>>;
  readonly tokenizer: Commit['tokenizer'];
}

interface Entry {
  /** Tells a dataset from one of the same name that was created after it was removed. */
  readonly identity: string;
  index: DatasetIndex & { readonly nextOrdinal: number };
}

export class DatasetIndexes {
  private readonly workspace: Workspace;
  private readonly entries = new Map<string, Entry>();

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  /**
   * The index of a dataset as of now.
   * @throws TokenmillError DATASET_NOT_FOUND, DATASET_CORRUPT, USAGE for a name that cannot be one
   */
  async get(name: string): Promise<DatasetIndex> {
    const paths = this.workspace.dataset(name);
    const identity = await this.identify(paths);
    let entry = this.entries.get(name);
    if (entry === undefined || entry.identity !== identity) {
      entry = { identity, index: emptyIndex(paths) };
      this.entries.set(name, entry);
    }
    const last = await lastSequence(paths);
    if (last <= entry.index.sequence) return entry.index;
    const from = entry.index;
    const index = extended(from, await readCommits(paths, from.sequence + 1, last));
    // Another call may have gone further meanwhile.
    if (index.sequence > entry.index.sequence) entry.index = index;
    return index;
  }

  private async identify(paths: DatasetPaths): Promise<string> {
    try {
      const { ino, mtimeMs } = await stat(paths.config);
      return `${ino}-${mtimeMs}`;
    } catch (error) {
      this.entries.delete(paths.name);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fromSystemError(error, paths.config);
      // Says that there is none, and which there are.
      await this.workspace.readDatasetConfig(paths.name);
      throw error;
    }
  }
}

function emptyIndex(paths: DatasetPaths): Entry['index'] {
  return {
    paths,
    sequence: 0,
    documents: [],
    shards: [],
    pending: [],
    sources: new Map(),
    totals: {},
    tokenizer: null,
    nextOrdinal: 0,
  };
}

/** The index with the commits that follow it. */
function extended(index: Entry['index'], commits: readonly Commit[]): Entry['index'] {
  const documents = [...index.documents];
  const shards = [...index.shards];
  const sources = new Map(index.sources);
  let { nextOrdinal } = index;
  for (const commit of commits) {
    for (const file of commit.files) {
      const indexed = { ...file, commit: commit.sequence };
      if (file.kind === 'documents')
        documents.push({ ...indexed, first: nextOrdinal, end: commit.next_ordinal });
      if (file.kind === 'shard') shards.push(indexed);
    }
    for (const { source, location, layout } of commit.sources) sources.set(source, { location, layout });
    nextOrdinal = commit.next_ordinal;
  }
  const { sequence, pending, totals, tokenizer } = commits[commits.length - 1];
  return {
    paths: index.paths,
    sequence,
    documents,
    shards,
    pending,
    sources,
    totals,
    tokenizer,
    nextOrdinal,
  };
}
