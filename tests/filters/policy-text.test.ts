import { describe, expect, test } from 'vitest';
import { overrideLiteral, parsePolicy } from '../../src/filters/policy-text.js';

const TEXT = `-- Drops short documents.
-- A second line.

SET VARIABLE min_words = 50; -- fewest words
set variable languages = ['en', 'it''s; --']; /* allowed */
SET VARIABLE strict = true;
-- between
SELECT ordinal, -- first
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(coalesce(url, ';') = 'a, b' AND [1, 2][1] = 1, 1) as bad_url
FROM signals;
-- the end
`;

describe('reading a policy', () => {
  test('description, variables, select and rules', () => {
    const policy = parsePolicy('mine', TEXT);
    expect(policy.description).toBe('Drops short documents.\nA second line.');
    expect(policy.variables).toEqual([
      { name: 'min_words', value: '50', doc: 'fewest words' },
      { name: 'languages', value: "['en', 'it''s; --']", doc: 'allowed' },
      { name: 'strict', value: 'true', doc: '' },
    ]);
    expect(policy.rules).toEqual(['too_few_words', 'bad_url']);
    expect(policy.select).toMatch(/SELECT ordinal[\s\S]*FROM signals$/);
  });

  test('a policy may have no rules', () => {
    expect(parsePolicy('all', 'select ordinal from signals').rules).toEqual([]);
  });

  test.each([
    ['another statement', 'DROP TABLE x; SELECT ordinal FROM signals', 'neither SET VARIABLE nor SELECT', 1],
    [
      'a setting',
      "\nSET memory_limit = '1GB';\nSELECT ordinal FROM signals",
      'neither SET VARIABLE nor SELECT',
      2,
    ],
    [
      'a common table expression',
      'WITH a AS (SELECT 1) SELECT ordinal FROM signals',
      'neither SET VARIABLE',
      1,
    ],
    ['no SELECT', 'SET VARIABLE a = 1;\n', 'no SELECT', 2],
    ['two SELECTs', 'SELECT ordinal FROM signals;\n\nSELECT 1;', 'behind the SELECT', 3],
    [
      'a variable behind the SELECT',
      'SELECT ordinal FROM signals;\nSET VARIABLE a = 1',
      'behind the SELECT',
      2,
    ],
    ['an expression as value', 'SET VARIABLE a = (SELECT 1);\nSELECT ordinal FROM signals', 'no literal', 1],
    [
      'a variable twice',
      'SET VARIABLE a = 1;\nSET VARIABLE a = 2;\nSELECT ordinal FROM signals',
      'set twice',
      2,
    ],
    ['no ordinal', 'SELECT url FROM signals', 'first column is not ordinal', 1],
    ['a star', 'SELECT * FROM signals', 'first column is not ordinal', 1],
    ['a column without a name', 'SELECT ordinal,\n drop_if(true, 1) FROM signals', 'column 2 has no name', 2],
    ['a column without AS', 'SELECT ordinal, drop_if(true, 1) a FROM signals', 'column 2 has no name', 1],
    ['a quoted name', 'SELECT ordinal, drop_if(true, 1) AS "A b" FROM signals', 'column 2 has no name', 1],
    ['a trailing comma', 'SELECT ordinal, FROM signals', 'column 2 has no name', 1],
    ['a name twice', 'SELECT ordinal, 1 AS a, 2 AS a FROM signals', 'two columns a', 1],
    ['nothing', '', 'no SELECT', 1],
  ])('%s is refused', (_, sql, message, line) => {
    expect(() => parsePolicy('mine', sql)).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        message: expect.stringContaining(message) as string,
        place: { line },
      }),
    );
  });
});

describe('overrides', () => {
  const variable = (value: string): { name: string; value: string; doc: string } => ({
    name: 'v',
    value,
    doc: '',
  });

  test.each([
    ['50', '30', '30'],
    ['50', ' 0.5 ', '0.5'],
    ['0.3', '1e-3', '1e-3'],
    ["'en'", "it's", "'it''s'"],
    ['true', 'FALSE', 'FALSE'],
    ["['en', 'de']", "fr, it's", "['fr', 'it''s']"],
    ['[1, 2]', '3', '[3]'],
  ])('%s becomes %j: %s', (value, text, literal) => {
    expect(overrideLiteral('mine', variable(value), text)).toBe(literal);
  });

  test.each([
    ['50', 'many'],
    ['50', '1; DROP TABLE x'],
    ['50', ''],
    ['true', '1'],
    ['[1, 2]', '1, x'],
  ])('%s cannot become %j', (value, text) => {
    expect(() => overrideLiteral('mine', variable(value), text)).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID' }),
    );
  });
});
