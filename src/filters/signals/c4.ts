/** Signals of C4's rules, and of FineWeb's, which datatrove applies to what C4 leaves of the text. */
import { c4Lines, stays, type C4Lines } from '../lines/c4-lines.js';
import { SENTENCE_END } from '../scan/character-classes.js';
import { KeyTable } from '../scan/key-table.js';
import { hashRange, hashUnits, range } from '../scan/line-hashes.js';
import type { MeasuredLineTable } from '../scan/pieces.js';
import type { Scan } from '../scan/scan.js';
import { lastClasses } from './lines.js';
import {
  DATATROVE,
  ratio,
  signal,
  type Signal,
  type SignalContext,
  type SignalFamily,
  type SignalValues,
} from './signal.js';
import { totalsOf } from './totals.js';

/** A line of at most this many characters is short. */
const SHORT_LINE = 30;
/** A line of at least this many characters is a paragraph. */
const LONG_PARAGRAPH = 200;

const keys = new KeyTable();

const spoilers = (prefix: string, lines: string): Signal[] => [
  signal(
    `${prefix}_lorem_ipsum_line`,
    'BIGINT',
    'line number',
    `first line, from 1, that contains \`lorem ipsum\` in any case, of ${lines}; 0 where none does`,
    DATATROVE.c4,
  ),
  signal(
    `${prefix}_curly_bracket_line`,
    'BIGINT',
    'line number',
    `first line, from 1, that contains \`{\`, of ${lines} and do not contain \`javascript\`; 0 where none does`,
    DATATROVE.c4,
  ),
  signal(
    `${prefix}_sentence_count`,
    'BIGINT',
    'sentences',
    `sentences of ${lines} and contain neither \`javascript\` nor a phrase about cookies and terms; citations are taken out, and a sentence ends where a word follows a mark that ends one`,
    DATATROVE.c4,
  ),
];

const C4_LINES =
  'the lines with three pieces or more, none over 1,000 characters, that end with one of `. ? ! " \'` and not with `...`';
const FINEWEB_LINES = 'the lines with three pieces or more, none over 1,000 characters';

export const c4Signals: SignalFamily = {
  signals: [
    ...spoilers('c4', C4_LINES),
    signal(
      'c4_removed_character_ratio',
      'DOUBLE',
      'share of characters',
      "characters that C4's rules for lines take away, line breaks and white space around lines not counted",
      'Tokenmill, over the lines of C4',
    ),
    signal(
      'long_paragraph_count',
      'BIGINT',
      'lines',
      `lines between line feeds of at least ${LONG_PARAGRAPH} characters`,
      'mC4 (arXiv 2010.11934, section 3.1) as in datatrove 0.10, C4ParagraphFilter',
    ),
    ...spoilers('fineweb', FINEWEB_LINES),
    ...[
      ['', 'the text'],
      ['fineweb_', "the text as C4's rules for lines leave it, that of punctuation at the end switched off"],
    ].flatMap(([prefix, of]) => [
      ...(prefix === ''
        ? []
        : [
            signal(
              `${prefix}punctuation_end_line_ratio`,
              'DOUBLE',
              'share of lines',
              `lines whose last character ends a sentence (TERMINAL_PUNCTUATION), of the lines that are not blank of ${of}`,
              DATATROVE.fineWeb,
            ),
          ]),
      signal(
        `${prefix}short_line_ratio`,
        'DOUBLE',
        'share of lines',
        `lines of at most ${SHORT_LINE} characters, of the lines that are not blank of ${of}`,
        DATATROVE.fineWeb,
      ),
      signal(
        `${prefix}repeated_line_character_ratio`,
        'DOUBLE',
        'share of characters',
        `characters in lines that repeat an earlier line and are not blank, of all characters but line feeds of ${of}`,
        DATATROVE.fineWeb,
      ),
      signal(
        `${prefix}newline_word_ratio`,
        'DOUBLE',
        'per word',
        `line feeds per word, punctuation counted as words, of ${of}`,
        DATATROVE.fineWeb,
      ),
    ]),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const lines = c4Lines(scan);
    const { strict, loose } = lines;
    values.push(strict.loremIpsumLine, strict.curlyBracketLine, strict.sentences);
    values.push(removedRatio(scan, lines), countLongParagraphs(scan));
    values.push(loose.loremIpsumLine, loose.curlyBracketLine, loose.sentences);
    measureText(scan, totalsOf(scan, language).characters, values);
    measureCleaned(scan, lines, values);
  },
};

function removedRatio({ physicalLines: lines, pieces }: Scan, { fates, replaced }: C4Lines): number {
  let all = 0;
  let left = 0;
  let first = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    const size = last === first ? 0 : pieces.end[last - 1] - pieces.start[first];
    all += size;
    if (stays(fates[line], { terminalPunctuation: true })) left += replaced.get(line)?.length ?? size;
    first = last;
  }
  return ratio(all - left, all);
}

function countLongParagraphs({ lines }: Scan): number {
  let long = 0;
  for (let line = 0; line < lines.count; line++) if (lines.characters[line] >= LONG_PARAGRAPH) long += 1;
  return long;
}

/** FineWeb's measures of the text itself; its punctuation at the end of lines is measured with the lines. */
function measureText({ lines, pieces }: Scan, characters: number, values: SignalValues): void {
  keys.reset(lines.count);
  let filled = 0;
  let short = 0;
  let repeated = 0;
  let firstPiece = 0;
  for (let line = 0; line < lines.count; line++) {
    const isBlankLine = lines.pieceEnd[line] === firstPiece;
    firstPiece = lines.pieceEnd[line];
    if (isBlankLine) continue;
    filled += 1;
    if (lines.characters[line] <= SHORT_LINE) short += 1;
    if (keys.add(lines.low[line], lines.high[line]) > 1) repeated += lines.characters[line];
  }
  const feeds = lines.count - 1;
  values.push(ratio(short, filled), ratio(repeated, characters - feeds), ratio(feeds, pieces.wordCount));
}

/** The same of the lines that stay. White space that a citation leaves at an end of the text goes, as by `strip`. */
function measureCleaned(
  scan: Scan,
  { fates, replaced, words: lineWords }: C4Lines,
  values: SignalValues,
): void {
  const { units, physicalLines: lines, pieces } = scan;
  keys.reset(lines.count);
  const isKept = (line: number): boolean =>
    stays(fates[line], { terminalPunctuation: false }) &&
    (replaced.size === 0 || !isBlank(replaced.get(line)));
  let first = 0;
  let last = lines.count - 1;
  while (first <= last && !isKept(first)) first += 1;
  while (last >= first && !isKept(last)) last -= 1;
  let kept = 0;
  let filled = 0;
  let ended = 0;
  let short = 0;
  let repeated = 0;
  let all = 0;
  let words = 0;
  const { lines: feedLines } = scan;
  /** Line of the line table that begins where the line does, if any. */
  let feedLine = 0;
  for (let line = first; line <= last; line++) {
    if (!stays(fates[line], { terminalPunctuation: false })) continue;
    kept += 1;
    words += lineWords[line];
    // A line that stays has pieces.
    const firstPiece = line === 0 ? 0 : lines.pieceEnd[line - 1];
    const lastPiece = lines.pieceEnd[line];
    const start = pieces.start[firstPiece];
    const end = pieces.end[lastPiece - 1];
    let text = replaced.get(line);
    if (text !== undefined && line === first) text = text.trimStart();
    if (text !== undefined && line === last) text = text.trimEnd();
    while (feedLines.end[feedLine] < end) feedLine += 1;
    let lastCharacter: number;
    if (text !== undefined) {
      const textUnits = unitsOf(text);
      hashUnits(textUnits);
      lastCharacter = lastClasses(textUnits, 0, text.length);
    } else {
      const isWhole = feedLines.start[feedLine] === start && feedLines.end[feedLine] === end;
      if (isWhole) takeHash(feedLines, feedLine);
      else hashRange(scan, start, end, firstPiece, lastPiece);
      lastCharacter = lastClasses(units, start, end);
    }
    all += range.characters;
    if (isBlank(text)) continue;
    filled += 1;
    if ((lastCharacter & SENTENCE_END) !== 0) ended += 1;
    if (range.characters <= SHORT_LINE) short += 1;
    if (keys.add(range.low, range.high) > 1) repeated += range.characters;
  }
  values.push(ratio(ended, filled), ratio(short, filled), ratio(repeated, all));
  values.push(ratio(Math.max(kept - 1, 0), words));
}

function isBlank(text: string | undefined): boolean {
  return text !== undefined && text.trim() === '';
}

function takeHash(lines: MeasuredLineTable, line: number): void {
  range.low = lines.low[line];
  range.high = lines.high[line];
  range.characters = lines.characters[line];
}

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}
