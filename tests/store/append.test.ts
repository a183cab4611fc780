import { BIGINT, BOOLEAN, DOUBLE, LIST, UBIGINT, UINTEGER, VARCHAR } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendColumns } from '../../src/store/append.js';
import { openDatabase, type Database } from '../../src/store/database.js';

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
  await database.connection.run(
    'CREATE TABLE rows (a BIGINT, b UBIGINT[], c UINTEGER[], d VARCHAR, e DOUBLE, f BOOLEAN)',
  );
});

afterAll(() => database.close());

test('more rows than a chunk holds, with lists, NULLs and extreme values', async () => {
  const COUNT = 5000;
  const column = <T>(value: (i: number) => T): T[] => Array.from({ length: COUNT }, (_, i) => value(i));
  const columns = [
    { type: BIGINT, values: column((i) => -(2n ** 63n) + BigInt(i)) },
    {
      type: LIST(UBIGINT),
      values: column((i) => BigUint64Array.of(2n ** 64n - 1n, BigInt(i)).subarray(0, i % 3)),
    },
    { type: LIST(UINTEGER), values: column((i) => (i % 7 === 0 ? null : Uint32Array.of(4294967295, i))) },
    {
      type: VARCHAR,
      values: column((i) => (i % 2 === 0 ? null : `line ${i}\n\u{1f600}, longer than twelve bytes`)),
    },
    { type: DOUBLE, values: column((i) => i / 3) },
    { type: BOOLEAN, values: column((i) => i % 5 === 0) },
  ];
  await appendColumns(database.connection, 'rows', columns);
  const result = await database.connection.runAndReadAll('SELECT * FROM rows ORDER BY a');
  const read = result.getRowsJS();
  expect(read).toHaveLength(COUNT);
  for (const i of [0, 1, 2, 3, 2046, 2047, 2048, 2049, 4095, 4096, 4999]) {
    expect(read[i]).toEqual(
      columns.map(({ values }) =>
        ArrayBuffer.isView(values[i]) ? Array.from(values[i] as Uint32Array) : values[i],
      ),
    );
  }
});

test('no rows', async () => {
  await database.connection.run('CREATE TABLE none (a BIGINT)');
  await appendColumns(database.connection, 'none', [{ type: BIGINT, values: [] }]);
  expect((await database.connection.runAndReadAll('SELECT * FROM none')).getRows()).toEqual([]);
});

test('columns that differ in length or type, or do not fit the table, are refused', async () => {
  await database.connection.run('CREATE TABLE two (a BIGINT, b VARCHAR)');
  const append = (values: unknown[], type = VARCHAR as typeof VARCHAR | typeof BIGINT): Promise<void> =>
    appendColumns(database.connection, 'two', [
      { type: BIGINT, values: [1n] },
      { type, values },
    ]);
  await expect(append([])).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('two') as string,
  });
  await expect(append(['1'], BIGINT)).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(
    appendColumns(database.connection, 'two', [{ type: BIGINT, values: [1n] }]),
  ).rejects.toMatchObject({ code: 'INTERNAL' });
  expect((await database.connection.runAndReadAll('SELECT count(*) FROM two')).getRows()).toEqual([[0n]]);
  await append(['x']);
  expect((await database.connection.runAndReadAll('SELECT * FROM two')).getRows()).toEqual([[1n, 'x']]);
});
