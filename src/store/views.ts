/**
 * What SQL sees of a workspace: views over the committed files of all datasets, or of one.
 *
 * Invariants: the views show a state of the commit log, whole commits only; files that no commit names are invisible.
 * A refresh reads only what is new and changes everything in one transaction, so that a statement on another connection
 * of the database sees all of a commit or nothing. `documents`, `signatures` and `training` read their files when they
 * are queried; the others are small and copied.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { listFolder } from '../core/files.js';
import { readCommits, type Commit, type SourceProgress } from './commits.js';
import { addParquetFiles, parquetSelects, type ParquetGroups } from './parquet-groups.js';
import { policyRules } from './policy-rules.js';
import { STATES } from './queue.js';
import {
  badRecordColumns,
  commitColumns,
  consumedColumns,
  DATASET_COLUMN,
  documentColumns,
  emptySelect,
  joinColumns,
  metricColumns,
  queueColumns,
  quoteName,
  quoteText,
  ruleColumns,
  shardColumns,
  signatureColumns,
  sourceColumns,
  verdictColumns,
  type Column,
} from './schema.js';
import {
  appendRows,
  badRecordRows,
  commitRows,
  queueRows,
  ruleRows,
  shardRows,
  sourceRows,
  verdictRows,
} from './view-rows.js';
import type { DatasetPaths, Workspace } from './workspace.js';

/** Every view, for hints and documentation. */
export const VIEWS = [
  'documents',
  'signatures',
  'commits',
  'verdicts',
  'sources',
  'bad_records',
  'shards',
  'queue',
  'rules',
  'training',
  'training_tokens',
] as const;

/** Those that are tables, filled out of the commit log, the queue and the policies. */
const COPIED = ['commits', 'verdicts', 'sources', 'bad_records', 'shards', 'queue', 'rules'] as const;

/** Name of the file in a run's folder that the `training` view reads: one JSON object a line. */
export const METRICS_FILE = 'metrics.jsonl';
/** The same for `training_tokens`. */
const CONSUMED_FILE = 'consumed.jsonl';

const RUN_COLUMN: Column = { name: 'run', type: 'VARCHAR' };

export interface ViewOptions {
  /** Only this dataset. Runs are shown all the same: they belong to no dataset. */
  readonly dataset?: string;
  /** Signal columns of `documents`, so that they exist also where there is no file yet. */
  readonly signals?: readonly Column[];
}

/** Columns of every view, in order. Files may add more at the end of `documents` and `signatures`. */
export function viewColumns(signals: readonly Column[] = []): Record<(typeof VIEWS)[number], Column[]> {
  return {
    documents: joinColumns([DATASET_COLUMN], documentColumns, signals),
    signatures: joinColumns([DATASET_COLUMN], signatureColumns),
    commits: [...commitColumns],
    verdicts: [...verdictColumns],
    sources: [...sourceColumns],
    bad_records: [...badRecordColumns],
    shards: [...shardColumns],
    queue: [...queueColumns],
    rules: [...ruleColumns],
    training: joinColumns([RUN_COLUMN], metricColumns),
    training_tokens: joinColumns([RUN_COLUMN], consumedColumns),
  };
}

/** What has been read of a dataset. */
interface DatasetState {
  readonly paths: DatasetPaths;
  /** Another where the dataset was removed and made again under its name. */
  readonly identity: string;
  /** Sequence of the last commit that is shown. */
  readonly sequence: number;
  readonly documents: ParquetGroups;
  readonly signatures: ParquetGroups;
  readonly sources: ReadonlyMap<string, SourceProgress>;
  /** Of the policy that the dataset was created with. */
  readonly rules: readonly string[];
  /** Names of the queue's files; they change with whatever `queue` shows. */
  readonly queue: string;
}

/** A dataset's state after a look, and the commits that the look found. */
interface Look {
  readonly state: DatasetState;
  readonly commits: readonly Commit[];
}

/** Makes the views once. @throws TokenmillError as `WorkspaceViews.refresh` */
export async function createViews(
  connection: DuckDBConnection,
  workspace: Workspace,
  options: ViewOptions = {},
): Promise<void> {
  await new WorkspaceViews(connection, workspace, options).refresh();
}

export class WorkspaceViews {
  private readonly connection: DuckDBConnection;
  private readonly workspace: Workspace;
  private readonly options: ViewOptions;
  private datasets: ReadonlyMap<string, DatasetState> | undefined;
  private runs = '';

  /** @param connection one that nothing else uses while a refresh runs */
  constructor(connection: DuckDBConnection, workspace: Workspace, options: ViewOptions = {}) {
    this.connection = connection;
    this.workspace = workspace;
    this.options = options;
  }

  /**
   * Brings the views up to the commit log as it is now. When it fails they are as they were. Not to be called again
   * before it has ended.
   * @throws TokenmillError DATASET_NOT_FOUND, DATASET_CORRUPT where a committed file is missing, cut off or not readable
   */
  async refresh(): Promise<void> {
    const paths = await this.datasetPaths();
    const identities = await Promise.all(paths.map(identify));
    // A dataset that went away or was replaced takes its rows with it: everything is read anew.
    const kept = [...(this.datasets ?? [])].every(([name, { identity }]) =>
      paths.some((path, i) => path.name === name && identities[i] === identity),
    );
    const before = kept ? this.datasets : undefined;
    const looks: Look[] = [];
    for (const [i, path] of paths.entries())
      looks.push(await this.look(path, identities[i], before?.get(path.name)));
    const runs = await this.listRuns();
    await this.apply(before, looks, runs);
    this.datasets = new Map(looks.map(({ state }) => [state.paths.name, state]));
    this.runs = runs.join('/');
  }

  private async datasetPaths(): Promise<DatasetPaths[]> {
    const { dataset } = this.options;
    // Reading its configuration says whether the dataset exists, with a hint where it does not.
    if (dataset !== undefined) await this.workspace.readDatasetConfig(dataset);
    const names = dataset === undefined ? await this.workspace.listDatasets() : [dataset];
    return names.map((name) => this.workspace.dataset(name));
  }

  private async look(paths: DatasetPaths, identity: string, before: DatasetState | undefined): Promise<Look> {
    const commits = await readCommits(paths, (before?.sequence ?? 0) + 1);
    const files = commits.flatMap((commit) => commit.files);
    const added = (kind: 'documents' | 'signatures'): Promise<ParquetGroups> =>
      addParquetFiles(
        this.connection,
        before?.[kind] ?? new Map(),
        paths,
        files.filter((file) => file.kind === kind),
      );
    const sources = new Map(before?.sources);
    for (const source of commits.flatMap((commit) => commit.sources)) sources.set(source.source, source);
    const state = {
      paths,
      identity,
      sequence: commits.at(-1)?.sequence ?? before?.sequence ?? 0,
      documents: await added('documents'),
      signatures: await added('signatures'),
      sources,
      rules: before?.rules ?? (await policyRules(this.connection, paths)),
      queue: await queueNames(paths),
    };
    return { state, commits };
  }

  private async listRuns(): Promise<string[]> {
    const runs = await listFolder(this.workspace.models);
    return runs.filter((run) => this.hasFile(run, METRICS_FILE));
  }

  private hasFile(run: string, file: string): boolean {
    return existsSync(join(this.workspace.models, run, file));
  }

  private async apply(
    before: ReadonlyMap<string, DatasetState> | undefined,
    looks: readonly Look[],
    runs: readonly string[],
  ): Promise<void> {
    const committed = looks.filter(({ commits }) => commits.length > 0);
    const queued = looks.filter(({ state }) => before?.get(state.paths.name)?.queue !== state.queue);
    const trained = before === undefined || runs.join('/') !== this.runs;
    if (before !== undefined && committed.length === 0 && queued.length === 0 && !trained) return;
    const created = looks.filter(({ state }) => before?.has(state.paths.name) !== true);
    const queue = await Promise.all(queued.map(({ state }) => queueRows(state.paths)));
    await this.connection.run('BEGIN TRANSACTION');
    try {
      if (before === undefined) await this.createTables();
      for (const { state, commits } of committed) await this.appendCommits(state, commits);
      const rules = created.flatMap(({ state }) => ruleRows(state.paths.name, state.rules));
      await appendRows(this.connection, 'rules', ruleColumns, rules);
      for (const { state } of queued) await this.removeRows('queue', state);
      await appendRows(this.connection, 'queue', queueColumns, queue.flat());
      const states = looks.map(({ state }) => state);
      if (before === undefined || committed.length > 0) {
        await this.createFileView('documents', states);
        await this.createFileView('signatures', states);
      }
      if (trained) {
        await this.createRunView('training', METRICS_FILE, metricColumns, runs);
        await this.createRunView('training_tokens', CONSUMED_FILE, consumedColumns, runs);
      }
      await this.connection.run('COMMIT');
    } catch (error) {
      await this.connection.run('ROLLBACK');
      throw error;
    }
  }

  private async createTables(): Promise<void> {
    const columns = viewColumns();
    for (const table of COPIED) {
      await this.connection.run(`CREATE OR REPLACE TABLE ${table} AS ${emptySelect(columns[table])}`);
    }
  }

  private async appendCommits(state: DatasetState, commits: readonly Commit[]): Promise<void> {
    const { connection } = this;
    const { name } = state.paths;
    await appendRows(connection, 'commits', commitColumns, commitRows(name, commits));
    await appendRows(connection, 'verdicts', verdictColumns, verdictRows(name, commits));
    await appendRows(connection, 'bad_records', badRecordColumns, badRecordRows(name, commits));
    await appendRows(connection, 'shards', shardColumns, shardRows(name, commits));
    await this.removeRows('sources', state);
    await appendRows(connection, 'sources', sourceColumns, sourceRows(name, [...state.sources.values()]));
  }

  private async removeRows(table: string, { paths }: DatasetState): Promise<void> {
    await this.connection.run(`DELETE FROM ${table} WHERE dataset = ${quoteText(paths.name)}`);
  }

  /** A view over Parquet files: the columns that all have, then any others of some. */
  private async createFileView(
    kind: 'documents' | 'signatures',
    states: readonly DatasetState[],
  ): Promise<void> {
    const selects = [
      emptySelect(viewColumns(this.options.signals)[kind]),
      ...states.flatMap((state) => parquetSelects(state.paths.name, state[kind])),
    ];
    await this.connection.run(`CREATE OR REPLACE VIEW ${kind} AS ${selects.join('\nUNION ALL BY NAME\n')}`);
  }

  /** A view over a file of JSON lines in the folders of runs. */
  private async createRunView(
    view: 'training' | 'training_tokens',
    file: string,
    columns: readonly Column[],
    runs: readonly string[],
  ): Promise<void> {
    const types = columns.map(({ name, type }) => `${quoteName(name)}: ${quoteText(type)}`).join(', ');
    const selects = runs
      .filter((run) => this.hasFile(run, file))
      .map((run) => {
        const path = quoteText(join(this.workspace.models, run, file));
        // A run that is being written may end in half a line, which reads as a row of NULL.
        return `SELECT ${quoteText(run)} AS run, * FROM read_json(${path}, format = 'newline_delimited', ignore_errors = true, columns = {${types}}) WHERE step IS NOT NULL`;
      });
    const all = [emptySelect(viewColumns()[view]), ...selects].join('\nUNION ALL BY NAME\n');
    await this.connection.run(`CREATE OR REPLACE VIEW ${view} AS ${all}`);
  }
}

async function identify(paths: DatasetPaths): Promise<string> {
  // Gone between the listing and here is as good as gone before it.
  const found = await stat(paths.config, { bigint: true }).catch(() => undefined);
  return `${found?.ino} ${found?.mtimeNs}`;
}

async function queueNames(paths: DatasetPaths): Promise<string> {
  const folders = await Promise.all(STATES.map((state) => listFolder(join(paths.queue, state))));
  return folders.map((names) => names.join('/')).join('//');
}
