/**
 * DuckDB in memory: the engine over the workspace's files. It has no database file, so nobody holds a lock, and it
 * never loads an extension from the network.
 */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { quoteText } from './schema.js';

export interface DatabaseOptions {
  /** What DuckDB may hold before it spills, for example '1GB'. Default: DuckDB's, 80% of the machine's memory. */
  readonly memoryLimit?: string;
  /** Threads of DuckDB. Default: one a core. */
  readonly threads?: number;
  /** Folder to spill to. Default: no spilling. */
  readonly temporaryFolder?: string;
  /** Bytes that it may spill. Default: DuckDB's, 90% of what is free. */
  readonly maxTemporaryBytes?: number;
}

export interface Database {
  readonly connection: DuckDBConnection;
  /** One more connection: each runs one statement at a time. */
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/** @throws TokenmillError CONFIG_INVALID for settings that DuckDB refuses */
export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const settings: Record<string, string> = {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Empty: without a folder to spill to, DuckDB would make one in the current folder.
    temp_directory: options.temporaryFolder ?? '',
    // Give freed memory back at once. Ingests of 500 MB peaked at 835 and 896 MB so, at 948 MB with DuckDB's own 128 MB and
    // 512 MB; it costs some 5% of the ingest's CPU time, all of it the system's.
    allocator_flush_threshold: '1MB',
    allocator_bulk_deallocation_flush_threshold: '1MB',
  };
  if (options.memoryLimit !== undefined) settings['memory_limit'] = options.memoryLimit;
  if (options.threads !== undefined) settings['threads'] = String(options.threads);
  if (options.maxTemporaryBytes !== undefined) {
    settings['max_temp_directory_size'] = `${options.maxTemporaryBytes}B`;
  }
  let instance: DuckDBInstance;
  try {
    instance = await DuckDBInstance.create(':memory:', settings);
  } catch (error) {
    throw new TokenmillError('CONFIG_INVALID', `DuckDB refuses its settings: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const connection = await instance.connect();
  return {
    connection,
    connect: () => instance.connect(),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/**
 * Lets SQL on this database reach only files below `folders`, and no setting, for good. For SQL that comes from
 * somebody who may not read everything that this process may.
 */
export async function confineDatabase(
  connection: DuckDBConnection,
  folders: readonly string[],
): Promise<void> {
  await connection.run(`SET allowed_directories = [${folders.map(quoteText).join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}
