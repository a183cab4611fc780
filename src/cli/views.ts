/** A DuckDB over a workspace, as the commands that read one use it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SIGNALS } from '../filters/signals/index.js';
import { openDatabase } from '../store/database.js';
import { createViews } from '../store/views.js';
import { openWorkspace } from './context.js';

/** Runs `use` with the workspace's views, of one dataset where one is named. */
export async function withViews<Result>(
  flags: { readonly workspace?: string; readonly dataset?: string },
  use: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase();
  try {
    const signals = SIGNALS.map(({ name, type }) => ({ name, type }));
    await createViews(database.connection, openWorkspace(flags), { dataset: flags.dataset, signals });
    return await use(database.connection);
  } finally {
    database.close();
  }
}
