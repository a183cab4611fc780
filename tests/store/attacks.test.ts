/**
 * Hostile SQL against a query process: every statement is refused or bounded, and after each the pool answers as before.
 * What is refused must not have been done: the files and settings that the statements are after are looked at.
 */
import { readdir, readFile, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { TokenmillError } from '../../src/core/errors.js';
import { QueryPool } from '../../src/store/query/pool.js';
import type { QueryFormat } from '../../src/store/query/run.js';
import { MAX_SQL_LENGTH } from '../../src/store/query/statement.js';
import { sampleWorkspace } from './sample-workspace.js';

const SECRET = 'the-secret-of-this-machine';

let folder: string;
let pool: QueryPool;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-attacks-'));
  const workspace = await sampleWorkspace(join(folder, 'workspace'));
  await writeFile(join(folder, 'secret.csv'), `a\n${SECRET}\n`);
  await mkdir(workspace.uploads, { recursive: true });
  await writeFile(join(workspace.uploads, 'secret.json'), JSON.stringify({ a: SECRET }));
  // Inside the folders that the database may reach, but named by no commit.
  await writeFile(join(workspace.dataset('crawl').documents, 'secret.csv'), `a\n${SECRET}\n`);
  process.env['TOKENMILL_SECRET'] = SECRET;
  pool = new QueryPool({
    session: {
      workspace: workspace.root,
      memoryLimit: '100MB',
      threads: 1,
      maxTemporaryBytes: 50_000_000,
      limits: { milliseconds: 400, rows: 10_000, bytes: 4_000_000 },
      temporaryFolder: folder,
    },
    residentBytes: 500_000_000,
    processes: 1,
    waiting: 4,
  });
});

afterAll(async () => {
  await pool.close();
  delete process.env['TOKENMILL_SECRET'];
  await rm(folder, { recursive: true, force: true });
});

async function ask(sql: string, format: QueryFormat = 'json'): Promise<string> {
  const parts = await pool.query({ sql, format }, new AbortController().signal);
  const bytes: Uint8Array[] = [];
  for await (const part of parts) bytes.push(part);
  return Buffer.concat(bytes).toString('latin1');
}

/** The error of a statement, or what it answered. */
async function attack(sql: string, format: QueryFormat = 'json'): Promise<TokenmillError | string> {
  try {
    return await ask(sql, format);
  } catch (error) {
    if (error instanceof TokenmillError) return error;
    throw error;
  }
}

/** The path of `secret.csv` and others, put into statements in place of $NAME. */
function withPaths(sql: string): string {
  return sql
    .replaceAll('$SECRET', join(folder, 'secret.csv'))
    .replaceAll('$INSIDE', join(folder, 'workspace/datasets/crawl/documents/secret.csv'))
    .replaceAll('$UPLOAD', join(folder, 'workspace/uploads/secret.json'))
    .replaceAll('$PARQUET', join(folder, 'workspace/datasets/crawl/documents/000000001.parquet'))
    .replaceAll('$FOLDER', folder);
}

afterEach(async () => {
  const answer = await ask('SELECT count(*)::INT AS n, sum(tokens)::INT AS t FROM documents');
  if (answer !== '[\n{"n":100,"t":2500}\n]\n') throw new Error(`the pool answers ${answer}`);
  const known = /^(?:workspace|secret\.csv|tokenmill-sql-.*)$/;
  const made = (await readdir(folder)).filter((name) => !known.test(name));
  if (made.length > 0) throw new Error(`there is ${made.join(', ')}`);
  const secret = await readFile(join(folder, 'secret.csv'), 'utf8');
  if (secret !== `a\n${SECRET}\n`) throw new Error('the secret was changed');
});

const REFUSED = [
  // other files
  `SELECT * FROM read_csv('/etc/passwd')`,
  `SELECT * FROM read_csv('$SECRET')`,
  `SELECT * FROM read_csv('$INSIDE')`,
  `SELECT * FROM read_csv_auto(['$INSIDE', '$SECRET'])`,
  `SELECT * FROM READ_CSV('$INSIDE')`,
  `SELECT * FROM "read_csv"('$INSIDE')`,
  `SELECT * FROM main.read_csv('$INSIDE')`,
  `SELECT * FROM system.main.read_csv('$INSIDE')`,
  `SELECT * FROM read_text('$INSIDE')`,
  `SELECT content FROM read_blob('$UPLOAD')`,
  `SELECT * FROM read_json('$UPLOAD')`,
  `SELECT * FROM read_ndjson_objects('$UPLOAD')`,
  `SELECT * FROM read_parquet('$PARQUET')`,
  `SELECT * FROM parquet_scan('$PARQUET')`,
  `SELECT * FROM parquet_metadata('$PARQUET')`,
  `SELECT * FROM parquet_schema('$PARQUET')`,
  `SELECT * FROM parquet_kv_metadata('$PARQUET')`,
  `SELECT * FROM sniff_csv('$INSIDE')`,
  `SELECT * FROM glob('/etc/*')`,
  `SELECT * FROM glob('$FOLDER/**')`,
  `SELECT * FROM read_duckdb('$SECRET')`,
  `SELECT * FROM '/etc/passwd'`,
  `SELECT * FROM '$INSIDE'`,
  `SELECT * FROM '$PARQUET'`,
  `FROM "$INSIDE"`,
  `TABLE "$INSIDE"`,
  `DESCRIBE '$PARQUET'`,
  `SUMMARIZE '$PARQUET'`,
  `DESCRIBE TABLE '$PARQUET'`,
  `PIVOT '$INSIDE' ON a IN ('x') USING count(*)`,
  `UNPIVOT '$INSIDE' ON a`,
  // nested
  `SELECT (SELECT a FROM read_csv('$INSIDE') LIMIT 1)`,
  `WITH x AS (SELECT * FROM read_csv('$INSIDE')) SELECT * FROM x`,
  `WITH RECURSIVE x AS (SELECT 1 UNION SELECT 2 FROM '$INSIDE') FROM x`,
  `SELECT * FROM documents d, LATERAL (SELECT * FROM read_text('$INSIDE')) t`,
  `SELECT * FROM documents WHERE EXISTS (FROM '$INSIDE')`,
  `SELECT * FROM documents WHERE text IN (SELECT a FROM '$INSIDE')`,
  `SELECT * FROM documents ORDER BY (SELECT a FROM '$INSIDE')`,
  `SELECT * FROM documents LIMIT (SELECT 1 FROM '$INSIDE')`,
  `SELECT 1 UNION ALL SELECT 2 FROM '$INSIDE'`,
  `SELECT count(*) FILTER (WHERE EXISTS (FROM '$INSIDE')) FROM documents`,
  `SELECT sum(1) OVER (ORDER BY (SELECT a FROM '$INSIDE')) FROM documents`,
  `SELECT list_transform([1], lambda x: (SELECT a FROM '$INSIDE'))`,
  `SELECT CASE WHEN true THEN (SELECT a FROM '$INSIDE') END`,
  `SELECT * REPLACE ((SELECT a FROM '$INSIDE') AS url) FROM documents`,
  `SELECT * FROM documents JOIN '$INSIDE' ON true`,
  `SELECT * FROM documents QUALIFY (SELECT a FROM '$INSIDE') = 1`,
  `SELECT * FROM (VALUES ((SELECT a FROM '$INSIDE')))`,
  `EXPLAIN SELECT * FROM '$INSIDE'`,
  `EXPLAIN ANALYZE SELECT * FROM read_csv('$INSIDE')`,
  `SELECT/**/*/**/FROM/**/read_csv('$INSIDE')`,
  `-- harmless\nSELECT * FROM read_csv('$INSIDE')`,
  `SELECT * FROM read_csv($$$INSIDE$$)`,
  `SELECT * FROM U&"read\\005fcsv"('$INSIDE')`,
  `SELECT * FROM ｒead_csv('$INSIDE')`,
  `SELECT * FROM read_csv\u00a0('$INSIDE')`,
  `\ufeffSELECT * FROM read_csv('$INSIDE')`,
  // names of common table expressions that are taken elsewhere
  `WITH x AS (WITH "$INSIDE" AS (SELECT 1) FROM "$INSIDE") SELECT * FROM x, "$INSIDE"`,
  `WITH x AS (WITH duckdb_views AS (SELECT 1) FROM duckdb_views) SELECT * FROM x, duckdb_views`,
  // statements out of texts
  `SELECT * FROM query('SELECT * FROM ''$INSIDE''')`,
  `SELECT * FROM query_table('$INSIDE')`,
  `SELECT * FROM query_table(['documents', '$INSIDE'])`,
  `FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`,
  `SELECT json_serialize_plan('SELECT * FROM ''$INSIDE''')`,
  `FROM histogram('$INSIDE', a)`,
  `FROM sql_auto_complete('sel')`,
  // writes
  `COPY documents TO '$FOLDER/out.csv'`,
  `COPY (SELECT 1) TO '$SECRET'`,
  `COPY documents FROM '$SECRET'`,
  `COPY FROM DATABASE memory TO other`,
  `EXPORT DATABASE '$FOLDER/export'`,
  `IMPORT DATABASE '$FOLDER'`,
  `CREATE TABLE x AS SELECT 1`,
  `CREATE OR REPLACE VIEW documents AS SELECT 1`,
  `CREATE TEMP TABLE documents AS SELECT 1`,
  `CREATE MACRO f() AS TABLE FROM '$INSIDE'`,
  `CREATE FUNCTION f(a) AS a`,
  `CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')`,
  `CREATE SEQUENCE s`,
  `CREATE TYPE t AS ENUM ('a')`,
  `CREATE SCHEMA s`,
  `INSERT INTO commits SELECT * FROM commits`,
  `UPDATE commits SET tokens = 0`,
  `DELETE FROM commits RETURNING *`,
  `MERGE INTO commits USING commits c ON true WHEN MATCHED THEN DELETE`,
  `TRUNCATE commits`,
  `DROP VIEW documents`,
  `ALTER VIEW documents RENAME TO d`,
  `COMMENT ON VIEW documents IS 'x'`,
  `WITH x AS (DELETE FROM commits RETURNING *) FROM x`,
  `EXPLAIN ANALYZE DELETE FROM commits`,
  `SELECT write_log('x')`,
  `SELECT nextval('s')`,
  // the engine and the network
  `ATTACH '$FOLDER/x.db'`,
  `ATTACH ':memory:' AS other`,
  `DETACH memory`,
  `USE information_schema`,
  `INSTALL httpfs`,
  `FORCE INSTALL httpfs FROM 'http://127.0.0.1:1/'`,
  `LOAD httpfs`,
  `LOAD '$FOLDER/x.duckdb_extension'`,
  `UPDATE EXTENSIONS`,
  `SELECT * FROM 'http://127.0.0.1:1/x.csv'`,
  `SELECT * FROM 's3://bucket/x.parquet'`,
  `SELECT * FROM read_parquet('https://example.invalid/x.parquet')`,
  `SET memory_limit = '100GB'`,
  `SET enable_external_access = true`,
  `SET lock_configuration = false`,
  `SET VARIABLE x = 1`,
  `RESET memory_limit`,
  `PRAGMA memory_limit = '100GB'`,
  `PRAGMA database_list`,
  `PRAGMA table_info('documents')`,
  `PRAGMA enable_logging`,
  `CALL enable_logging()`,
  `CALL pragma_version()`,
  `FROM enable_logging()`,
  `FROM checkpoint()`,
  `CHECKPOINT`,
  `FORCE CHECKPOINT`,
  `VACUUM ANALYZE`,
  `BEGIN`,
  `COMMIT`,
  `ROLLBACK`,
  `PREPARE p AS SELECT 1`,
  `EXECUTE p`,
  `DEALLOCATE p`,
  `SELECT 1; DROP VIEW documents`,
  `SELECT 1; SELECT * FROM '$INSIDE'`,
  `SELECT 1;;SELECT 2`,
  `SELECT 1 /* ; */; ATTACH 'x'`,
  // what the machine is
  `SELECT getenv('TOKENMILL_SECRET')`,
  `SELECT GetEnv('TOKENMILL_SECRET')`,
  `SELECT current_setting('allowed_directories')`,
  `SELECT current_setting('temp_directory')`,
  `FROM duckdb_settings()`,
  `FROM duckdb_secrets()`,
  `FROM which_secret('s3://x', 's3')`,
  `FROM duckdb_views()`,
  `FROM duckdb_views`,
  `FROM duckdb_databases()`,
  `FROM duckdb_temporary_files()`,
  `FROM duckdb_external_file_cache()`,
  `FROM duckdb_logs`,
  `FROM duckdb_extensions()`,
  `FROM sqlite_master`,
  `FROM pg_catalog.pg_views`,
  `FROM information_schema.views`,
  `FROM system.information_schema.views`,
  `SELECT pg_get_viewdef(1)`,
  `SHOW DATABASES`,
  `SHOW VARIABLES`,
  // resources that no limit of time would stop in one step
  `SELECT sleep_ms(100000)`,
  `SELECT pg_sleep(100)`,
];

describe('refused', () => {
  it.each(REFUSED)('%s', async (sql) => {
    const answer = await attack(withPaths(sql));
    expect(answer).toBeInstanceOf(TokenmillError);
    const { code, message, hint } = answer as TokenmillError;
    expect(code, message).toBe('SQL_INVALID');
    expect(`${message} ${hint}`).not.toContain(SECRET);
  });

  it('does not hinge on the format', async () => {
    for (const format of ['ndjson', 'csv', 'arrow', 'parquet', 'table'] as const) {
      const answer = await attack(withPaths(`SELECT * FROM read_csv('$INSIDE')`), format);
      expect((answer as TokenmillError).code).toBe('SQL_INVALID');
    }
  });
});

const BOUNDED = [
  `SELECT count(*) FROM range(10000000000) a, range(10000000000) b`,
  `SELECT count(*) FROM documents a, documents b, documents c, documents d, documents e, documents f`,
  `WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t) SELECT max(i) FROM t`,
  `WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT unnest([i, i + 1]) FROM t) SELECT max(i) FROM t`,
  `SELECT * FROM generate_series(1, 1000000000000)`,
  `SELECT len(range(1000000000))`,
  `SELECT length(repeat('x', 3000000000))`,
  `SELECT repeat('x', 1000000) FROM range(1000000)`,
  `SELECT lpad('x', 2000000000, 'y')`,
  `SELECT list(i) FROM range(1000000000) t(i)`,
  `SELECT string_agg(i, ',') FROM range(1000000000) t(i)`,
  `SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY hash(i)) AS r FROM range(100000000) t(i))`,
  `SELECT count(DISTINCT hash(i)) FROM range(1000000000) t(i)`,
  `SELECT hash(i) AS h, count(*) FROM range(1000000000) t(i) GROUP BY h ORDER BY 2 LIMIT 1`,
  `SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))`,
  `SELECT list_sort(list_transform(range(50000000), lambda x: hash(x)))[1]`,
  `SELECT regexp_replace(repeat('a', 50000000), '(a?){900}', 'b', 'g')`,
  `SELECT i FROM range(20000) t(i)`,
  `SELECT repeat('0123456789', 100) FROM range(9000)`,
  `SELECT list_reduce(range(3000), lambda a, b: (a * 31 + b) % 7) FROM range(1000000)`,
];

describe('bounded', () => {
  it.each(BOUNDED)('%s', async (sql) => {
    const answer = await attack(sql);
    expect(answer, String(answer).slice(0, 200)).toBeInstanceOf(TokenmillError);
    const { code, message } = answer as TokenmillError;
    expect(['SQL_LIMIT', 'SQL_TIMEOUT', 'SQL_INVALID'], message).toContain(code);
  });

  it('a Parquet file that does not end', async () => {
    const answer = await attack('SELECT hash(i) AS h FROM range(1000000000) t(i)', 'parquet');
    expect(['SQL_LIMIT', 'SQL_TIMEOUT']).toContain((answer as TokenmillError).code);
    const wide = await attack(
      `SELECT list_transform(range(400), lambda x: random()) AS l FROM range(9000)`,
      'parquet',
    );
    expect(['SQL_LIMIT', 'SQL_TIMEOUT']).toContain((wide as TokenmillError).code);
  });

  it('a regular expression that is slow elsewhere is linear here', async () => {
    expect(
      await attack(`SELECT regexp_matches(repeat('a', 10000) || 'b', '(a*)*(a*)*(a*)*c') AS m`),
    ).toContain('false');
  });

  it.each([
    ['parentheses', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['operators', `SELECT ${'1+'.repeat(45_000)}1`],
    ['negations', `SELECT ${'NOT '.repeat(20_000)}true`],
    ['subqueries', `${'SELECT * FROM ('.repeat(3000)}SELECT 1${')'.repeat(3000)}`],
    ['unions', `SELECT 1${' UNION ALL SELECT 1'.repeat(5000)}`],
    ['lists', `SELECT ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['columns', `SELECT 1${',1'.repeat(45_000)}`],
    ['joins', `SELECT count(*) FROM documents${' CROSS JOIN documents'.repeat(2000)}`],
    [
      'common table expressions',
      `WITH a0 AS (SELECT 1 AS x)${Array.from({ length: 60 }, (_, i) => `, a${i + 1} AS (SELECT * FROM a${i} UNION ALL SELECT * FROM a${i})`).join('')} SELECT count(*) FROM a60`,
    ],
    ['a long text', `SELECT '${'x'.repeat(90_000)}' AS t`],
    ['a text of a megabyte', `SELECT '${'x'.repeat(1_000_000)}'`],
    ['a byte that is none', 'SELECT \u0000'],
    ['a lone surrogate', `SELECT '\ud800'`],
  ])('deep or long: %s', async (_, sql) => {
    const answer = await attack(sql);
    if (typeof answer === 'string') expect(answer.length).toBeLessThan(1_000_000);
    else expect(['SQL_INVALID', 'SQL_LIMIT', 'SQL_TIMEOUT']).toContain(answer.code);
    if (sql.length > MAX_SQL_LENGTH) expect(answer).toBeInstanceOf(TokenmillError);
  });
});

describe('paths of the machine', () => {
  it.each([
    'EXPLAIN SELECT * FROM documents',
    'EXPLAIN ANALYZE SELECT * FROM documents',
    'EXPLAIN (FORMAT json) SELECT * FROM training',
    'EXPLAIN (ANALYZE, FORMAT json) SELECT count(*) FROM documents WHERE tokens > 1',
    'SHOW TABLES',
    'SHOW ALL TABLES',
    'DESCRIBE documents',
    'SUMMARIZE documents',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM information_schema.columns',
    'SELECT documents FROM documents LIMIT 1',
    'SELECT filename FROM documents',
    'SELECT file_row_number FROM training',
    'SELECT documents.filename FROM documents',
    `SELECT error('x')`,
    'SELECT nothing FROM documents',
    `SELECT 'x'::INT FROM documents`,
    'SELECT version(), current_user, current_database(), current_schemas(true)',
  ])('%s tells none', async (sql) => {
    const answer = await attack(sql);
    const text = typeof answer === 'string' ? answer : `${answer.message} ${answer.hint}`;
    for (const path of [folder, tmpdir()]) expect(text).not.toContain(path);
  });
});
