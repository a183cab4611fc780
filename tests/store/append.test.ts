import { BIGINT, BOOLEAN, LIST, UBIGINT, UINTEGER, VARCHAR } from '@duckdb/node-api';
import { onTestFinished, expect, it } from 'vitest';
import { appendColumns } from '../../src/store/append.js';
import { openDatabase } from '../../src/store/database.js';

it('appends all rows, values of every kind and nulls, over several chunks', async () => {
  const database = await openDatabase({ threads: 1 });
  onTestFinished(() => database.close());
  const { connection } = database;
  await connection.run('CREATE TABLE t (i BIGINT, s VARCHAR, b BOOLEAN, h UBIGINT[], m UINTEGER[])');
  const rows = Array.from({ length: 5000 }, (_, i) => i);
  await appendColumns(connection, 't', [
    { type: BIGINT, values: rows.map((i) => BigInt(i) - 2n ** 62n) },
    { type: VARCHAR, values: rows.map((i) => (i % 3 === 0 ? null : i % 3 === 1 ? undefined : `é${i}`)) },
    { type: BOOLEAN, values: rows.map((i) => i % 2 === 0) },
    { type: LIST(UBIGINT), values: rows.map((i) => BigUint64Array.from([2n ** 64n - 1n - BigInt(i), 0n])) },
    { type: LIST(UINTEGER), values: rows.map((i) => (i % 2 === 0 ? [] : [i, 4_294_967_295])) },
  ]);
  const counts = await connection.runAndReadAll(`
    SELECT count(*)::INT, count(*) FILTER (
      i = r - 4611686018427387904 AND s IS NOT DISTINCT FROM CASE WHEN r % 3 = 2 THEN 'é' || r END AND b = (r % 2 = 0)
      AND h = [18446744073709551615 - r, 0]::UBIGINT[] AND m = CASE WHEN r % 2 = 0 THEN [] ELSE [r, 4294967295] END::UINTEGER[]
    )::INT FROM (SELECT *, i + 4611686018427387904 AS r FROM t)`);
  expect(counts.getRowsJson()).toEqual([[5000, 5000]]);
  await appendColumns(connection, 't', [{ type: BIGINT, values: [] }]);
  expect((await connection.runAndReadAll('SELECT count(*)::INT FROM t')).getRowsJson()).toEqual([[5000]]);
});
