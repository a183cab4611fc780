/**
 * Child process of the join benchmark: the batch form in DuckDB over a Parquet file of generated signatures, every tenth
 * with a band of an earlier one. Prints its figures as JSON.
 * Arguments: folder, number of documents, memory limit of DuckDB, partitions.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findCandidates } from '../../src/filters/dedup/batch.js';
import { openDatabase } from '../../src/store/database.js';

const [folder, count, memoryLimit, partitions] = [
  process.argv[2],
  Number(process.argv[3]),
  process.argv[4],
  Number(process.argv[5]),
];

const spill = join(folder, 'spill');
const parquet = join(folder, 'signatures.parquet');
const database = await openDatabase({ memoryLimit, threads: 2, temporaryFolder: spill });
const { connection } = database;
// The original of document i is i - 1 - hash(i) % 9 of its ten, none of which is planted.
await connection.run(`
  COPY (
    SELECT i AS ordinal, lpad(i::VARCHAR, 32, '0') AS document_id, md5(i::VARCHAR) AS text_hash,
           NULL::VARCHAR AS payload_hash, NULL::VARCHAR AS url_hash,
           list_transform(range(14), lambda b: hash(
             (CASE WHEN i % 10 = 9 AND b = 3 THEN i - 1 - (hash(i) % 9)::BIGINT ELSE i END) * 14 + b)) AS bands
    FROM range(${count}) t(i)
  ) TO '${parquet}' (FORMAT parquet, COMPRESSION zstd)`);

let spillBytes = 0;
const poll = setInterval(() => {
  try {
    const bytes = readdirSync(spill).reduce((sum, name) => sum + statSync(join(spill, name)).size, 0);
    spillBytes = Math.max(spillBytes, bytes);
  } catch {
    // A file went between two looks, or there is none yet.
  }
}, 100);
const began = performance.now();
await findCandidates(connection, `read_parquet('${parquet}')`, partitions);
const seconds = (performance.now() - began) / 1000;
clearInterval(poll);
const result = await connection.runAndReadAll(
  `SELECT count(*)::DOUBLE, count(*) FILTER (WHERE ordinal % 10 = 9 AND kind = 3 AND first = ordinal - 1 - (hash(ordinal) % 9)::BIGINT)::DOUBLE FROM dedup_candidates`,
);
const [all, right] = result.getRows()[0];
if (all !== Math.floor(count / 10) || right !== all)
  throw new Error(`${String(right)} of ${String(all)} are right`);
process.stdout.write(JSON.stringify({ documents: count, partitions, seconds, spill_bytes: spillBytes }));
database.close();
