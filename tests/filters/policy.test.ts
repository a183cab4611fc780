import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applyPolicy,
  loadPolicy,
  policyFromSql,
  policyNames,
  validatePolicy,
} from '../../src/filters/policy.js';
import { SIGNALS } from '../../src/filters/signals/index.js';
import { appendSignals, createSignalsTable } from '../../src/filters/signals/table.js';
import { openDatabase, type Database } from '../../src/store/database.js';

let database: Database;
let folder: string;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-test-'));
});

afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A row of signals that are all 0 but those given. */
function rowOf(
  ordinal: number,
  given: Record<string, number>,
  url: string | null = null,
): Parameters<typeof appendSignals>[2][number] {
  return {
    ordinal,
    url,
    language: 'en',
    languageScore: 1,
    signals: SIGNALS.map(({ name, type }) => (type === 'VARCHAR' ? '' : (given[name] ?? 0))),
  };
}

async function verdicts(sql: string, rows: ReturnType<typeof rowOf>[], set = {}): Promise<unknown[][]> {
  const { connection } = database;
  await createSignalsTable(connection, 'measured');
  await appendSignals(connection, 'measured', rows);
  const policy = policyFromSql('mine', sql, set);
  await applyPolicy(connection, policy, { signalsTable: 'measured', verdictsTable: 'verdicts' });
  return (await connection.runAndReadAll('SELECT * FROM verdicts')).getRows();
}

const SHORT = `SET VARIABLE min_words = 5; -- fewest words
SELECT ordinal,
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(digit_character_ratio > 0.5, digit_character_ratio) AS too_many_digits
FROM signals;`;

describe('verdicts', () => {
  test('the first rule that drops is the reason, with the value that it measured', async () => {
    const rows = [
      rowOf(3, { word_count: 5, digit_character_ratio: 0.5 }),
      rowOf(1, { word_count: 4, digit_character_ratio: 0.9 }),
      rowOf(2, { word_count: 5, digit_character_ratio: 0.75 }),
    ];
    expect(await verdicts(SHORT, rows)).toEqual([
      [1n, 'drop', 'too_few_words', 4],
      [2n, 'drop', 'too_many_digits', 0.75],
      [3n, 'keep', null, null],
    ]);
  });

  test('an override takes the place of a threshold', async () => {
    expect(await verdicts(SHORT, [rowOf(0, { word_count: 4 })], { min_words: '4' })).toEqual([
      [0n, 'keep', null, null],
    ]);
  });

  test('a measured value of zero drops too', async () => {
    const sql = 'SELECT ordinal, drop_if(word_count = 0, word_count) AS empty FROM signals';
    expect(await verdicts(sql, [rowOf(0, {})])).toEqual([[0n, 'drop', 'empty', 0]]);
  });

  test('a condition that is NULL is an error that names the rule', async () => {
    const sql = `SELECT ordinal, drop_if(false, 1) AS fine, drop_if(url LIKE '%x%', 1) AS bad_url FROM signals`;
    await expect(verdicts(sql, [rowOf(0, {}, 'y'), rowOf(1, {}, null)])).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      message: expect.stringMatching(/rule bad_url.*the condition is NULL/) as string,
    });
  });

  test('so is a measured value that is NULL where the condition holds', async () => {
    const sql = 'SELECT ordinal, drop_if(true, NULL) AS odd FROM signals';
    await expect(verdicts(sql, [rowOf(0, {})])).rejects.toMatchObject({
      message: expect.stringMatching(/rule odd.*the measured value is NULL/) as string,
    });
  });
});

describe('validation, before any document is read', () => {
  const invalid: [string, string, RegExp][] = [
    ['a syntax error', 'SELECT ordinal, drop_if(word_count < , 1) AS a FROM signals', /syntax error/],
    ['an unknown column', 'SELECT ordinal, drop_if(wrods > 1, 1) AS a FROM signals', /"wrods" not found/],
    ['an unknown table', 'SELECT ordinal FROM documents', /documents/],
    ['an unknown function', 'SELECT ordinal, drop_it(true, 1) AS a FROM signals', /drop_it/],
    ['a rule that is no number', "SELECT ordinal, 'x' AS a FROM signals", /rule a is VARCHAR/],
    [
      'a measured value that is no number',
      "SELECT ordinal, drop_if(true, 'x') AS a FROM signals",
      /rule a.*Could not convert/,
    ],
    [
      'an unknown variable',
      "SELECT ordinal, drop_if(word_count < getvariable('mni'), 1) AS a FROM signals",
      /rule a.*NULL/,
    ],
    [
      'a rule that is NULL without an address',
      "SELECT ordinal, drop_if(url LIKE 'x', 1) AS a FROM signals",
      /rule a.*NULL/,
    ],
    [
      'a ratio that is NULL without words',
      'SELECT ordinal, drop_if(1 % word_count > 1, 1) AS a FROM signals',
      /rule a.*NULL/,
    ],
    ['fewer rows', 'SELECT ordinal FROM signals WHERE word_count > 0', /gives 1 rows for 2 documents/],
    [
      'more rows',
      'SELECT ordinal FROM signals UNION ALL SELECT ordinal FROM signals',
      /gives 4 rows for 2 documents/,
    ],
    [
      'reading a file',
      "SELECT ordinal, drop_if(true, (SELECT count(*) FROM read_text('/etc/hostname'))) AS a FROM signals",
      /disabled by configuration/,
    ],
    [
      'a window function',
      'SELECT ordinal, drop_if(row_number() OVER () > 1, 1) AS a FROM signals',
      /window function row_number/,
    ],
    [
      'a subquery over other documents',
      'SELECT ordinal, drop_if(word_count < (SELECT avg(word_count) FROM signals), 1) AS a FROM signals',
      /uses a subquery/,
    ],
    ['chance', 'SELECT ordinal, drop_if(random() < 0.5, 1) AS a FROM signals', /uses the function random/],
    ['the clock', "SELECT ordinal, drop_if(now() > '2030-01-01', 1) AS a FROM signals", /uses the function/],
    ['reading a file by its name', "SELECT ordinal FROM 'x.parquet'", /disabled by configuration/],
  ];

  test.each(invalid)('%s is refused', async (_, sql, message) => {
    await expect(validatePolicy(database.connection, policyFromSql('mine', sql))).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      message: expect.stringMatching(message) as string,
      hint: expect.any(String) as string,
    });
  });

  test('what is fine passes and leaves no tables behind', async () => {
    const fresh = await openDatabase({ threads: 1 });
    const sql = `SELECT ordinal, drop_if(coalesce(url, '') LIKE '%.xxx/%', 1) AS a, CASE WHEN language_score < 0.1 THEN language_score END AS b FROM signals`;
    await validatePolicy(fresh.connection, policyFromSql('mine', sql));
    expect((await fresh.connection.runAndReadAll('SHOW TABLES')).getRows()).toEqual([]);
    fresh.close();
  });
});

describe('loading', () => {
  test('every policy of the package is valid and described', async () => {
    expect(await policyNames()).toEqual([
      'c4',
      'cs336',
      'dclm',
      'fineweb',
      'gopher',
      'gopher-repetition',
      'keep-all',
      'multilingual',
      'refinedweb',
    ]);
    for (const name of await policyNames()) {
      const policy = await loadPolicy(name);
      await validatePolicy(database.connection, policy);
      expect(policy.name).toBe(name);
      expect(policy.description.length).toBeGreaterThan(40);
      for (const { doc } of policy.variables) expect(doc.length).toBeGreaterThan(5);
    }
  });

  test('a file works like a name', async () => {
    const path = join(folder, 'mine.sql');
    writeFileSync(path, SHORT);
    expect(await loadPolicy(path, { set: { min_words: '7' } })).toEqual(
      policyFromSql('mine', SHORT, { min_words: '7' }),
    );
  });

  test('the hash is that of the text and the overrides', () => {
    const hashes = [
      policyFromSql('mine', SHORT),
      policyFromSql('mine', SHORT, { min_words: '7' }),
      policyFromSql('mine', `${SHORT}\n-- more`),
    ].map(({ sha256 }) => sha256);
    expect(new Set(hashes).size).toBe(3);
    expect(policyFromSql('other', SHORT).sha256).toBe(hashes[0]);
  });

  test('an unknown name lists the names', async () => {
    await expect(loadPolicy('goofer')).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      hint: expect.stringContaining('c4, cs336, dclm, fineweb, gopher') as string,
    });
  });

  test('a name is no way to other files', async () => {
    for (const name of ['..', '', 'gopher\0', '__proto__']) {
      await expect(loadPolicy(name)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
    }
  });

  test('a missing file is named', async () => {
    const path = join(folder, 'missing.sql');
    await expect(loadPolicy(path)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining(path) as string,
    });
  });

  test('an unknown variable lists the variables of the policy', async () => {
    await expect(loadPolicy('cs336', { set: { min_wrods: '3' } })).rejects.toMatchObject({
      code: 'POLICY_INVALID',
      message: expect.stringContaining('min_wrods') as string,
      hint: expect.stringContaining('min_words, max_words') as string,
    });
    expect(() => policyFromSql('mine', SHORT, { constructor: '1' })).toThrow('no variable constructor');
  });

  test('a file that is too large is refused', async () => {
    const path = join(folder, 'large.sql');
    writeFileSync(path, `-- ${'x'.repeat(70_000)}\nSELECT ordinal FROM signals`);
    await expect(loadPolicy(path)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });
});
