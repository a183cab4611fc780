/** What a test wants to know of a dataset: shards by content, documents by verdict. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../src/core/hash.js';
import { openDatabase } from '../../src/store/database.js';
import { createViews } from '../../src/store/views.js';
import { Workspace } from '../../src/store/workspace.js';

/** Name and SHA-256 of every shard file, sealed or pending. */
export async function shardHashes(workspace: string, dataset: string): Promise<Record<string, string>> {
  const folder = new Workspace(workspace).dataset(dataset).shards;
  const hashes: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort())
    hashes[name] = sha256(await readFile(join(folder, name)));
  return hashes;
}

/** Rows of a query over the workspace's views, numbers as numbers. */
export async function rows(workspace: string, sql: string): Promise<Record<string, unknown>[]> {
  const database = await openDatabase();
  try {
    await createViews(database.connection, new Workspace(workspace), {});
    const reader = await database.connection.runAndReadAll(sql);
    return reader
      .getRowObjects()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      );
  } finally {
    database.close();
  }
}

/** Everything that was decided about every document, in order. */
export async function decisions(workspace: string): Promise<Record<string, unknown>[]> {
  return rows(
    workspace,
    `SELECT ordinal, document_id, source, "offset", length, space, url, verdict, reason, measured, duplicate_of, jaccard, split, tokens, md5(text) AS text FROM documents ORDER BY dataset, ordinal`,
  );
}
