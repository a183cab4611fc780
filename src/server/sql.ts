/** Query processes of the service, and a query's result as a response. */
import { availableParallelism } from 'node:os';
import type { Context } from 'hono';
import { SIGNALS } from '../filters/signals/index.js';
import { QueryPool } from '../store/query/pool.js';
import type { QueryFormat, QueryRequest } from '../store/query/run.js';
import type { Workspace } from '../store/workspace.js';
import type { AppEnv } from './context.js';
import { negotiate } from './negotiate.js';
import type { ServerSettings } from './settings.js';

/** Memory of a query process besides DuckDB's: the runtime, and what functions allocate outside of DuckDB's count. */
const PROCESS_BYTES = 400_000_000;

/** Media types of results, in the order in which they are preferred where the client has no preference. */
export const RESULT_TYPES = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.arrow.stream': 'arrow',
  'application/vnd.apache.parquet': 'parquet',
  'text/plain': 'table',
} as const satisfies Record<string, QueryFormat>;

export type ResultType = keyof typeof RESULT_TYPES;

/** Starts no process yet; the first query does. */
export function openQueries(workspace: Workspace, settings: ServerSettings): QueryPool {
  return new QueryPool({
    session: {
      workspace: workspace.root,
      signals: SIGNALS.map(({ name, type }) => ({ name, type })),
      memoryLimit: `${settings.sqlMemory}B`,
      threads: Math.min(4, availableParallelism()),
      maxTemporaryBytes: settings.sqlSpill,
      limits: {
        milliseconds: settings.sqlTimeout * 1000,
        rows: settings.sqlMaxRows,
        bytes: settings.sqlMaxBytes,
      },
    },
    residentBytes: settings.sqlMemory + PROCESS_BYTES,
    processes: settings.sqlProcesses,
    waiting: settings.sqlWaiting,
  });
}

/**
 * Runs a query and answers with its result in the form that the client accepts, as it is computed. An error that comes
 * after the head was sent breaks the connection off, so that no client takes a part for the whole.
 * @throws TokenmillError NOT_ACCEPTABLE, and as `QueryPool.query`
 */
export async function answerQuery(
  c: Context<AppEnv>,
  queries: QueryPool,
  query: Omit<QueryRequest, 'format'>,
): Promise<Response> {
  const type = negotiate(c.req.header('accept'), Object.keys(RESULT_TYPES) as ResultType[]);
  const parts = await queries.query({ ...query, format: RESULT_TYPES[type] }, c.req.raw.signal);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await parts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  const charset = type.startsWith('text/') ? '; charset=utf-8' : '';
  return new Response(body, { headers: { 'Content-Type': `${type}${charset}`, Vary: 'Accept' } });
}
