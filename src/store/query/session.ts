/**
 * Queries over a workspace, one at a time: a database in memory with the workspace's views, confined to their files.
 *
 * Invariants: each query sees the commit log as it was when it began, and runs in a read-only transaction. Plans and
 * messages of errors name files by the path of the workspace that the session was given: a process that must not tell
 * where it runs gives a relative one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { confineDatabase, openDatabase, type Database, type DatabaseOptions } from '../database.js';
import type { Column } from '../schema.js';
import { WorkspaceViews } from '../views.js';
import { Workspace } from '../workspace.js';
import { UNLIMITED, type QueryLimits } from './limits.js';
import { executeQuery, type QueryRequest } from './run.js';

export interface SessionOptions extends Pick<
  DatabaseOptions,
  'memoryLimit' | 'threads' | 'maxTemporaryBytes'
> {
  /** Folder of the workspace. */
  readonly workspace: string;
  readonly dataset?: string;
  readonly signals?: readonly Column[];
  readonly limits?: QueryLimits;
  /** Lets statements read any file: for whoever may read them anyway. */
  readonly allowFiles?: boolean;
  /** Where a folder for spilled and unfinished files is made. Default: the system's. */
  readonly temporaryFolder?: string;
}

export class QuerySession {
  private readonly options: SessionOptions;
  private readonly database: Database;
  private readonly user: DuckDBConnection;
  private readonly views: WorkspaceViews;
  private readonly temporaryFolder: string;

  /** @throws TokenmillError CONFIG_INVALID */
  static async open(options: SessionOptions): Promise<QuerySession> {
    const { memoryLimit, threads, maxTemporaryBytes, signals, dataset } = options;
    const workspace = new Workspace(options.workspace);
    const temporaryFolder = await mkdtemp(join(options.temporaryFolder ?? tmpdir(), 'tokenmill-sql-'));
    const database = await openDatabase({ memoryLimit, threads, maxTemporaryBytes, temporaryFolder });
    if (options.allowFiles !== true) {
      await confineDatabase(database.connection, [workspace.datasets, workspace.models, temporaryFolder]);
    }
    const views = new WorkspaceViews(database.connection, workspace, { dataset, signals });
    return new QuerySession(options, database, await database.connect(), views, temporaryFolder);
  }

  private constructor(
    options: SessionOptions,
    database: Database,
    user: DuckDBConnection,
    views: WorkspaceViews,
    temporaryFolder: string,
  ) {
    this.options = options;
    this.database = database;
    this.user = user;
    this.views = views;
    this.temporaryFolder = temporaryFolder;
  }

  /** Brings the views up to date before the first query asks for them. */
  async prepare(): Promise<void> {
    await this.views.refresh();
  }

  /**
   * The parts of a result. The next query may begin when this one has ended or was returned from.
   * @throws TokenmillError as `executeQuery` and `WorkspaceViews.refresh`
   */
  async *query(request: QueryRequest, signal?: AbortSignal): AsyncGenerator<string | Uint8Array> {
    const { limits = UNLIMITED, allowFiles } = this.options;
    const { temporaryFolder } = this;
    await this.views.refresh();
    await this.user.run('BEGIN TRANSACTION READ ONLY');
    try {
      yield* executeQuery(this.user, request, { limits, signal, temporaryFolder, allowFiles });
    } finally {
      await this.user.run('ROLLBACK');
    }
  }

  async close(): Promise<void> {
    this.user.closeSync();
    this.database.close();
    await rm(this.temporaryFolder, { recursive: true, force: true });
  }
}
