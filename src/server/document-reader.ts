/**
 * DuckDB for the routes that show documents: a few connections that requests take in turn.
 *
 * Invariants: at most `CONNECTIONS` statements run at once and at most `MAX_WAITING` requests wait; a statement of a
 * client that has gone, or that takes longer than `STATEMENT_LIMIT_MS`, is interrupted.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { openDatabase, type Database } from '../store/database.js';

const CONNECTIONS = 4;
const MAX_WAITING = 1000;
const STATEMENT_LIMIT_MS = 30_000;
const MEMORY = '512MB';

export class DocumentReader {
  private database: Promise<Database> | undefined;
  private readonly idle: DuckDBConnection[] = [];
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private closed = false;

  /**
   * Runs `use` with a connection of its own.
   * @throws TokenmillError UNAVAILABLE where too many wait, INTERRUPTED
   */
  async run<Result>(
    signal: AbortSignal,
    use: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    await this.enter();
    try {
      if (signal.aborted || this.closed) throw new TokenmillError('INTERRUPTED', 'the request was ended');
      const connection = this.idle.pop() ?? (await this.connect());
      try {
        return await interruptible(connection, signal, () => use(connection));
      } finally {
        this.idle.push(connection);
      }
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running >= CONNECTIONS) {
      if (this.waiting.length >= MAX_WAITING) {
        throw new TokenmillError('UNAVAILABLE', 'too many requests for documents wait already', {
          hint: 'try again in a few seconds',
        });
      }
      // Whoever leaves hands its place over.
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    } else {
      this.running += 1;
    }
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running -= 1;
    else next();
  }

  private async connect(): Promise<DuckDBConnection> {
    this.database ??= openDatabase({ memoryLimit: MEMORY });
    const connection = await (await this.database).connect();
    // The files never change, so neither do their footers.
    await connection.run('SET parquet_metadata_cache = true');
    return connection;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const connection of this.idle.splice(0)) connection.closeSync();
    (await this.database)?.close();
  }
}

async function interruptible<Result>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  use: () => Promise<Result>,
): Promise<Result> {
  const interrupt = (): void => connection.interrupt();
  const timer = setTimeout(interrupt, STATEMENT_LIMIT_MS);
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await use();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
  }
}
