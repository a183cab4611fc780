import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { DuckDBConnection } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { onTestFinished, describe, expect, it } from 'vitest';
import { confineDatabase, openDatabase, type Database } from '../../src/store/database.js';
import { writeParts } from '../../src/store/query/output.js';
import { executeQuery, QUERY_FORMATS, type QueryFormat } from '../../src/store/query/run.js';
import { MAX_SQL_LENGTH } from '../../src/store/query/statement.js';
import { failure, testFolder } from './support.js';

class Collector extends Writable {
  readonly parts: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.parts.push(chunk);
    done();
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }
}

async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  options: { format: QueryFormat; temporaryFolder?: string },
  output: Writable,
): Promise<void> {
  const { format, temporaryFolder } = options;
  await writeParts(executeQuery(connection, { sql, format }, { temporaryFolder }), output);
}

async function newDatabase(): Promise<Database> {
  const database = await openDatabase({ threads: 1 });
  onTestFinished(() => database.close());
  await database.connection.run(`CREATE TABLE t AS SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(n, s)`);
  return database;
}

async function bytesOf(sql: string, format: QueryFormat): Promise<Uint8Array> {
  const { connection } = await newDatabase();
  const output = new Collector();
  await runQuery(connection, sql, { format }, output);
  return output.bytes;
}

async function textOf(sql: string, format: QueryFormat): Promise<string> {
  return new TextDecoder().decode(await bytesOf(sql, format));
}

describe('the table format', () => {
  it('aligns text left and numbers right, and counts rows', async () => {
    const sql = `SELECT * FROM (VALUES ('a', 1, 0.5, true), ('long text', 1000, NULL, false)) v("name", n, x, y)`;
    expect(await textOf(sql, 'table')).toBe(
      [
        'name          n     x  y',
        '---------  ----  ----  -----',
        'a             1   0.5  true',
        'long text  1000  NULL  false',
        '(2 rows)',
        '',
      ].join('\n'),
    );
  });

  it('cuts long values, and no control character of a page reaches the terminal', async () => {
    const sql = `SELECT repeat('é', 61) AS a, chr(27) || '[31m' || chr(10) || chr(10) || 'x' AS b`;
    expect(await textOf(sql, 'table')).toBe(
      `a${' '.repeat(61)}b\n${'-'.repeat(60)}  -------\n${'é'.repeat(59)}…   [31m x\n(1 row)\n`,
    );
  });

  it('has a header without rows', async () => {
    expect(await textOf('SELECT n, s FROM t WHERE false', 'table')).toBe('n  s\n-  -\n(0 rows)\n');
  });

  it('goes on with the widths of its beginning', async () => {
    const lines = (
      await textOf(`SELECT range AS n, repeat('x', range // 1000) AS s FROM range(5000)`, 'table')
    ).split('\n');
    expect(lines).toHaveLength(5004);
    expect(lines.slice(0, 3)).toEqual(['   n  s', '----  --', '   0']);
    // The first thousand rows, and the rest of the chunk that they came in, decide.
    expect(lines[2 + 4999]).toBe('4999  x…');
    expect(lines.at(-2)).toBe('(5,000 rows)');
  });

  it('shows the plan of EXPLAIN as it is', async () => {
    const lines = (await textOf('EXPLAIN SELECT n FROM t', 'table')).split('\n');
    expect(lines[0]).toBe(`┌${'─'.repeat(27)}┐`);
    expect(lines[1]).toBe('│          SEQ_SCAN         │');
  });
});

describe('the json format', () => {
  it('is an array of objects, one a line', async () => {
    expect(await textOf('SELECT * FROM t ORDER BY n', 'json')).toBe(
      '[\n{"n":1,"s":"a"},\n{"n":2,"s":null}\n]\n',
    );
    expect(await textOf('SELECT * FROM t WHERE false', 'json')).toBe('[]\n');
  });

  it('is one array however many chunks there are', async () => {
    const rows = JSON.parse(await textOf('SELECT range AS i FROM range(5000)', 'json')) as { i: number }[];
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  it('has numbers as numbers as long as no digit is lost', async () => {
    const sql = `SELECT 9007199254740991::BIGINT AS a, 9007199254740992::BIGINT AS b, -9007199254740993::BIGINT AS c,
      sum(n) AS h, 18446744073709551615::UBIGINT AS u, 1.50 AS d, 123456789012345.6 AS long, 'nan'::DOUBLE AS nan FROM t`;
    expect(JSON.parse(await textOf(sql, 'json'))).toEqual([
      {
        a: 9007199254740991,
        b: '9007199254740992',
        c: '-9007199254740993',
        h: 3,
        u: '18446744073709551615',
        d: 1.5,
        long: '123456789012345.6',
        nan: 'NaN',
      },
    ]);
  });

  it('keeps nested values and JSON columns as what they are', async () => {
    const sql = `SELECT [1::BIGINT, NULL] AS l, {'a': 2::BIGINT, 'b': ['x']} AS s, '{"k": [1, {}]}'::JSON AS j,
      DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 01:02:03.5' AS ts, 'a\\x00'::BLOB AS b, MAP {'k': 1} AS m`;
    expect(JSON.parse(await textOf(sql, 'json'))).toEqual([
      {
        l: [1, null],
        s: { a: 2, b: ['x'] },
        j: { k: [1, {}] },
        d: '2024-02-29',
        ts: '2024-02-29 01:02:03.5',
        b: 'a\\x00',
        m: [{ key: 'k', value: 1 }],
      },
    ]);
  });

  it('gives columns of one name names of their own', async () => {
    expect(JSON.parse(await textOf('SELECT 1 AS a, 2 AS a', 'json'))).toEqual([{ a: 1, 'a:1': 2 }]);
  });
});

describe('the csv format', () => {
  it('is RFC 4180', async () => {
    const sql = `SELECT * FROM (VALUES (1, 'plain'), (2, 'a,b'), (3, 'say "x"'), (4, E'two\\nlines'), (5, ''), (6, NULL), (7, ' ä ')) v(n, "s,t")`;
    expect(await textOf(sql, 'csv')).toBe(
      'n,"s,t"\r\n1,plain\r\n2,"a,b"\r\n3,"say ""x"""\r\n4,"two\nlines"\r\n5,""\r\n6,\r\n7, ä \r\n',
    );
  });

  it('is read back by DuckDB with the same values', async () => {
    const { connection } = await newDatabase();
    const sql = `SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('",' || chr(10), i::INT % 4) END AS s, i / 8 AS x FROM range(3000) r(i)`;
    const output = new Collector();
    await runQuery(connection, sql, { format: 'csv' }, output);
    const file = join(await testFolder(), 'a.csv');
    await writeFile(file, output.bytes);
    const differing = await connection.runAndReadAll(
      `SELECT count(*)::INT FROM (${sql}) a FULL JOIN (SELECT * FROM read_csv('${file}', columns = {'i': 'BIGINT', 's': 'VARCHAR', 'x': 'DOUBLE'}, header = true, allow_quoted_nulls = false, strict_mode = true)) b USING (i) WHERE a.s IS DISTINCT FROM b.s OR a.x IS DISTINCT FROM b.x`,
    );
    expect(differing.getRowsJson()).toEqual([[0]]);
  });

  it('has nested values as JSON and a header without rows', async () => {
    expect(await textOf(`SELECT [1, 2] AS l, {'a': 'x'} AS s, 1.50 AS d, INTERVAL 3 DAY AS i`, 'csv')).toBe(
      'l,s,d,i\r\n"[1,2]","{""a"":""x""}",1.50,3 days\r\n',
    );
    expect(await textOf('SELECT * FROM t WHERE false', 'csv')).toBe('n,s\r\n');
  });
});

describe('the arrow format', () => {
  it('is an IPC stream with the types of the columns', async () => {
    const sql = `SELECT 1::TINYINT AS i8, 2::USMALLINT AS u16, 3 AS i32, 4::BIGINT AS i64, sum(n) AS h, 0.5::FLOAT AS f32, 0.25::DOUBLE AS f64,
      1.5 AS d, true AS b, 'é' AS s, 'a\\x00'::BLOB AS bl, DATE '1969-12-31' AS dt, TIMESTAMP '2024-02-29 01:02:03.000001' AS ts,
      '00000000-0000-0000-0000-000000000001'::UUID AS id, [1, NULL] AS l, {'a': [DATE '1970-01-02']} AS st FROM t`;
    const table = tableFromIPC(await bytesOf(sql, 'arrow'));
    expect(table.schema.fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
      'i8 Int8',
      'u16 Uint16',
      'i32 Int32',
      'i64 Int64',
      'h Float64',
      'f32 Float32',
      'f64 Float64',
      'd Float64',
      'b Bool',
      's Utf8',
      'bl Binary',
      'dt Date32<DAY>',
      'ts Timestamp<MICROSECOND>',
      'id Utf8',
      'l List<Int32>',
      'st Struct<{a:List<Date32<DAY>>}>',
    ]);
    const row = (table.get(0) as { toJSON(): Record<string, unknown> }).toJSON();
    expect(row).toMatchObject({
      i8: 1,
      u16: 2,
      i32: 3,
      i64: 4n,
      h: 3,
      f32: 0.5,
      f64: 0.25,
      d: 1.5,
      b: true,
      s: 'é',
    });
    expect(row['bl']).toEqual(Uint8Array.from([97, 0]));
    expect(row['dt']).toBe(-86_400_000);
    expect(row['id']).toBe('00000000-0000-0000-0000-000000000001');
    expect([...(row['l'] as Iterable<unknown>)]).toEqual([1, null]);
    // Microseconds since 1970, which a JavaScript date could not hold.
    expect(table.getChild('ts')?.data[0].values[0]).toBe(1_709_168_523_000_001n);
  });

  it('has all rows and nulls of many chunks', async () => {
    const sql = `SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('x', i::INT % 5) END AS s, CASE WHEN i % 4 = 0 THEN NULL ELSE [i, NULL] END AS l FROM range(5000) r(i)`;
    const table = tableFromIPC(await bytesOf(sql, 'arrow'));
    expect(table.numRows).toBe(5000);
    for (const i of [0, 1, 3, 4, 2047, 2048, 4999]) {
      const row = (
        table.get(i) as unknown as { toJSON(): { i: bigint; s: string | null; l: Iterable<unknown> | null } }
      ).toJSON();
      expect([row.i, row.s, row.l === null ? null : [...row.l]]).toEqual([
        BigInt(i),
        i % 3 === 0 ? null : 'x'.repeat(i % 5),
        i % 4 === 0 ? null : [BigInt(i), null],
      ]);
    }
  });

  it('has a schema without rows', async () => {
    const table = tableFromIPC(await bytesOf('SELECT * FROM t WHERE false', 'arrow'));
    expect([table.numRows, table.schema.names]).toEqual([0, ['n', 's']]);
  });
});

describe('the parquet format', () => {
  it('is a Parquet file, whatever the statement ends in, and leaves nothing behind', async () => {
    const { connection } = await newDatabase();
    const folder = await testFolder();
    const output = new Collector();
    await runQuery(
      connection,
      `SELECT n, s, 'it''s' AS q FROM t ORDER BY n; -- ) TO 'x'`,
      { format: 'parquet', temporaryFolder: folder },
      output,
    );
    expect(await readdir(folder)).toEqual([]);
    const file = join(folder, 'a.parquet');
    await writeFile(file, output.bytes);
    const reader = await connection.runAndReadAll(`SELECT * FROM '${file}'`);
    expect(reader.getRowsJson()).toEqual([
      [1, 'a', "it's"],
      [2, null, "it's"],
    ]);
  });

  it('is made in a confined database too, inside its folder', async () => {
    const { connection } = await newDatabase();
    const folder = await testFolder();
    await mkdir(join(folder, 'tmp'));
    await confineDatabase(connection, [folder]);
    const output = new Collector();
    await runQuery(connection, 'FROM t', { format: 'parquet', temporaryFolder: join(folder, 'tmp') }, output);
    expect(new TextDecoder().decode(output.bytes.subarray(0, 4))).toBe('PAR1');
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it('is not there for EXPLAIN', async () => {
    const { connection } = await newDatabase();
    const error = await failure(
      runQuery(connection, 'EXPLAIN FROM t', { format: 'parquet' }, new Collector()),
    );
    expect(error.code).toBe('SQL_INVALID');
  });
});

describe('statements', () => {
  it.each([
    'SELECT 1',
    'select 1;',
    '-- comment\nSELECT 1 -- more',
    'FROM t',
    'VALUES (1)',
    'WITH x AS (SELECT 1) FROM x',
    'TABLE t',
    'DESCRIBE t',
    'SHOW TABLES',
    'SUMMARIZE t',
    'EXPLAIN SELECT 1',
    'explain analyze SELECT count(*) FROM t',
    'EXPLAIN (ANALYZE, FORMAT json) SELECT 1',
    'EXPLAIN (SELECT 1)',
    `PIVOT t ON n IN (1, 2) USING first(s)`,
  ])('%s is allowed', async (sql) => {
    expect((await bytesOf(sql, 'json')).length).toBeGreaterThan(3);
  });

  it.each([
    ["COPY t TO '/tmp/never.csv'", 'this is COPY'],
    ['CREATE TABLE x (a INT)', 'this is CREATE'],
    ["INSERT INTO t VALUES (3, 'c')", 'this is INSERT'],
    ["INSERT INTO t VALUES (3, 'c') RETURNING n", 'this is INSERT'],
    ['UPDATE t SET n = 0', 'this is UPDATE'],
    ['DELETE FROM t', 'this is DELETE'],
    ['DROP TABLE t', 'this is DROP'],
    ["ATTACH '/tmp/never.db'", 'this is ATTACH'],
    ['INSTALL httpfs', 'this is INSTALL'],
    ['LOAD httpfs', 'this is LOAD'],
    ['SET threads = 1', 'this is SET'],
    ['RESET threads', 'this is RESET'],
    ["EXPORT DATABASE '/tmp/never'", 'this is EXPORT'],
    ['BEGIN', 'this is BEGIN'],
    ['PREPARE p AS SELECT 1', 'this is PREPARE'],
    ['CALL pragma_version()', 'this is CALL'],
    ['PRAGMA enable_profiling', 'this is PRAGMA'],
    ['EXPLAIN ANALYZE DELETE FROM t', 'this is DELETE'],
    ['EXPLAIN (ANALYZE) DELETE FROM t', 'this is DELETE'],
    ["EXPLAIN ANALYZE COPY t TO '/tmp/never.csv'", 'this is COPY'],
    ['/* /* */ EXPLAIN SELECT 1 -- */ EXPLAIN ANALYZE DELETE FROM t', 'only statements that read'],
    ['EXPLAIN /* */ ANALYZE DELETE FROM t', 'syntax error'],
    ['SELECT 1; SELECT 2', 'there must be one statement'],
    ['SELECT 1; DROP TABLE t', 'there must be one statement'],
    ['PIVOT t ON n USING first(s)', 'there must be one statement'],
    ['', 'there is no statement'],
    [' ; -- nothing', 'there is no statement'],
    ['SELECT $1', 'no value for the parameter $1'],
    ['PRAGMA table_info(t)', 'this is PRAGMA'],
    ['SELEC 1', 'syntax error at or near "SELEC"'],
    ['SELECT * FROM nowhere', 'there is no view nowhere'],
    [`SELECT error('boom')`, 'boom'],
    [
      `SELECT (CASE WHEN i = 4500 THEN 'bad' ELSE '1' END)::INT FROM range(5000) r(i)`,
      `Could not convert string 'bad'`,
    ],
  ])('%s is refused', async (sql, message) => {
    const { connection } = await newDatabase();
    for (const format of QUERY_FORMATS) {
      const error = await failure(runQuery(connection, sql, { format }, new Collector()));
      expect(error.code).toBe('SQL_INVALID');
      expect(error.message).toContain(message);
      expect(error.hint).toContain('documents, signatures, commits');
    }
    const rows = await connection.runAndReadAll('SELECT * FROM t ORDER BY n');
    expect(rows.getRowsJson()).toEqual([
      [1, 'a'],
      [2, null],
    ]);
  });
});

it('a statement beyond any sensible length is refused', async () => {
  const { connection } = await newDatabase();
  const sql = 'SELECT 1'.padEnd(MAX_SQL_LENGTH + 1);
  const error = await failure(runQuery(connection, sql, { format: 'json' }, new Collector()));
  expect(error.message).toBe('the statement is longer than 100000 characters');
});

describe('the output', () => {
  it('stays open', async () => {
    const { connection } = await newDatabase();
    const output = new Collector();
    for (const format of QUERY_FORMATS) await runQuery(connection, 'FROM t', { format }, output);
    expect([output.writable, output.writableEnded]).toEqual([true, false]);
  });

  it.each(['csv', 'json', 'table', 'arrow'] as const)(
    'ends the query when its reader has gone: %s',
    async (format) => {
      const { connection } = await newDatabase();
      let taken = 0;
      const output = new Writable({
        highWaterMark: 1,
        write(_chunk: Buffer, _encoding, done) {
          taken += 1;
          if (taken === 3) output.destroy();
          done();
        },
      });
      // Far too many rows to ever be computed here.
      await runQuery(connection, 'SELECT range AS i FROM range(1000000000000)', { format }, output);
      expect(taken).toBeLessThan(10);
    },
  );
});

describe('an interrupt', () => {
  it('never lets what came until then pass for the whole', async () => {
    const { connection } = await newDatabase();
    for (let i = 0; i < 20; i++) {
      const stop = new AbortController();
      const sql = 'SELECT i FROM range(100000000000) t(i)';
      const parts = executeQuery(connection, { sql, format: 'ndjson' }, { signal: stop.signal });
      const read = async (): Promise<void> => {
        let bytes = 0;
        for await (const part of parts) bytes += part.length;
        throw new Error(`it ended after ${bytes} bytes`);
      };
      // At another point of the work each time: most often while a chunk is computed.
      setTimeout(() => stop.abort(), 5 + i);
      expect((await failure(read())).code).toBe('INTERRUPTED');
    }
  });
});
