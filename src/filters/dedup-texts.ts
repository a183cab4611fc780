/** Deduplication of texts by themselves, outside a dataset: the same rule, index and signatures. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIGINT, LIST, UBIGINT, UINTEGER, VARCHAR, type DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { appendColumns } from '../store/append.js';
import { openDatabase } from '../store/database.js';
import { DedupIndex } from './dedup.js';
import {
  DEFAULT_MINHASH,
  planBands,
  signatureOf,
  type MinhashParameters,
  type Signature,
} from './minhash.js';
import { normalizedTextHash } from './text-hash.js';

/** Documents that are looked up in the index at once; it bounds memory, never the result. */
const WINDOW_DOCUMENTS = 1024;

export interface DedupItem {
  readonly id: string;
  readonly text: string;
}

export interface DedupOutcome {
  readonly id: string;
  /** Id of the earliest earlier text that this one duplicates. */
  readonly duplicate_of: string | null;
  /** Estimated Jaccard similarity to it; 1 where both are the same after normalisation. */
  readonly jaccard: number | null;
}

export interface DedupOptions {
  /** Jaccard similarity at which two texts count as duplicates with probability 1/2; default: 14 bands of 8 rows. */
  readonly threshold?: number;
}

interface WindowDocument {
  readonly ordinal: number;
  readonly id: string;
  readonly textHash: string;
  readonly signature: Signature;
}

/**
 * One outcome for each text, in order.
 * @throws TokenmillError CONFIG_INVALID where the threshold is not between 0 and 1
 */
export async function* dedupTexts(
  items: AsyncIterable<DedupItem> | Iterable<DedupItem>,
  options: DedupOptions = {},
): AsyncGenerator<DedupOutcome> {
  const parameters = parametersFor(options.threshold);
  // The index may outgrow memory.
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-dedup-'));
  const database = await openDatabase({ temporaryFolder: folder });
  try {
    const index = await DedupIndex.create(database.connection);
    let window: WindowDocument[] = [];
    let ordinal = 0;
    for await (const { id, text } of items) {
      window.push({
        ordinal,
        id,
        textHash: normalizedTextHash(text),
        signature: signatureOf(text, parameters),
      });
      ordinal += 1;
      if (window.length < WINDOW_DOCUMENTS) continue;
      yield* await resolveWindow(database.connection, index, window);
      window = [];
    }
    yield* await resolveWindow(database.connection, index, window);
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function parametersFor(threshold: number | undefined): MinhashParameters {
  if (threshold === undefined) return DEFAULT_MINHASH;
  if (threshold > 0 && threshold < 1) return { ...DEFAULT_MINHASH, ...planBands(threshold) };
  throw new TokenmillError('CONFIG_INVALID', `threshold ${threshold} is not between 0 and 1`, {
    hint: 'it is a Jaccard similarity, for example 0.8',
  });
}

async function resolveWindow(
  connection: DuckDBConnection,
  index: DedupIndex,
  documents: readonly WindowDocument[],
): Promise<DedupOutcome[]> {
  if (documents.length === 0) return [];
  await connection.run(
    'CREATE OR REPLACE TABLE texts (ordinal BIGINT, document_id VARCHAR, text_hash VARCHAR, bands UBIGINT[], minhashes UINTEGER[])',
  );
  await appendColumns(connection, 'texts', [
    { type: BIGINT, values: documents.map((document) => BigInt(document.ordinal)) },
    { type: VARCHAR, values: documents.map((document) => document.id) },
    { type: VARCHAR, values: documents.map((document) => document.textHash) },
    { type: LIST(UBIGINT), values: documents.map((document) => document.signature.bands) },
    { type: LIST(UINTEGER), values: documents.map((document) => document.signature.minhashes) },
  ]);
  await index.resolve({ table: 'texts', duplicatesTable: 'text_duplicates' });
  const result = await connection.runAndReadAll('SELECT ordinal, duplicate_of, jaccard FROM text_duplicates');
  const found = new Map(result.getRows().map(([ordinal, ...rest]) => [Number(ordinal), rest]));
  return documents.map(({ ordinal, id }) => {
    const [duplicateOf, jaccard] = found.get(ordinal) ?? [null, null];
    return { id, duplicate_of: duplicateOf as string | null, jaccard: jaccard as number | null };
  });
}
