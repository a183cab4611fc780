/** Signals of repetition: Gopher's duplicate lines and most frequent n-grams. Equality is that of 64-bit hashes. */
import { KeyTable } from '../scan/key-table.js';
import type { Scan } from '../scan/scan.js';
import type { WordTable } from '../scan/word-table.js';
import { DATATROVE, ratio, type SignalFamily, type SignalValues } from './signal.js';

const TOP_NGRAMS = [2, 3, 4] as const;

const keys = new KeyTable();

export const repetitionSignals: SignalFamily = {
  signals: [
    {
      name: 'duplicate_line_ratio',
      type: 'DOUBLE',
      unit: 'share of lines',
      doc: 'lines that repeat an earlier line, of the pieces between runs of line feeds (an empty piece before or behind them counts)',
      source: DATATROVE.gopherRepetition,
    },
    {
      name: 'duplicate_line_character_ratio',
      type: 'DOUBLE',
      unit: 'share of characters',
      doc: 'characters in lines that repeat an earlier line, of all characters of the text',
      source: DATATROVE.gopherRepetition,
    },
    ...TOP_NGRAMS.map(
      (n) =>
        ({
          name: `top_${n}gram_character_ratio`,
          type: 'DOUBLE',
          unit: 'share of characters',
          doc: `characters of the most frequent word ${n}-gram (of equals, the one that occurs first) joined by single spaces, times its occurrences, of all characters of the text`,
          source: DATATROVE.gopherRepetition,
        }) as const,
    ),
  ],
  measure(scan: Scan, values: SignalValues): void {
    const { pieces, duplicates, characters } = duplicateLines(scan);
    values.push(ratio(duplicates, pieces), ratio(characters, scan.characters));
    for (const n of TOP_NGRAMS) values.push(ratio(topNgramCharacters(scan.words, n), scan.characters));
  },
};

/** Python's `re.split('\n+', text)`: empty pieces only before a leading and behind a trailing run of line feeds. */
function duplicateLines({ lines }: Scan): { pieces: number; duplicates: number; characters: number } {
  keys.reset(lines.count);
  let pieces = 0;
  let duplicates = 0;
  let characters = 0;
  for (let line = 0; line < lines.count; line++) {
    if (lines.characters[line] === 0 && line !== 0 && line !== lines.count - 1) continue;
    pieces += 1;
    if (keys.add(lines.low[line], lines.high[line]) > 1) {
      duplicates += 1;
      characters += lines.characters[line];
    }
  }
  return { pieces, duplicates, characters };
}

/** Length in characters of the most frequent n-gram times its occurrences; 0 where there are fewer than n words. */
function topNgramCharacters(words: WordTable, n: number): number {
  const { count, low, high } = words;
  if (count < n) return 0;
  keys.reset(count);
  let top = 0;
  for (let i = 0; i + n <= count; i++) {
    const occurrences = keys.add(ngramHalf(low, i, n), ngramHalf(high, i, n));
    if (occurrences > top) top = occurrences;
  }
  // Of several n-grams with that many occurrences Python's Counter names the one that came first.
  const isTop = (i: number): boolean => keys.countOf(ngramHalf(low, i, n), ngramHalf(high, i, n)) === top;
  let first = 0;
  while (!isTop(first)) first += 1;
  let characters = n - 1;
  for (let i = first; i < first + n; i++) characters += words.characters[i];
  return characters * top;
}

/** One half of an n-gram's key, from that half of its words. Order matters. */
function ngramHalf(words: Uint32Array, start: number, n: number): number {
  let half = n;
  for (let i = start; i < start + n; i++)
    half = Math.imul(((half << 13) | (half >>> 19)) ^ words[i], 0x9e3779b1);
  return half;
}
