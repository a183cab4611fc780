import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyFromSql } from '../../src/filters/policy.js';
import { SIGNALS } from '../../src/filters/signals/index.js';
import { comparePolicies } from '../../src/filters/what-if/compare.js';
import { explainPolicy } from '../../src/filters/what-if/explain.js';
import { loadStoredSignals } from '../../src/filters/what-if/signals-view.js';
import { openDatabase, type Database } from '../../src/store/database.js';
import { documentColumns } from '../../src/store/schema.js';

let database: Database;

/** Documents with these numbers of words, shares of digits and tokens; without tokens 10 bytes a word. */
const DOCUMENTS: [words: number, digits: number, tokens: number | null][] = [
  [100, 0, 200],
  [10, 0, null],
  [10, 0.9, null],
  [200, 0.9, null],
  [60, 0.3, 120],
];

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
  const { connection } = database;
  const columns = [
    "'d' AS dataset",
    ...documentColumns.map(({ name, type }) => `NULL::${type} AS "${name}"`),
    ...SIGNALS.map(({ name, type }) => `${type === 'VARCHAR' ? "''" : '0'}::${type} AS "${name}"`),
  ];
  await connection.run(`CREATE TABLE documents AS SELECT ${columns.join(', ')} WHERE false`);
  for (const [ordinal, [words, digits, tokens]] of DOCUMENTS.entries()) {
    await connection.run(
      `INSERT INTO documents BY NAME SELECT * REPLACE (${ordinal} AS ordinal, 'id${ordinal}' AS document_id,
         'https://example.org/${ordinal}' AS url, 'en' AS language, 1 AS language_score, ${String(tokens ?? 'NULL')}::BIGINT AS tokens,
         ${words} AS word_count, ${words * 10} AS byte_count, ${digits} AS digit_character_ratio)
       FROM (SELECT ${columns.join(', ')})`,
    );
  }
});

afterAll(() => database.close());

const POLICY = `SET VARIABLE min_words = 50; -- fewest words
SELECT ordinal,
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(digit_character_ratio > 0.5, digit_character_ratio) AS too_many_digits
FROM signals`;

describe('what a policy does to stored signals', () => {
  test('each rule alone, first, only and together; tokens that are not known by bytes', async () => {
    const stored = await loadStoredSignals(database.connection, 'd');
    // 320 tokens of 1,600 bytes
    expect(stored).toEqual({ documents: 5, tokensPerByte: 0.2 });
    const explanation = await explainPolicy(database.connection, policyFromSql('p', POLICY), stored, 1);
    expect(explanation).toMatchObject({
      documents: { documents: 5, tokens: 200 + 20 + 20 + 400 + 120 },
      kept: { documents: 2, tokens: 320 },
      dropped: { documents: 3, tokens: 440 },
    });
    expect(explanation.rules).toEqual([
      {
        rule: 'too_few_words',
        alone: { documents: 2, tokens: 40 },
        first: { documents: 2, tokens: 40 },
        only: { documents: 1, tokens: 20 },
        together: { documents: 2, tokens: 40 },
        examples: [{ document_id: 'id1', url: 'https://example.org/1', measured: 10 }],
      },
      {
        rule: 'too_many_digits',
        alone: { documents: 2, tokens: 420 },
        first: { documents: 1, tokens: 400 },
        only: { documents: 1, tokens: 400 },
        together: { documents: 3, tokens: 440 },
        examples: [{ document_id: 'id3', url: 'https://example.org/3', measured: 0.9 }],
      },
    ]);
  });

  test('two policies', async () => {
    await loadStoredSignals(database.connection, 'd');
    const b = `SELECT ordinal,
      drop_if(digit_character_ratio > 0.2, digit_character_ratio) AS too_many_digits FROM signals`;
    const difference = await comparePolicies(
      database.connection,
      policyFromSql('a', POLICY),
      policyFromSql('b', b),
      10,
    );
    expect(difference).toMatchObject({
      a: { policy: 'a', kept: { documents: 2, tokens: 320 } },
      b: { policy: 'b', kept: { documents: 2, tokens: 220 } },
      newly_dropped: {
        documents: 1,
        tokens: 120,
        reasons: [{ rule: 'too_many_digits', documents: 1, tokens: 120 }],
        examples: [{ document_id: 'id4', reason: 'too_many_digits', measured: 0.3 }],
      },
      newly_kept: {
        documents: 1,
        tokens: 20,
        reasons: [{ rule: 'too_few_words', documents: 1, tokens: 20 }],
        examples: [{ document_id: 'id1', reason: 'too_few_words', measured: 10 }],
      },
      other_reason: { documents: 1, tokens: 20 },
    });
  });

  test('a policy that drops nothing', async () => {
    const stored = await loadStoredSignals(database.connection, 'd');
    const policy = policyFromSql('all', 'SELECT ordinal FROM signals');
    expect(await explainPolicy(database.connection, policy, stored, 1)).toMatchObject({
      kept: { documents: 5 },
      rules: [],
    });
  });

  test('a dataset without documents', async () => {
    await expect(loadStoredSignals(database.connection, 'none')).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
  });
});
