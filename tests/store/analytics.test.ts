/** What people ask: everything of SELECT that only reads passes the gate, and answers what it should. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuerySession } from '../../src/store/query/session.js';
import { sampleWorkspace } from './sample-workspace.js';

let folder: string;
let session: QuerySession;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-analytics-'));
  const { root } = await sampleWorkspace(folder);
  session = await QuerySession.open({ workspace: root, threads: 1 });
});

afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true, force: true });
});

async function rows(sql: string): Promise<unknown[][]> {
  let text = '';
  for await (const part of session.query({ sql, format: 'json' })) text += String(part);
  return (JSON.parse(text) as Record<string, unknown>[]).map((row) => Object.values(row));
}

// 100 documents; the even ones are kept, with ordinal + 1 tokens.
const ANSWERS: [string, string, unknown[][]][] = [
  [
    'window functions',
    `SELECT ordinal, tokens - lag(tokens) OVER (ORDER BY ordinal) AS step, rank() OVER (ORDER BY tokens DESC) AS place
     FROM documents WHERE verdict = 'keep' ORDER BY ordinal LIMIT 2`,
    [
      [0, null, 50],
      [2, 2, 49],
    ],
  ],
  [
    'QUALIFY',
    `SELECT language, ordinal FROM documents QUALIFY row_number() OVER (PARTITION BY language ORDER BY ordinal) = 1 ORDER BY ALL`,
    [
      ['de', 0],
      ['en', 1],
    ],
  ],
  [
    'common table expressions',
    `WITH kept AS (FROM documents WHERE verdict = 'keep'), long AS MATERIALIZED (FROM kept WHERE tokens > 90) SELECT count(*) FROM long`,
    [[5]],
  ],
  [
    'recursion that ends',
    `WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n)::INT FROM t`,
    [[55]],
  ],
  [
    'joins of views',
    `SELECT d.dataset, s.format, count(*) FROM documents d JOIN sources s USING (dataset, source) GROUP BY ALL`,
    [['crawl', 'warc', 100]],
  ],
  [
    'semi, anti and lateral joins',
    `SELECT (SELECT count(*) FROM documents d SEMI JOIN documents o ON d.duplicate_of = o.document_id) AS a,
      (SELECT count(*) FROM documents d ANTI JOIN documents o ON d.duplicate_of = o.document_id) AS b,
      (SELECT sum(n)::INT FROM commits c, LATERAL (SELECT c.documents * 2 AS n)) AS c`,
    [[25, 75, 200]],
  ],
  [
    'ASOF and positional joins',
    `SELECT d.ordinal, c.sequence FROM documents d ASOF JOIN (SELECT sequence, (sequence - 1) * 60 AS first FROM commits) c ON d.ordinal >= c.first
     WHERE d.ordinal IN (59, 60) ORDER BY ALL`,
    [
      [59, 1],
      [60, 2],
    ],
  ],
  [
    'JSON functions',
    `SELECT sequence, (counts->>'kept')::INT AS kept, json_extract(counts, '$.records') AS records, list_sort(json_keys(counts)) AS keys
     FROM commits ORDER BY sequence LIMIT 1`,
    [
      [
        1,
        30,
        60,
        [
          'documents',
          'dropped',
          'dropped.near_duplicate',
          'dropped.too_few_words',
          'kept',
          'records',
          'tokens',
        ],
      ],
    ],
  ],
  [
    'json_each',
    `SELECT key, value::INT AS n FROM commits, json_each(counts) WHERE sequence = 2 AND key = 'kept'`,
    [['kept', 20]],
  ],
  [
    'list functions and lambdas',
    `SELECT list_sum(list_transform([1, 2, 3], lambda x: x * 2))::INT AS a, list_filter([1, 2, 3], lambda x: x > 1) AS b, [x * 10 FOR x IN [1, 2] IF x > 1] AS c`,
    [[12, [2, 3], [20]]],
  ],
  [
    'structs and maps',
    `SELECT {'a': 1, 'b': [2]}.b[1] AS x, map(['k'], [7])['k'] AS y, unnest([1, 2]) AS z`,
    [
      [2, 7, 1],
      [2, 7, 2],
    ],
  ],
  [
    'quantiles',
    `SELECT quantile_cont(tokens, [0, 0.5, 1]) AS q, median(tokens) AS m, mode(language) AS l, approx_count_distinct(language) AS n FROM documents`,
    [[[1, 50, 99], 50, 'en', 2]],
  ],
  [
    'FILTER, ROLLUP and GROUPING SETS',
    `SELECT verdict, count(*) FILTER (WHERE tokens > 50) AS n FROM documents GROUP BY ROLLUP (verdict) ORDER BY verdict NULLS FIRST`,
    [
      [null, 25],
      ['drop', 0],
      ['keep', 25],
    ],
  ],
  [
    'DISTINCT ON',
    `SELECT DISTINCT ON (verdict) verdict, ordinal FROM documents ORDER BY verdict, ordinal`,
    [
      ['drop', 1],
      ['keep', 0],
    ],
  ],
  [
    'sampling',
    `SELECT count(*) FROM (FROM documents USING SAMPLE reservoir(10 ROWS) REPEATABLE (7))`,
    [[10]],
  ],
  ['TABLESAMPLE', `SELECT count(*) FROM documents TABLESAMPLE 100%`, [[100]]],
  [
    'PIVOT',
    `PIVOT (SELECT language, verdict FROM documents) ON verdict IN ('keep', 'drop') USING count(*) GROUP BY language ORDER BY language`,
    [
      ['de', 10, 10],
      ['en', 40, 40],
    ],
  ],
  [
    'UNPIVOT',
    `SELECT name, value FROM (UNPIVOT (SELECT kept, tokens FROM commits WHERE sequence = 1) ON kept, tokens) ORDER BY name`,
    [
      ['kept', 30],
      ['tokens', 900],
    ],
  ],
  [
    'set operations',
    `SELECT verdict FROM documents EXCEPT SELECT 'keep' UNION ALL BY NAME SELECT 'x' AS verdict ORDER BY verdict`,
    [['drop'], ['x']],
  ],
  [
    'regular expressions and text',
    `SELECT regexp_extract(url, 'https://([^/]+)', 1) AS host, upper(mime) AS m, printf('%03d', ordinal) AS p FROM documents WHERE ordinal = 5`,
    [['b.example', 'TEXT/HTML', '005']],
  ],
  [
    'dates',
    `SELECT date_trunc('month', TIMESTAMP '2024-02-29 12:00:00')::DATE AS d, strftime(DATE '2024-02-29', '%Y') AS y`,
    [['2024-02-01', '2024']],
  ],
  [
    'COLUMNS, EXCLUDE and REPLACE',
    `SELECT * EXCLUDE (dataset) REPLACE (kept * 2 AS kept) FROM (SELECT dataset, sequence, kept FROM commits) ORDER BY sequence`,
    [
      [1, 60],
      [2, 40],
    ],
  ],
  ['FROM first and VALUES', `FROM (VALUES (1, 'a'), (2, 'b')) t(n, s) SELECT s WHERE n = 2`, [['b']]],
  ['range and generate_series', `SELECT sum(range)::INT FROM range(5)`, [[10]]],
  ['histograms', `SELECT map_keys(histogram(verdict)) AS k FROM documents`, [[['drop', 'keep']]]],
  ['views by their full names', `SELECT count(*) FROM memory.main.documents`, [[100]]],
  [
    'a common table expression in place of a view',
    `WITH documents AS (SELECT 1 AS one) FROM documents`,
    [[1]],
  ],
  [
    'training',
    `SELECT run, min(loss)::INT AS best, arg_min(step, loss) AS step FROM training GROUP BY run`,
    [['first', 1, 4]],
  ],
  [
    'schema',
    `SELECT column_name FROM information_schema.columns WHERE table_name = 'rules' ORDER BY ordinal_position`,
    [['dataset'], ['position'], ['rule']],
  ],
  ['comments', `/* a */ SELECT -- b\n 1 AS one /* c */;`, [[1]]],
];

describe('analytics', () => {
  it.each(ANSWERS)('%s', async (_, sql, answer) => {
    expect(await rows(sql)).toEqual(answer);
  });

  it('DESCRIBE, SUMMARIZE, SHOW TABLES and EXPLAIN', async () => {
    expect((await rows('DESCRIBE rules')).map((row) => row.slice(0, 2))).toEqual([
      ['dataset', 'VARCHAR'],
      ['position', 'BIGINT'],
      ['rule', 'VARCHAR'],
    ]);
    expect(
      (await rows('DESCRIBE SELECT count(*) AS n FROM documents')).map((row) => row.slice(0, 2)),
    ).toEqual([['n', 'BIGINT']]);
    const tokens = (await rows('SUMMARIZE documents')).find(([name]) => name === 'tokens');
    expect(tokens?.slice(1, 4)).toEqual(['BIGINT', '1', '99']);
    expect((await rows('SHOW TABLES')).flat()).toContain('documents');
    expect(String((await rows('EXPLAIN SELECT count(*) FROM documents'))[0][1])).toContain('AGGREGATE');
    expect(String((await rows('EXPLAIN ANALYZE SELECT count(*) FROM documents'))[0][1])).toContain(
      'Total Time',
    );
  });
});

it('the functions that are not the same each time are the ones that are known', async () => {
  // Whoever updates DuckDB looks at what is new here: it may tell of the machine, wait, or write.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar' AND stability = 'VOLATILE' ORDER BY 1`,
  );
  expect(reader.getRows().flat()).toEqual([
    'current_connection_id',
    'current_query',
    'current_query_id',
    'current_transaction_id',
    'currval',
    'error',
    'gen_random_uuid',
    'nextval',
    'random',
    'setseed',
    'sleep_ms',
    'stats',
    'uuid',
    'uuidv4',
    'uuidv7',
    'write_log',
  ]);
});
