import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectText } from '../../src/filters/inspect.js';
import { applyPolicy, loadPolicy, policyNames, type Policy } from '../../src/filters/policy.js';
import { measureSignals, SIGNALS } from '../../src/filters/signals/index.js';
import { appendSignals, createSignalsTable } from '../../src/filters/signals/table.js';
import { openDatabase, type Database } from '../../src/store/database.js';

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
});

afterAll(() => database.close());

/** Every rule of a policy that a text breaks, not only the first. */
async function brokenRules(
  name: string,
  text: string,
  set: Record<string, string> = {},
  about: { language?: string; languageScore?: number } = {},
): Promise<string[]> {
  const { connection } = database;
  const policy = await loadPolicy(name, { set });
  await createSignalsTable(connection, 'signals');
  const signals = measureSignals(text, { language: 'en' });
  const row = { ordinal: 0, url: null, language: 'en', languageScore: 1, signals, ...about };
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

/** Only one rule of a policy: the thresholds of all others are 1, which no share exceeds. */
async function brokenAlone(name: string, variable: string, text: string): Promise<string[]> {
  const { variables } = await loadPolicy(name);
  const others = variables.filter((other) => other.name !== variable).map((other) => [other.name, '1']);
  return brokenRules(name, text, Object.fromEntries(others) as Record<string, string>);
}

describe('gopher-repetition', () => {
  /** A text of `length` characters that ends with a word found nowhere else. */
  const padded = (text: string, length: number): string => `${text} ${'x'.repeat(length - text.length - 1)}`;
  const twice = (phrase: string, length: number): string => padded(`${phrase} ${phrase}`, length);
  const letters = (n: number): string => 'a b c d e f g h i j'.slice(0, 2 * n - 1);
  const copies = (count: number, all: number, separator: string): string =>
    Array.from({ length: all }, (_, i) => (i <= count ? 'same' : `other${i}`)).join(separator);
  const blocks = (separator: string, length: number): string => {
    const text = `${'y'.repeat(20)}${separator}${'y'.repeat(20)}${separator}`;
    return text + 'x'.repeat(length - text.length);
  };

  test.each([
    // 3 and 4 of 10
    ['duplicate_paragraphs', 'max_duplicate_paragraph_ratio', copies(3, 10, '\n\n'), copies(4, 10, '\n\n')],
    ['duplicate_lines', 'max_duplicate_line_ratio', copies(3, 10, '\n'), copies(4, 10, '\n')],
    // 20 of 100 and of 99 characters
    [
      'duplicate_paragraph_characters',
      'max_duplicate_paragraph_character_ratio',
      blocks('\n\n', 100),
      blocks('\n\n', 99),
    ],
    ['duplicate_line_characters', 'max_duplicate_line_character_ratio', blocks('\n', 100), blocks('\n', 99)],
    // twice 5 of 50 and 49, twice 5 of 56 and 55, twice 7 of 88 and 87 characters
    ['top_2gram', 'max_top_2gram_character_ratio', twice('ab cd', 50), twice('ab cd', 49)],
    ['top_3gram', 'max_top_3gram_character_ratio', twice('a b c', 56), twice('a b c', 55)],
    ['top_4gram', 'max_top_4gram_character_ratio', twice('a b c d', 88), twice('a b c d', 87)],
    // n letters, the spaces not counted
    ...(
      [
        [5, 34],
        [6, 43],
        [7, 54],
        [8, 67],
        [9, 82],
        [10, 100],
      ] as const
    ).map(([n, length]) => [
      `duplicate_${n}grams`,
      `max_duplicate_${n}gram_character_ratio`,
      twice(letters(n), length),
      twice(letters(n), length - 1),
    ]),
  ])('%s', async (rule, variable, passes, fails) => {
    expect(await brokenAlone('gopher-repetition', variable, passes)).toEqual([]);
    expect(await brokenAlone('gopher-repetition', variable, fails)).toEqual([rule]);
  });
});

describe('c4', () => {
  const five = 'One two three. Four five six. Seven eight nine. Ten is here. Now the end.';

  test.each([
    ['lorem_ipsum', five, `${five}\nThis is Lorem Ipsum here.`],
    ['curly_bracket', `${five}\n{ javascript } is here.\nand { there`, `${five}\nThis is { here.`],
    ['too_few_sentences', five, five.slice(0, -14)],
    ['bad_words', `${five} Scunthorpe is a town.`, `${five} Sex is a word.`],
  ])('%s', async (rule, passes, fails) => {
    expect(await brokenRules('c4', passes)).toEqual([]);
    expect(await brokenRules('c4', fails)).toEqual([rule]);
  });

  test('of two that spoil a document the first line is the reason, as in the reference', async () => {
    expect(await brokenRules('c4', `${five}\nThis is { here.\nThis is lorem ipsum here.`)).toEqual([
      'curly_bracket',
    ]);
  });

  test('the paragraph rule of mC4', async () => {
    const paragraph = (length: number): string => `${five} ${'x'.repeat(length - five.length - 2)}.`;
    const text = (length: number): string => [200, 250, length].map(paragraph).join('\n');
    expect(await brokenRules('c4', text(199), { min_long_paragraphs: '3' })).toEqual([
      'too_few_long_paragraphs',
    ]);
    expect(await brokenRules('c4', text(200), { min_long_paragraphs: '3' })).toEqual([]);
  });
});

describe('fineweb', () => {
  /** Different words of four to seven letters. */
  const word = (i: number): string => {
    const part = (k: number): string => 'bcdfglmnprst'[k % 12] + 'aeiou'[k % 5];
    return part(i) + part(Math.floor(i / 60) + 7 * i) + part(3 * i + 1);
  };
  let next = 0;
  const sentence = (count: number): string =>
    `the ${Array.from({ length: count - 2 }, () => word(next++)).join(' ')} and`;
  const text = (parts: readonly (() => string)[]): string => {
    next = 0;
    return parts.map((part) => part()).join('\n');
  };
  const repeat = (times: number, part: () => string): (() => string)[] =>
    Array.from({ length: times }, () => part);
  const long = (): string => `${sentence(12)}.`;
  const open = (): string => sentence(12);
  const short = (): string => `the ${word(next++)} ${word(next++)} ${word(next++)}.`;

  test.each([
    // 3 of 25 and 2 of 25 lines
    [
      'too_few_punctuated_lines',
      text([...repeat(3, long), ...repeat(22, open)]),
      text([...repeat(2, long), ...repeat(23, open)]),
    ],
    // 12 of 18 and 12 of 17
    [
      'too_many_short_lines',
      text([...repeat(12, short), ...repeat(6, long)]),
      text([...repeat(12, short), ...repeat(5, long)]),
    ],
    // a line of 20 characters again, in more than 2,000 characters and in fewer
    [
      'repeated_lines',
      text([...repeat(40, long), () => 'the same line again.', () => 'the same line again.']),
      text([...repeat(10, long), () => 'the same line again.', () => 'the same line again.']),
    ],
  ])('%s', async (rule, passes, fails) => {
    expect(await brokenRules('fineweb', passes)).toEqual([]);
    expect(await brokenRules('fineweb', fails)).toEqual([rule]);
  });

  test('too_many_newlines', async () => {
    // 24 line feeds in 80 and 79 words: lines of three long words, some with a full stop, one with words more
    const thirteen = (i: number): string => `${word(i)}${word(i + 100)}x`;
    const line = (i: number): string => `the ${thirteen(2 * i)} ${thirteen(2 * i + 1)}`;
    const lines = Array.from({ length: 25 }, (_, i) => `${line(i)}${i % 8 === 0 ? '.' : ''}`);
    // 25 times 3 words, 4 full stops, and one more
    const [first, ...rest] = lines;
    expect(await brokenRules('fineweb', [`and ${first}`, ...rest].join('\n'))).toEqual([]);
    expect(await brokenRules('fineweb', [first.replace('the', 'and'), ...rest].join('\n'))).toEqual([
      'too_many_newlines',
    ]);
  });

  test('another language, and one that is not certain', async () => {
    const passes = text(repeat(12, long));
    expect(await brokenRules('fineweb', passes, {}, { language: 'de' })).toEqual(['other_language']);
    expect(await brokenRules('fineweb', passes, {}, { languageScore: 0.64 })).toEqual(['uncertain_language']);
    expect(await brokenRules('fineweb', passes, { languages: 'de,en' }, { language: 'de' })).toEqual([]);
  });

  test('what the corrections of lines take away, in refinedweb and dclm', async () => {
    // 100 words; 5 and 6 of them on lines of digits
    const numbers = (count: number): (() => string)[] =>
      Array.from({ length: count }, (_, i) => () => String(2000 + i));
    for (const policy of ['refinedweb', 'dclm']) {
      const passes = text([...repeat(7, long), () => sentence(11), ...numbers(5)]);
      const fails = text([...repeat(7, long), () => sentence(10), ...numbers(6)]);
      expect(await brokenRules(policy, passes)).toEqual([]);
      expect(await brokenRules(policy, fails)).toEqual(['too_many_words_removed']);
    }
  });
});

describe('every rule of every policy has the threshold that it names', async () => {
  const RULE = /drop_if\(\s*(\w+) ([<>]) getvariable\('(\w+)'\),\s*(\w+)\s*\) AS (\w+)/g;

  test.each(await policyNames())('%s', async (name) => {
    const policy = await loadPolicy(name);
    const rules = [...policy.select.matchAll(RULE)].map(([, signal, operator, variable, measured, rule]) => {
      expect(measured).toBe(signal);
      const { value } = policy.variables.find((each) => each.name === variable) as { value: string };
      return { signal, operator, threshold: Number(value), rule };
    });
    // A document in the middle of all bounds.
    const typical: Record<string, number> = {};
    for (const { signal } of rules) {
      const bounds = (operator: string): number[] =>
        rules
          .filter((each) => each.signal === signal && each.operator === operator)
          .map((each) => each.threshold);
      const low = Math.max(0, ...bounds('<'));
      const high = Math.min(low * 2 + 1, ...bounds('>'));
      typical[signal] =
        SIGNALS.find((each) => each.name === signal)?.type === 'BIGINT'
          ? Math.floor((low + high) / 2)
          : (low + high) / 2;
    }
    const rows = rules.flatMap(({ signal, operator, threshold }) => {
      const isCount = SIGNALS.find((each) => each.name === signal)?.type === 'BIGINT';
      const beyond = threshold + (operator === '<' ? -1 : 1) * (isCount ? 1 : 1e-9);
      return [
        { ...typical, [signal]: threshold },
        { ...typical, [signal]: beyond },
      ];
    });
    const reasons = await reasonsOf(policy, [typical, ...rows]);
    expect(reasons).toEqual([null, ...rules.flatMap(({ rule }) => [null, rule])]);
  });
});

/** First rule that each document of these signals breaks; others are 0, the language is certain English. */
async function reasonsOf(policy: Policy, rows: readonly Record<string, number>[]): Promise<unknown[]> {
  const { connection } = database;
  await createSignalsTable(connection, 'signals');
  await appendSignals(
    connection,
    'signals',
    rows.map((given, ordinal) => ({
      ordinal,
      url: null,
      language: 'en',
      languageScore: given['language_score'] ?? 1,
      signals: SIGNALS.map(({ name, type }) =>
        type === 'VARCHAR'
          ? ''
          : (given[name] ?? (name.endsWith('_sentence_count') ? 9 : name.includes('alphanumeric') ? 0.5 : 0)),
      ),
    })),
  );
  await applyPolicy(connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
  const result = await connection.runAndReadAll('SELECT reason FROM verdicts ORDER BY ordinal');
  return result.getRows().map(([reason]) => reason);
}

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
