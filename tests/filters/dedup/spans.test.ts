import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NgramDeduplicator } from '../../../src/filters/dedup/ngrams.js';
import { segmentsOf, type SegmentUnit } from '../../../src/filters/dedup/segments.js';
import { dedupSpans, type SpanOptions } from '../../../src/filters/dedup/spans.js';

describe('segments', () => {
  const cut = (text: string, unit: SegmentUnit): string[] =>
    segmentsOf(text, unit).map(({ start, end }) => text.slice(start, end));

  test.each<[SegmentUnit, string, string[]]>([
    ['line', 'a\n\nb\n  \nc', ['a\n\n', 'b\n  \n', 'c']],
    ['line', '\n\na\n', ['\n\na\n']],
    ['line', '', []],
    ['line', ' \n', []],
    ['paragraph', '\n a\nb\n\nc\n \n\nd', ['\n a\nb\n\n', 'c\n \n\n', 'd']],
    [
      'sentence',
      'One 3.14 two. Three? "Yes!" he said... end',
      ['One 3.14 two. ', 'Three? ', '"Yes!" ', 'he said... ', 'end'],
    ],
    ['sentence', '一二。「三！」四\n五', ['一二。', '「三！」', '四\n', '五']],
    ['sentence', 'no end', ['no end']],
  ])('%s: %j', (unit, text, expected) => {
    expect(cut(text, unit)).toEqual(expected);
  });

  test('together are the text, and none is blank', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '.', '!', ' ', '\n', '。', '"', '\t'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, fc.constantFrom<SegmentUnit>('line', 'paragraph', 'sentence'), (one, unit) => {
        const pieces = cut(one, unit);
        expect(pieces.join('')).toBe(one.trim() === '' ? '' : one);
        expect(pieces.every((piece) => piece.trim() !== '')).toBe(true);
      }),
    );
  });
});

const OPTIONS: SpanOptions = { unit: 'line', span: 1, mode: 'keep-first', normalize: false, memory: 1 };

async function spans(texts: readonly string[], options: Partial<SpanOptions>): Promise<string[]> {
  const left: string[] = [];
  const read = (): { text: string }[] => texts.map((text) => ({ text }));
  for await (const { text } of dedupSpans(read, { ...OPTIONS, ...options })) left.push(text);
  return left;
}

describe('lines', () => {
  const texts = ['menu\nfirst story\nmenu\nfooter', 'menu\nsecond story\nfooter', 'third story'];

  test('keep-first leaves the first of each', async () => {
    expect(await spans(texts, {})).toEqual(['menu\nfirst story\nfooter', 'second story', 'third story']);
  });

  test('drop-all leaves what occurs once', async () => {
    expect(await spans(texts, { mode: 'drop-all' })).toEqual(['first story', 'second story', 'third story']);
  });

  test('a text of nothing else is empty; one of nothing repeated is unchanged to the byte', async () => {
    expect(await spans(['a\n b \n\n c', 'a', 'c\n'], {})).toEqual(['a\n b \n\n c', '', '']);
  });

  test('normalised, case, digits, punctuation and accents do not count', async () => {
    const pair = ['Posted on 3 May, 10:15!', 'posted on 7 máy 22:40'];
    expect(await spans(pair, { normalize: true })).toEqual([pair[0], '']);
    expect(await spans(pair, {})).toEqual(pair);
  });

  test('both ways are what counting by hand gives', async () => {
    const corpus = fc.array(
      fc
        .array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { maxLength: 6 })
        .map((lines) => lines.join('\n')),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(corpus, async (documents) => {
        const lines = documents.map((text) => text.split('\n').filter((line) => line !== ''));
        const counts = new Map<string, number>();
        for (const line of lines.flat()) counts.set(line, (counts.get(line) ?? 0) + 1);
        expect(await spans(documents, { mode: 'drop-all' })).toEqual(
          lines.map((list) => list.filter((line) => counts.get(line) === 1).join('\n')),
        );
        const seen = new Set<string>();
        expect(await spans(documents, {})).toEqual(
          lines.map((list) => list.filter((line) => !seen.has(line) && seen.add(line)).join('\n')),
        );
      }),
      { numRuns: 25 },
    );
  });
});

describe('spans of three sentences', () => {
  const c4 = { unit: 'sentence', span: 3 } as const;

  test('three in a row that occurred before go; two do not', async () => {
    const first = 'A one. B two. C three. D four.';
    expect(await spans([first, 'X new. B two. C three. D four. Y end.'], c4)).toEqual([
      first,
      'X new. Y end.',
    ]);
    expect(await spans([first, 'B two. C three. Y end.'], c4)).toEqual([first, 'B two. C three. Y end.']);
  });

  test('a document of fewer sentences has no span', async () => {
    expect(await spans(['A. B.', 'A. B.'], c4)).toEqual(['A. B.', 'A. B.']);
  });
});

describe('n-grams in a Bloom filter', () => {
  const words = (from: number, count: number): string =>
    Array.from({ length: count }, (_, i) => `w${from + i}`).join(' ');
  const options = { size: 13, threshold: 0.8, expected: 10_000, rate: 0.001, memory: 1e6 };

  test('a paragraph with most of its 13-grams seen goes, one with fewer stays', () => {
    const deduplicator = new NgramDeduplicator(options);
    expect(deduplicator.next(words(0, 100))).toEqual({
      text: words(0, 100),
      paragraphs: 1,
      removed: 0,
      seen: 0,
    });
    // 88 of 108 13-grams: 0.815; and 88 of 113: 0.779
    const copy = `${words(0, 100)} ${words(1000, 20)}`;
    const other = `${words(0, 100)} ${words(2000, 25)}`;
    const own = words(3000, 200);
    expect(deduplicator.next(`${copy}\n${own}`)).toMatchObject({ text: own, paragraphs: 2, removed: 1 });
    expect(deduplicator.next(other)).toMatchObject({ text: other, removed: 0 });
  });

  test('a document that is a copy as a whole goes with its short paragraphs', () => {
    const deduplicator = new NgramDeduplicator(options);
    const text = `${words(0, 50)}\nshort line\n${words(100, 50)}`;
    expect(deduplicator.next(text).removed).toBe(0);
    expect(deduplicator.next(`New title here\n${text}`)).toEqual({
      text: '',
      paragraphs: 4,
      removed: 4,
      seen: 1,
    });
  });

  test('paragraphs of fewer words than an n-gram are never copies', () => {
    const deduplicator = new NgramDeduplicator(options);
    expect(deduplicator.next(words(0, 12)).text).toBe(words(0, 12));
    expect(deduplicator.next(words(0, 12))).toEqual({
      text: words(0, 12),
      paragraphs: 1,
      removed: 0,
      seen: 0,
    });
    expect(deduplicator.next('')).toEqual({ text: '', paragraphs: 0, removed: 0, seen: 0 });
  });
});
