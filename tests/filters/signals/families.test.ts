/** Signals against plain implementations of their definitions, on generated texts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measureSignals, SIGNALS } from '../../../src/filters/signals/index.js';
import { scanText } from '../../../src/filters/scan/scan.js';

const names = new Map(SIGNALS.map(({ name }, index) => [name, index]));

function named(text: string): (name: string) => number {
  const values = measureSignals(text, { language: 'en' });
  return (name) => values[names.get(name) as number] as number;
}

const length = (text: string): number => Array.from(text).length;
const total = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + length(text), 0);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const ngramsOf = (words: readonly string[], n: number): string[] =>
  words.slice(0, Math.max(0, words.length - n + 1)).map((_, i) => words.slice(i, i + n).join(' '));
function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
function wordsOf(text: string): string[] {
  const { words } = scanText(text);
  return Array.from({ length: words.count }, (_, i) => text.slice(words.start[i], words.end[i]));
}
/** Characters of words that are covered by n-grams that occur more than once. */
function covered(words: readonly string[], n: number): number {
  const grams = ngramsOf(words, n);
  const counts = countsOf(grams);
  const marked = new Set<number>();
  grams.forEach((gram, i) => {
    if ((counts.get(gram) ?? 0) > 1) for (let k = i; k < i + n; k++) marked.add(k);
  });
  return total([...marked].map((index) => words[index]));
}

const texts = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'Cc',
      'the',
      'x.',
      'y!',
      '...',
      '\n',
      '\n\n',
      '\n \n',
      ' ',
      'ä',
      '👍',
      '日',
      '#',
      '-',
      '• z',
      '12',
      'Read more...',
      '[1]',
      '3 likes',
      'SHOUT',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(' ').replaceAll(/ (\n+) /g, '$1'));

/** Texts whose signals are not what is expected, of 200 generated ones. */
function deviations(
  seed: number,
  signals: readonly string[],
  expected: (text: string) => readonly number[],
): string[] {
  return fc.sample(texts, { seed, numRuns: 200 }).flatMap((text) => {
    const measured = named(text);
    const wanted = expected(text);
    return signals.flatMap((name, index) =>
      Math.abs(measured(name) - wanted[index]) < 1e-12
        ? []
        : [`${name} of ${JSON.stringify(text)} is ${measured(name)}, not ${wanted[index]}`],
    );
  });
}

describe('datatrove: what repeats an earlier one', () => {
  test('paragraphs', () => {
    expect(
      deviations(11, ['duplicate_paragraph_ratio', 'duplicate_paragraph_character_ratio'], (text) => {
        const paragraphs = text.trim().split(/\n{2,}/);
        const repeated = paragraphs.filter((paragraph, i) => paragraphs.indexOf(paragraph) < i);
        return [repeated.length / paragraphs.length, ratio(total(repeated), length(text))];
      }),
    ).toEqual([]);
  });

  test('n-grams, read from the start without overlap', () => {
    const sizes = [5, 6, 7, 8, 9, 10];
    expect(
      deviations(
        12,
        sizes.map((n) => `duplicate_${n}gram_character_ratio`),
        (text) => {
          const words = wordsOf(text);
          return sizes.map((n) => {
            const seen = new Set<string>();
            let characters = 0;
            for (let i = 0; i + n <= words.length;) {
              const gram = words.slice(i, i + n);
              if (seen.has(gram.join(' '))) {
                characters += total(gram);
                i += n;
              } else {
                seen.add(gram.join(' '));
                i += 1;
              }
            }
            return ratio(characters, length(text));
          });
        },
      ),
    ).toEqual([]);
  });
});

describe('DCLM: every copy', () => {
  test('lines and paragraphs', () => {
    const blocks = (parts: readonly string[]): number[] => {
      const filled = parts.map((part) => part.trim()).filter((part) => part !== '');
      const counts = countsOf(filled);
      const copies = filled.filter((part) => (counts.get(part) ?? 0) > 1);
      return [ratio(copies.length, filled.length), ratio(total(copies), total(filled))];
    };
    expect(
      deviations(
        13,
        [
          'dclm_repeated_line_ratio',
          'dclm_repeated_line_character_ratio',
          'dclm_repeated_paragraph_ratio',
          'dclm_repeated_paragraph_character_ratio',
        ],
        (text) => [...blocks(text.split('\n')), ...blocks(text.split('\n\n'))],
      ),
    ).toEqual([]);
  });

  test('n-grams of words by the boundaries of Unicode', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
    const tops = [2, 3, 4];
    const repeats = [5, 6, 7, 8, 9, 10];
    expect(
      deviations(
        14,
        [
          ...tops.map((n) => `dclm_top_${n}gram_character_ratio`),
          ...repeats.map((n) => `dclm_repeated_${n}gram_character_ratio`),
        ],
        (text) => {
          const words = [...segmenter.segment(text)]
            .map(({ segment }) => segment)
            .flatMap((segment) => (/\p{Script=Han}/u.test(segment) ? Array.from(segment) : [segment]))
            .filter((segment) => /^[\p{L}\p{N}]/u.test(segment));
          return [
            ...tops.map((n) => {
              const counts = countsOf(ngramsOf(words, n));
              const top = Math.max(0, ...counts.values());
              if (top < 2) return 0;
              const longest = Math.max(
                ...[...counts].filter(([, count]) => count === top).map(([gram]) => length(gram) - (n - 1)),
              );
              return ratio(longest * top, total(words));
            }),
            ...repeats.map((n) => ratio(covered(words, n), total(words))),
          ];
        },
      ),
    ).toEqual([]);
  });

  test('words between white space', () => {
    expect(
      deviations(
        15,
        [
          'dclm_word_count',
          'dclm_mean_word_length',
          'dclm_symbol_word_ratio',
          'dclm_non_alphabetic_word_ratio',
          'dclm_stop_word_count',
        ],
        (text) => {
          const pieces = text.split(/\s+/u).filter((piece) => piece !== '');
          const symbols = ['#', '...', '. . .', '…'].reduce(
            (sum, symbol) => sum + text.split(symbol).length - 1,
            0,
          );
          return [
            pieces.filter((piece) => /^[\p{L}\p{N}]/u.test(piece)).length,
            ratio(total(pieces), pieces.length),
            ratio(symbols, pieces.length),
            ratio(pieces.filter((piece) => !/\p{L}/u.test(piece)).length, pieces.length),
            pieces.filter((piece) => piece.toLowerCase() === 'the').length,
          ];
        },
      ),
    ).toEqual([]);
  });
});

describe('RedPajama', () => {
  const normal = (text: string): string[] =>
    text
      .replaceAll(/[!-/:-@[-`{-~]/g, '')
      .toLowerCase()
      .split(/\s+/u)
      .filter((word) => word !== '')
      .map((word) => word.normalize('NFD'));

  test('normal words', () => {
    const repeats = [5, 6, 7, 8, 9, 10];
    expect(
      deviations(
        16,
        [
          'rps_doc_word_count',
          'rps_doc_mean_word_length',
          'rps_doc_frac_unique_words',
          'rps_doc_unigram_entropy',
          'rps_doc_frac_chars_top_2gram',
          ...repeats.map((n) => `rps_doc_frac_chars_dupe_${n}grams`),
        ],
        (text) => {
          const words = normal(text);
          const counts = countsOf(words);
          const pairs = [...countsOf(ngramsOf(words, 2))].sort((a, b) => b[1] - a[1]);
          const [gram, count] = pairs[0] ?? ['', 0];
          return [
            words.length,
            ratio(total(words), words.length),
            ratio(counts.size, words.length),
            [...counts.values()].reduce(
              (sum, each) => sum - (each / words.length) * Math.log(each / words.length),
              0,
            ),
            count < 2 ? 0 : ratio((length(gram) - 1) * count, total(words)),
            ...repeats.map((n) => ratio(covered(words, n), total(words))),
          ];
        },
      ),
    ).toEqual([]);
  });

  test('raw words and sentences', () => {
    expect(
      deviations(
        17,
        [
          'rps_doc_symbol_to_word_ratio',
          'rps_doc_frac_no_alph_words',
          'rps_doc_frac_all_caps_words',
          'rps_doc_num_sentences',
        ],
        (text) => {
          const words = text.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+/gu) ?? [];
          const symbols = ['#', '...', '…'].reduce((sum, symbol) => sum + text.split(symbol).length - 1, 0);
          return [
            ratio(symbols, words.length),
            words.length === 0 ? 0 : 1 - words.filter((word) => /[a-z]/i.test(word)).length / words.length,
            ratio(words.filter((word) => /\p{Lu}/u.test(word) && !/\p{Ll}/u.test(word)).length, words.length),
            // `\b` of Python knows all letters
            (
              text.match(
                /(?:(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_])|(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_]))[^.!?]+[.!?]*/gu,
              ) ?? []
            ).length,
          ];
        },
      ),
    ).toEqual([]);
  });
});

describe('shares of characters and shape', () => {
  test('by kind, and lengths', () => {
    expect(
      deviations(
        18,
        [
          'non_alphanumeric_character_ratio',
          'whitespace_character_ratio',
          'alphanumeric_character_ratio',
          'special_character_ratio',
          'upper_case_character_ratio',
          'longest_line',
          'longest_word',
          'median_word_length',
          'byte_count',
        ],
        (text) => {
          const characters = Array.from(text);
          const share = (pattern: RegExp): number =>
            ratio(characters.filter((character) => pattern.test(character)).length, characters.length);
          const pieces = text
            .split(/\s+/u)
            .filter((piece) => piece !== '')
            .map(length)
            .sort((a, b) => a - b);
          const half = pieces.length / 2;
          return [
            share(/[^a-zA-Z0-9\n?!,.]/u),
            share(/[\t\n\r ]/u),
            share(/[\p{L}\p{N}]/u),
            share(/[^\p{L}\p{M}]/u),
            share(/\p{Lu}/u),
            Math.max(...text.split('\n').map(length)),
            Math.max(0, ...pieces),
            pieces.length === 0 ? 0 : (pieces[Math.floor(half - 0.5)] + pieces[Math.floor(half)]) / 2,
            Buffer.byteLength(text),
          ];
        },
      ),
    ).toEqual([]);
  });

  test('compression: as LZ4 blocks of hand-worked size', () => {
    const ratioOf = (text: string): number => named(text)('compression_ratio');
    // too short for a match: a token, then the three literals
    expect(ratioOf('abc')).toBeCloseTo(4 / 3, 12);
    // one literal; match of 99: token, offset, one byte more of length; then a token without literals
    expect(ratioOf('a'.repeat(100))).toBeCloseTo((1 + 1 + 2 + 1 + 1) / 100, 12);
    expect(ratioOf('')).toBe(0);
  });
});
