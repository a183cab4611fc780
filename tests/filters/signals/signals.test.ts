import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signatureOf } from '../../../src/filters/minhash/signature.js';
import { scanText } from '../../../src/filters/scan/scan.js';
import { measureSignals, SIGNALS, type SignalValue } from '../../../src/filters/signals/index.js';

function signal(name: string, text: string): SignalValue {
  return measureSignals(text)[SIGNALS.findIndex((candidate) => candidate.name === name)];
}

function wordsOf(text: string): string[] {
  const { words } = scanText(text);
  return Array.from({ length: words.count }, (_, i) => text.slice(words.start[i], words.end[i]));
}

describe('descriptions', () => {
  test('names are unique SQL columns, and everything is described', () => {
    expect(new Set(SIGNALS.map(({ name }) => name)).size).toBe(SIGNALS.length);
    for (const { name, unit, doc, source } of SIGNALS) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      for (const text of [unit, doc, source]) expect(text.length).toBeGreaterThan(3);
    }
  });

  test('values fit their types and none is missing', () => {
    for (const text of ['', '\n', 'word', 'A sentence, with 2 numbers: 3.5 and 4.\n\n- item...\n']) {
      const values = measureSignals(text);
      expect(values).toHaveLength(SIGNALS.length);
      const misfits = SIGNALS.filter(
        ({ type }, index) =>
          !(type === 'BIGINT'
            ? Number.isSafeInteger(values[index])
            : type === 'VARCHAR'
              ? typeof values[index] === 'string'
              : Number.isFinite(values[index])),
      );
      expect(misfits).toEqual([]);
    }
  });
});

describe('by hand', () => {
  test.each([
    // code points, not UTF-16 units: the emoji is one
    ['character_count', 'ab \u{1f600}', 4],
    // 1 2 3 and the Arabic-Indic digit four, of eight; the fraction and the superscript are no decimal digits
    ['digit_character_ratio', '123\u0664ab½²', 4 / 8],
    // the full stop and the comma are no words, € is no punctuation of the set
    ['word_count', 'One, two €.', 3],
    // lengths 3, 3 and 6
    ['mean_word_length', 'one two, threes.', 4],
    // two signs over the words c # is nice #
    ['hash_word_ratio', 'c# is nice #', 2 / 5],
    // seven full stops hold two ellipses, the character is one more; words: a ....... b …
    ['ellipsis_word_ratio', 'a ....... b …', 3 / 4],
    // of the words abc 1a 22 . ! the first two
    ['alphabetic_word_ratio', 'abc 1a 22.!', 2 / 5],
    // the, of; The and THE are other words, and the repeated one counts once
    ['stop_word_count', 'the The THE of of', 2],
    // the carriage return and line feed are one break, nothing comes behind the last
    ['line_count', 'a\r\nb\n\nc\n', 4],
    ['line_count', '', 0],
    // bullet, hyphen behind white space; not the asterisk
    ['bullet_line_ratio', '• a\n  - b\n* c\nd', 2 / 4],
    // two dots are too few; white space behind does not count
    ['ellipsis_line_ratio', 'a...  \nb…\nc..\nd', 2 / 4],
    // Arabic question mark and devanagari danda end sentences; a space behind the full stop hides it
    ['punctuation_end_line_ratio', 'a.\nb؟\nक।\nd\ne. \n\n', 3 / 5],
    // pieces: x y x x and the empty one behind the last line feed
    ['duplicate_line_ratio', 'x\ny\n\nx\nx\n', 2 / 5],
    // the repeated lines xx have two characters each, of twelve
    ['duplicate_line_character_ratio', 'xx\ny\n\nxx\nxx\n', 4 / 12],
    // `a b` twice with length 3, of nine characters
    ['top_2gram_character_ratio', 'a b a b c', 6 / 9],
    // all occur once: the first one counts
    ['top_3gram_character_ratio', 'aa b c d', 6 / 8],
    ['top_4gram_character_ratio', 'a b c', 0],
  ])('%s of %j', (name, text, expected) => {
    expect(signal(name, text)).toBeCloseTo(expected, 12);
  });
});

describe('against a plain implementation', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'cc', '.', '...', '\n', '\n\n', ' ', 'ä', '👍', '日', '#', '-', '•'), {
      maxLength: 60,
    })
    .map((parts) => parts.join(' ').replaceAll(' \n ', '\n'));

  test('most frequent n-grams', () => {
    fc.assert(
      fc.property(text, (sample) => {
        const words = wordsOf(sample);
        for (const n of [2, 3, 4]) {
          const counts = new Map<string, number>();
          for (let i = 0; i + n <= words.length; i++) {
            const ngram = words.slice(i, i + n).join(' ');
            counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
          }
          const top = [...counts].sort((a, b) => b[1] - a[1])[0] as [string, number] | undefined;
          const expected =
            top === undefined ? 0 : (Array.from(top[0]).length * top[1]) / Array.from(sample).length;
          expect(signal(`top_${n}gram_character_ratio`, sample)).toBeCloseTo(expected, 12);
        }
      }),
      { seed: 1 },
    );
  });

  test('repeated lines', () => {
    fc.assert(
      fc.property(text, (sample) => {
        const pieces = sample.split(/\n+/);
        const repeated = pieces.filter((piece, index) => pieces.indexOf(piece) < index);
        expect(signal('duplicate_line_ratio', sample)).toBeCloseTo(repeated.length / pieces.length, 12);
        const characters = Array.from(repeated.join('')).length;
        expect(signal('duplicate_line_character_ratio', sample)).toBeCloseTo(
          sample === '' ? 0 : characters / Array.from(sample).length,
          12,
        );
      }),
      { seed: 2 },
    );
  });

  test('any string at all has the same finite values twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (sample) => {
        const values = measureSignals(sample);
        measureSignals('something else in between');
        expect(measureSignals(sample)).toEqual(values);
        for (const value of values) expect(typeof value === 'string' || Number.isFinite(value)).toBe(true);
      }),
      { seed: 3 },
    );
  });
});

// Work that grew faster than the text would not end here.
describe('hostile texts', () => {
  const MILLION = 1_000_000;
  const PART = 200_000;

  test.each([
    ['one letter', 'a'.repeat(MILLION), 1],
    ['combining marks', '\u0301'.repeat(MILLION), 1],
    ['zero bytes', '\0'.repeat(MILLION), 0],
    ['a million lines', 'a\n'.repeat(MILLION), MILLION],
    [
      'half a million different words',
      Array.from({ length: MILLION / 2 }, (_, i) => `w${i.toString(36)}`).join(' '),
      MILLION / 2,
    ],
    ['one full stop', '.'.repeat(PART), 0],
    ['line feeds', '\n'.repeat(PART), 0],
    // only the last apostrophe has a contraction behind it
    ['apostrophes', "n't".repeat(PART), 2],
    ['addresses without a space', 'a://,'.repeat(PART), 1],
    ['hyphens and letters', 'a-'.repeat(PART), PART],
    ['ideographs', '日'.repeat(PART), PART],
    ['lone surrogates', '\ud800'.repeat(PART), PART],
    ['pairs of another plane', '\u{20000}'.repeat(PART), PART],
    ['at signs and brackets', '@[1]{'.repeat(PART), PART],
  ])('%s', (_, text, words) => {
    expect(signal('word_count', text)).toBe(words);
  });

  test('the same word a million times is its own most frequent n-gram', () => {
    const count = MILLION / 4;
    expect(signal('top_2gram_character_ratio', 'a '.repeat(count))).toBeCloseTo(
      (3 * (count - 1)) / (2 * count),
      12,
    );
  });

  test('a huge text leaves nothing behind that changes the next one', () => {
    const small = 'One line, and one more.\nOne line, and one more.';
    const values = measureSignals(small);
    expect(signal('word_count', 'ab '.repeat(700_000))).toBe(700_000);
    expect(measureSignals(small)).toEqual(values);
    expect(signatureOf(small)).toEqual(signatureOf(`${small} `));
  });
});
