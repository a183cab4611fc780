import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectText } from '../../src/filters/inspect.js';
import { applyPolicy, loadPolicy } from '../../src/filters/policy.js';
import { measureSignals } from '../../src/filters/signals/index.js';
import { appendSignals, createSignalsTable } from '../../src/filters/signals/table.js';
import { openDatabase, type Database } from '../../src/store/database.js';

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
});

afterAll(() => database.close());

/** Every rule of a policy that a text breaks, not only the first. */
async function brokenRules(name: string, text: string): Promise<string[]> {
  const { connection } = database;
  const policy = await loadPolicy(name);
  await createSignalsTable(connection, 'signals');
  const row = { ordinal: 0, url: null, language: 'en', languageScore: 1, signals: measureSignals(text) };
  await appendSignals(connection, 'signals', [row]);
  await applyPolicy(connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
  const [values] = (await connection.runAndReadAll(policy.select)).getRows();
  const broken = policy.rules.filter((_, index) => values[index + 1] !== null);
  const [[verdict, reason, measured]] = (
    await connection.runAndReadAll('SELECT verdict, reason, measured FROM verdicts')
  ).getRows();
  expect([verdict, reason]).toEqual(broken.length === 0 ? ['keep', null] : ['drop', broken[0]]);
  expect(measured).toBe(broken.length === 0 ? null : values[policy.rules.indexOf(broken[0]) + 1]);
  return broken;
}

const STOP_WORDS = 'the and';
/** `count` words of four letters, two stop words of three among them. */
const words = (count: number): string => `${STOP_WORDS} ${'word '.repeat(count - 2)}`.trim();
/** Ten lines of six words. */
const lines = (each: (line: number) => string): string =>
  Array.from({ length: 10 }, (_, line) => each(line)).join('\n');

/** A text at the threshold, which passes, and one just beyond it, which only that rule drops. */
const SHARED: [rule: string, passes: string, fails: string][] = [
  ['too_few_words', words(50), words(49)],
  ['too_many_words', words(100_000), words(100_001)],
  // 54 words: 2 of 3 letters, 26 of 2, 26 of 4, mean 3; one more of 2
  [
    'words_too_short',
    `${STOP_WORDS} ${'ab '.repeat(26)}${'word '.repeat(26)}`,
    `${STOP_WORDS} ${'ab '.repeat(27)}${'word '.repeat(26)}`,
  ],
  // 60 words: 2 of 3 letters, 56 of 10 and 2 of 17, mean 10; one of them longer
  [
    'words_too_long',
    `${STOP_WORDS} ${`${'x'.repeat(10)} `.repeat(56)}${`${'x'.repeat(17)} `.repeat(2)}`,
    `${STOP_WORDS} ${`${'x'.repeat(10)} `.repeat(56)}${'x'.repeat(17)} ${'x'.repeat(18)}`,
  ],
  // 3 and 4 of 10 lines end with an ellipsis
  [
    'too_many_ellipsis_lines',
    lines((line) => `the and four more words here${line < 3 ? '...' : ''}`),
    lines((line) => `the and four more words here${line < 4 ? '…' : ''}`),
  ],
  // 60 of 75 and 60 of 76 words have a letter
  ['too_few_alphabetic_words', `${words(60)}${' 2024'.repeat(15)}`, `${words(60)}${' 2024'.repeat(16)}`],
];

const GOPHER_ONLY: typeof SHARED = [
  // 6 of 60 and 7 of 61 words
  ['too_many_hashes', `${words(54)}${' #'.repeat(6)}`, `${words(54)}${' #'.repeat(7)}`],
  ['too_many_ellipses', `${words(54)}${' …'.repeat(6)} and`, `${words(54)}${' ...'.repeat(7)} and`],
  // 9 and 10 of 10 lines
  [
    'too_many_bullet_lines',
    lines((line) => `${line < 9 ? '• ' : ''}the and four more words here`),
    lines((line) => `${line < 9 ? '• ' : '  - '}the and four more words here`),
  ],
  // `The` is none
  ['too_few_stop_words', `with have ${words(50).slice(8)}`, `The have ${words(50).slice(8)}`],
];

describe('gopher', () => {
  test.each([...SHARED, ...GOPHER_ONLY])('%s', async (rule, passes, fails) => {
    expect(await brokenRules('gopher', passes)).toEqual([]);
    expect(await brokenRules('gopher', fails)).toEqual([rule]);
  });

  test('every rule of the file is tested, in the order of the reference filter', async () => {
    const { rules } = await loadPolicy('gopher');
    expect([...rules].sort()).toEqual([...SHARED, ...GOPHER_ONLY].map(([rule]) => rule).sort());
    expect(rules.slice(0, 5)).toEqual([
      'too_few_words',
      'too_many_words',
      'words_too_short',
      'words_too_long',
      'too_many_hashes',
    ]);
  });
});

describe('cs336', () => {
  test.each(SHARED)('%s', async (rule, passes, fails) => {
    expect(await brokenRules('cs336', passes)).toEqual([]);
    expect(await brokenRules('cs336', fails)).toEqual([rule]);
  });

  test.each(GOPHER_ONLY)('%s is none of its rules', async (_, __, fails) => {
    expect(await brokenRules('cs336', fails)).toEqual([]);
  });

  // The cases that the assignment itself publishes for its filter.
  const repeat = (text: string, times: number): string => text.repeat(times);
  test.each([
    [
      'valid input',
      repeat(
        'This should definitely be a valid input text and of high quality according to Gopher rules. ',
        100,
      ),
      null,
    ],
    ['a short snippet', 'The string you are reading is a short snippet of text.', 'too_few_words'],
    ['a long snippet', repeat('The string you are reading is a long snippet of text.', 100), null],
    ['too long', repeat('The string you are reading is too long of a text. ', 50_000), 'too_many_words'],
    ['long', repeat('The string you are reading is an okay example of text. ', 5000), null],
    ['short words', repeat('the be ', 100), 'words_too_short'],
    ['words of three and four letters', repeat('the with ', 100), null],
    [
      'long words',
      `the and ${repeat('extraordinarily extraordinarily extraordinarily longesest ', 100)}`,
      'words_too_long',
    ],
    ['words of fair length', repeat('the and this is fine ', 100), null],
    [
      '70 of 100 lines with an ellipsis',
      [
        ...Array.from({ length: 70 }, () => 'The line here is an example of line ending with an ellipsis...'),
        ...Array.from({ length: 30 }, () => 'This is a normal line.'),
      ].join('\n'),
      'too_many_ellipsis_lines',
    ],
    [
      '30 of 260 lines with an ellipsis',
      [
        ...Array.from({ length: 30 }, () => 'The line here is an example of ending with ellipsis...'),
        ...Array.from({ length: 230 }, () => 'This is a normal line.'),
      ].join('\n'),
      null,
    ],
  ])('published case: %s', async (_, text, rule) => {
    expect(await brokenRules('cs336', text)).toEqual(rule === null ? [] : [rule]);
  });
});

test('keep-all keeps everything', async () => {
  for (const text of ['', '...', words(10)]) expect(await brokenRules('keep-all', text)).toEqual([]);
});

describe('inspecting one text', () => {
  test('verdict, reason, value and signals', async () => {
    const result = await inspectText(words(20), await loadPolicy('gopher'));
    expect(result).toMatchObject({ verdict: 'drop', reason: 'too_few_words', measured: 20, language: 'en' });
    expect(result.signals).toMatchObject({ word_count: 20, stop_word_count: 2, line_count: 1 });
  });

  test('with another threshold it passes', async () => {
    const policy = await loadPolicy('gopher', { set: { min_words: '20' } });
    expect(await inspectText(words(20), policy)).toMatchObject({
      verdict: 'keep',
      reason: null,
      measured: null,
    });
  });
});
