/**
 * Deduplication by the first-wins rule over windows of documents, in SQL (`sql/dedup`).
 *
 * Documents have a total order, their ordinals. A document is a duplicate when an earlier document of the index has the
 * same normalised text or shares a MinHash band with it; it names the earliest such document, which counts even if it
 * was dropped as a duplicate itself. What a policy dropped is not in the index.
 *
 * Invariants: windows come in order, all ordinals of one above all of those before; then the answer does not depend on
 * where a window ends. The index lives in DuckDB's tables, which spill to its temporary folder.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { readSql } from '../core/paths.js';

const SQL = {
  create: readSql('dedup/create.sql'),
  firsts: readSql('dedup/firsts.sql'),
  add: readSql('dedup/add.sql'),
  duplicates: readSql('dedup/duplicates.sql'),
} as const;

export interface DedupWindow {
  /**
   * Table of the documents: ordinal BIGINT, document_id VARCHAR, text_hash VARCHAR, bands UBIGINT[], minhashes
   * UINTEGER[].
   */
  readonly table: string;
  /**
   * Table to create, one row a duplicate, in order: ordinal BIGINT, reason `exact_duplicate` or `near_duplicate`,
   * duplicate_of_ordinal BIGINT, duplicate_of VARCHAR (its document_id), jaccard DOUBLE (1 where exact, else the share
   * of equal minhashes).
   */
  readonly duplicatesTable: string;
}

export class DedupIndex {
  private readonly connection: DuckDBConnection;

  private constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  /** An empty index: tables `dedup_*` of the connection's database. One index a database. */
  static async create(connection: DuckDBConnection): Promise<DedupIndex> {
    await connection.run(SQL.create);
    return new DedupIndex(connection);
  }

  /** Adds the documents of signature files, which are all earlier than those of any window to come. */
  async load(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    await this.look(`read_parquet([${paths.map(quote).join(', ')}])`);
    await this.connection.run(SQL.firsts);
    await this.connection.run(SQL.add);
  }

  /** Finds the duplicates of a window and adds its documents to the index. */
  async resolve({ table, duplicatesTable }: DedupWindow): Promise<void> {
    await this.look(`"${table}"`);
    await this.connection.run(SQL.firsts);
    await this.connection.run(SQL.add);
    await this.connection.run(SQL.duplicates);
    await this.connection.run(`CREATE OR REPLACE TABLE "${duplicatesTable}" AS SELECT * FROM dedup_result`);
  }

  private async look(source: string): Promise<void> {
    await this.connection.run(`CREATE OR REPLACE TEMP VIEW dedup_window AS SELECT * FROM ${source}`);
  }
}

/**
 * Writes a table of signatures to a Parquet file, in order: ordinal BIGINT, document_id VARCHAR, text_hash VARCHAR,
 * bands UBIGINT[], minhashes UINTEGER[].
 */
export async function writeSignatures(
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<void> {
  await connection.run(
    `COPY (SELECT ordinal, document_id, text_hash, bands, minhashes FROM "${table}" ORDER BY ordinal)
     TO ${quote(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
