/**
 * Signature files: what deduplication must know of the documents that passed the policy, as Parquet, so that the
 * index can be made again and the join be asked in SQL.
 */
import { LIST, UBIGINT, UINTEGER, VARCHAR, BIGINT, type DuckDBConnection } from '@duckdb/node-api';
import { appendColumns, type AppendColumn } from '../../store/append.js';
import { quoteName, quoteText, signatureColumns } from '../../store/schema.js';
import type { DedupDocument } from './dedup-index.js';

/** Creates or empties a table of signatures. */
export async function createSignatureTable(connection: DuckDBConnection, table: string): Promise<void> {
  const columns = signatureColumns.map(({ name, type }) => `${name} ${type}`).join(', ');
  await connection.run(`CREATE OR REPLACE TABLE ${quoteName(table)} (${columns})`);
}

export async function appendSignatures(
  connection: DuckDBConnection,
  table: string,
  documents: readonly DedupDocument[],
): Promise<void> {
  const column = (type: AppendColumn['type'], value: (document: DedupDocument) => unknown): AppendColumn => ({
    type,
    values: documents.map((document) => value(document) ?? null),
  });
  await appendColumns(connection, table, [
    column(BIGINT, ({ ordinal }) => BigInt(ordinal)),
    column(VARCHAR, ({ id }) => id),
    column(VARCHAR, ({ textHash }) => textHash),
    column(VARCHAR, ({ payloadHash }) => payloadHash),
    column(VARCHAR, ({ urlHash }) => urlHash),
    column(LIST(UBIGINT), ({ bands }) => bands),
    column(LIST(UINTEGER), ({ minhashes }) => minhashes),
    column(LIST(UBIGINT), ({ shingles }) => shingles),
  ]);
}

/** Writes a table of signatures to a Parquet file, in order. */
export async function writeSignatures(
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<void> {
  await connection.run(
    `COPY (SELECT * FROM ${quoteName(table)} ORDER BY ordinal) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}

/** Documents of a signature file in order, from row `skip` on, a few thousand at a time. */
export async function* readSignatures(
  connection: DuckDBConnection,
  path: string,
  skip: number,
): AsyncGenerator<DedupDocument[]> {
  const names = signatureColumns.map(({ name }) => name).join(', ');
  const result = await connection.stream(
    `SELECT ${names} FROM read_parquet(${quoteText(path)}) ORDER BY ordinal OFFSET ${skip}`,
  );
  for await (const rows of result.yieldRowsJs()) {
    yield rows.map(([ordinal, id, textHash, payloadHash, urlHash, bands, minhashes, shingles]) => ({
      ordinal: Number(ordinal),
      id: id as string,
      textHash: textHash as string | null,
      payloadHash: payloadHash as string | null,
      urlHash: urlHash as string | null,
      bands: BigUint64Array.from(bands as bigint[]),
      minhashes: Uint32Array.from(minhashes as number[]),
      ...(shingles === null ? {} : { shingles: BigUint64Array.from(shingles as bigint[]) }),
    }));
  }
}
