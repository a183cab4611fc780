/**
 * Gopher's signals as DCLM measures them, and RefinedWeb's corrections of lines. Where the reference repeats a unit it
 * counts every copy; words are pieces between white space, in repetition words by Unicode's boundaries.
 */
import { refinedWebLines } from '../lines/refinedweb-lines.js';
import { BlockTable } from '../scan/block-hashes.js';
import { KeyTable } from '../scan/key-table.js';
import { NgramFigures, REPEATED_NGRAMS, TOP_NGRAMS } from '../scan/ngram-figures.js';
import { IS_FULL_STOP } from '../scan/piece-facts.js';
import type { Scan } from '../scan/scan.js';
import { STOP_WORDS } from '../scan/stop-words.js';
import { DCLM, ratio, signal, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';
import { totalsOf } from './totals.js';

const FULL_STOP = 0x2e;
const ELLIPSIS = 0x2026;
const bulletMarks = new Uint8Array(0x1_0000);
for (const bullet of '●•*-') bulletMarks[bullet.charCodeAt(0)] = 1;

const LINES = 'lines between line feeds, white space around them off and blank ones left out';
const PARAGRAPHS = 'paragraphs between two line feeds, white space around them off and blank ones left out';

const keys = new KeyTable();
const blocks = new BlockTable();
const ngrams = new NgramFigures();

export const dclmSignals: SignalFamily = {
  signals: [
    signal(
      'dclm_word_count',
      'BIGINT',
      'words',
      'pieces between white space that begin with a letter or number',
      DCLM.quality,
    ),
    signal(
      'dclm_mean_word_length',
      'DOUBLE',
      'characters',
      'mean length of the pieces between white space',
      DCLM.quality,
    ),
    signal(
      'dclm_symbol_word_ratio',
      'DOUBLE',
      'per word',
      '`#`, `...`, `. . .` and `…` per piece between white space',
      DCLM.quality,
    ),
    signal(
      'dclm_bullet_line_ratio',
      'DOUBLE',
      'share of lines',
      `lines that begin with \`●\`, \`•\`, \`*\` or \`-\`, of ${LINES}`,
      DCLM.quality,
    ),
    signal(
      'dclm_ellipsis_line_ratio',
      'DOUBLE',
      'share of lines',
      `lines that end with \`...\`, \`. . .\` or \`…\`, of ${LINES}`,
      DCLM.quality,
    ),
    signal(
      'dclm_non_alphabetic_word_ratio',
      'DOUBLE',
      'share of words',
      'pieces between white space without a letter',
      DCLM.quality,
    ),
    signal(
      'dclm_stop_word_count',
      'BIGINT',
      'words',
      `pieces that are one of ${STOP_WORDS.join(', ')} in any case, every occurrence counted`,
      DCLM.quality,
    ),
    signal(
      'dclm_repeated_line_ratio',
      'DOUBLE',
      'share of lines',
      `lines that occur more than once, every copy counted, of ${LINES}; 0 where there is one line`,
      DCLM.quality,
    ),
    signal(
      'dclm_repeated_line_character_ratio',
      'DOUBLE',
      'share of characters',
      `characters in such lines, of ${LINES}`,
      DCLM.quality,
    ),
    signal(
      'dclm_repeated_paragraph_ratio',
      'DOUBLE',
      'share of paragraphs',
      `paragraphs that occur more than once, every copy counted, of ${PARAGRAPHS}; 0 where there is one`,
      DCLM.quality,
    ),
    signal(
      'dclm_repeated_paragraph_character_ratio',
      'DOUBLE',
      'share of characters',
      `characters in such paragraphs, of ${PARAGRAPHS}`,
      DCLM.quality,
    ),
    ...TOP_NGRAMS.map((n) =>
      signal(
        `dclm_top_${n}gram_character_ratio`,
        'DOUBLE',
        'share of characters',
        `characters of the most frequent ${n}-gram (of equals, the longest) times its occurrences, of those of the words by Unicode's boundaries that begin with a letter or number; 0 where none repeats`,
        DCLM.quality,
      ),
    ),
    ...REPEATED_NGRAMS.map((n) =>
      signal(
        `dclm_repeated_${n}gram_character_ratio`,
        'DOUBLE',
        'share of characters',
        `characters of the words that are part of a ${n}-gram that occurs more than once, each word once, of those of the words by Unicode's boundaries that begin with a letter or number`,
        DCLM.quality,
      ),
    ),
    signal(
      'refinedweb_removed_word_ratio',
      'DOUBLE',
      'share of words',
      "words (pieces that begin with a letter or number) that RefinedWeb's corrections of lines take away",
      DCLM.lines,
    ),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    measureQuality(scan, values, language);
    measureBlocks(scan, values);
    measureNgrams(scan, values);
    const { words, wordsLeft } = refinedWebLines(scan);
    values.push(ratio(words - wordsLeft, words));
  },
};

function measureQuality(scan: Scan, values: SignalValues, language: string): void {
  const totals = totalsOf(scan, language);
  const { count } = scan.pieces;
  let symbols = totals.hashes + totals.ellipses;
  if ((totals.flags & IS_FULL_STOP) !== 0) symbols += countSpacedEllipses(scan.text);
  const { bullets, ellipses, filled } = countLines(scan);
  values.push(
    totals.beginningWords,
    ratio(totals.pieceCharacters, count),
    ratio(symbols, count),
    ratio(bullets, filled),
    ratio(ellipses, filled),
    ratio(totals.piecesWithoutLetter, count),
    totals.wholeStopWords,
  );
}

/** Without overlap, as `str.count` has it. */
function countSpacedEllipses(text: string): number {
  let found = 0;
  for (let at = text.indexOf('. . .'); at >= 0; at = text.indexOf('. . .', at + 5)) found += 1;
  return found;
}

function countLines({ units, lines, pieces }: Scan): { bullets: number; ellipses: number; filled: number } {
  let bullets = 0;
  let ellipses = 0;
  let filled = 0;
  let first = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    if (last > first) {
      const start = pieces.start[first];
      filled += 1;
      if (bulletMarks[units[start]] === 1) bullets += 1;
      if (endsWithEllipsis(units, start, pieces.end[last - 1])) ellipses += 1;
    }
    first = last;
  }
  return { bullets, ellipses, filled };
}

function endsWithEllipsis(units: Uint16Array, start: number, end: number): boolean {
  if (units[end - 1] === ELLIPSIS) return true;
  const isStop = (back: number): boolean => end - back >= start && units[end - back] === FULL_STOP;
  if (!isStop(1)) return false;
  if (isStop(2) && isStop(3)) return true;
  return isStop(3) && isStop(5) && units[end - 2] === 0x20 && units[end - 4] === 0x20;
}

/** Lines, then paragraphs: the share of those that have a copy, by number and by characters. */
function measureBlocks(scan: Scan, values: SignalValues): void {
  const { lines, pieces } = scan;
  blocks.count = 0;
  const add = (first: number, last: number): void => {
    const firstPiece = first === 0 ? 0 : lines.pieceEnd[first - 1];
    const lastPiece = lines.pieceEnd[last] - 1;
    if (lastPiece < firstPiece) return;
    const start = pieces.start[firstPiece];
    const end = pieces.end[lastPiece];
    let from = first;
    while (lines.end[from] <= start) from += 1;
    let to = last;
    while (lines.start[to] >= end) to -= 1;
    blocks.addLines(scan, from, to, start, end);
  };
  for (let line = 0; line < lines.count; line++) add(line, line);
  reportCopies(values);
  blocks.count = 0;
  let open = -1;
  for (let line = 0; line <= lines.count; line++) {
    const isFilled = line < lines.count && lines.start[line] < lines.end[line];
    if (isFilled && open < 0) open = line;
    if (isFilled || open < 0) continue;
    add(open, line - 1);
    open = -1;
  }
  reportCopies(values);
}

function reportCopies(values: SignalValues): void {
  keys.reset(blocks.count);
  for (let i = 0; i < blocks.count; i++) keys.add(blocks.low[i], blocks.high[i]);
  let copies = 0;
  let copied = 0;
  let all = 0;
  for (let i = 0; i < blocks.count; i++) {
    all += blocks.characters[i];
    if (keys.countOf(blocks.low[i], blocks.high[i]) < 2) continue;
    copies += 1;
    copied += blocks.characters[i];
  }
  values.push(ratio(copies, blocks.count), ratio(copied, all));
}

function measureNgrams(scan: Scan, values: SignalValues): void {
  const { unicodeWords: words } = scan;
  ngrams.measure(words, scan.pieces.numberCount, 'covering');
  const all = words.between(0, words.count);
  for (const n of TOP_NGRAMS) values.push(ratio(ngrams.longestTopCharacters(n) * ngrams.topCount(n), all));
  for (const n of REPEATED_NGRAMS) values.push(ratio(ngrams.repeatedCharacters(n), all));
}
