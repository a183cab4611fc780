/** Signals of repetition as datatrove measures Gopher's. Equality of lines and words is that of 64-bit hashes. */
import { BlockTable } from '../scan/block-hashes.js';
import { KeyTable } from '../scan/key-table.js';
import { NgramFigures, REPEATED_NGRAMS, TOP_NGRAMS } from '../scan/ngram-figures.js';
import type { MeasuredLineTable } from '../scan/pieces.js';
import type { Scan } from '../scan/scan.js';
import type { WordSequence } from '../scan/word-sequence.js';
import {
  DATATROVE,
  ratio,
  type Signal,
  type SignalContext,
  type SignalFamily,
  type SignalValues,
} from './signal.js';
import { totalsOf } from './totals.js';

const keys = new KeyTable();
const ngrams = new NgramFigures();
const paragraphs = new BlockTable();

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
    ...TOP_NGRAMS.map((n): Signal => ({
      name: `top_${n}gram_character_ratio`,
      type: 'DOUBLE',
      unit: 'share of characters',
      doc: `characters of the most frequent word ${n}-gram (of equals, the one that occurs first) joined by single spaces, times its occurrences, of all characters of the text`,
      source: DATATROVE.gopherRepetition,
    })),
    {
      name: 'duplicate_paragraph_ratio',
      type: 'DOUBLE',
      unit: 'share of paragraphs',
      doc: 'paragraphs that repeat an earlier paragraph, of the pieces between runs of two or more line feeds in the text without white space at its ends',
      source: DATATROVE.gopherRepetition,
    },
    {
      name: 'duplicate_paragraph_character_ratio',
      type: 'DOUBLE',
      unit: 'share of characters',
      doc: 'characters in paragraphs that repeat an earlier paragraph, of all characters of the text',
      source: DATATROVE.gopherRepetition,
    },
    ...REPEATED_NGRAMS.map((n): Signal => ({
      name: `duplicate_${n}gram_character_ratio`,
      type: 'DOUBLE',
      unit: 'share of characters',
      doc: `characters, spaces not counted, of the word ${n}-grams that repeat an earlier one, of all characters of the text; read from the start, a repeated ${n}-gram is skipped whole, so that none overlap`,
      source: DATATROVE.gopherRepetition,
    })),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const { wordSequence: words } = scan;
    const { characters } = totalsOf(scan, language);
    const lines = duplicateLines(scan.lines);
    values.push(ratio(lines.duplicates, lines.blocks), ratio(lines.characters, characters));
    ngrams.measure(words, scan.pieces.numberCount, 'skipping');
    for (const n of TOP_NGRAMS) values.push(ratio(topNgramCharacters(words, n), characters));
    const copies = duplicateParagraphs(scan);
    values.push(ratio(copies.duplicates, copies.blocks), ratio(copies.characters, characters));
    for (const n of REPEATED_NGRAMS) values.push(ratio(ngrams.repeatedCharacters(n), characters));
  },
};

interface Duplicates {
  readonly blocks: number;
  readonly duplicates: number;
  readonly characters: number;
}

/** Python's `re.split('\n+', text)`: empty pieces only before a leading and behind a trailing run of line feeds. */
function duplicateLines(lines: MeasuredLineTable): Duplicates {
  keys.reset(lines.count);
  let blocks = 0;
  let duplicates = 0;
  let characters = 0;
  for (let line = 0; line < lines.count; line++) {
    if (lines.characters[line] === 0 && line !== 0 && line !== lines.count - 1) continue;
    blocks += 1;
    if (keys.add(lines.low[line], lines.high[line]) > 1) {
      duplicates += 1;
      characters += lines.characters[line];
    }
  }
  return { blocks, duplicates, characters };
}

/** Python's `re.split('\n{2,}', text.strip())`. An empty text is one empty paragraph. */
function duplicateParagraphs(scan: Scan): Duplicates {
  const { pieces, lines } = scan;
  const start = pieces.count === 0 ? scan.length : pieces.start[0];
  const end = pieces.count === 0 ? scan.length : pieces.end[pieces.count - 1];
  paragraphs.count = 0;
  let first = -1;
  for (let line = 0; line <= lines.count; line++) {
    const isInside = line < lines.count && lines.start[line] < end && lines.end[line] > start;
    const isOpen = isInside && lines.start[line] < lines.end[line];
    if (isOpen && first < 0) first = line;
    if (isOpen || first < 0) continue;
    paragraphs.addLines(scan, first, line - 1, start, end);
    first = -1;
  }
  keys.reset(paragraphs.count);
  let duplicates = 0;
  let characters = 0;
  for (let i = 0; i < paragraphs.count; i++) {
    if (keys.add(paragraphs.low[i], paragraphs.high[i]) < 2) continue;
    duplicates += 1;
    characters += paragraphs.characters[i];
  }
  return { blocks: Math.max(paragraphs.count, 1), duplicates, characters };
}

/**
 * Length in characters of the most frequent n-gram times its occurrences; 0 where there are fewer than n words. Of several
 * with as many occurrences Python's Counter names the one that came first.
 */
function topNgramCharacters(words: WordSequence, n: number): number {
  const top = ngrams.topCount(n);
  const position = ngrams.topPosition(n);
  return top === 0 ? 0 : (words.between(position, position + n) + n - 1) * top;
}
