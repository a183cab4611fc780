/** Signals of C4's rules, and of FineWeb's, which datatrove applies to what C4 leaves of the text. */
import { c4Lines, stays, type C4Lines } from '../lines/c4-lines.js';
import { classOf, SENTENCE_END, SPACE, UNIT_CLASSES } from '../scan/character-classes.js';
import { KeyTable } from '../scan/key-table.js';
import type { Scan } from '../scan/scan.js';
import { DATATROVE, ratio, signal, type Signal, type SignalFamily, type SignalValues } from './signal.js';

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
  measure(scan: Scan, values: SignalValues): void {
    const lines = c4Lines(scan);
    const { strict, loose } = lines;
    values.push(strict.loremIpsumLine, strict.curlyBracketLine, strict.sentences);
    values.push(removedRatio(scan, lines), countLongParagraphs(scan));
    values.push(loose.loremIpsumLine, loose.curlyBracketLine, loose.sentences);
    measureText(scan, values);
    measureCleaned(scan, lines, values);
  },
};

function removedRatio({ physicalLines: lines }: Scan, { fates, replaced }: C4Lines): number {
  let all = 0;
  let left = 0;
  for (let line = 0; line < lines.count; line++) {
    const size = lines.end[line] - lines.start[line];
    all += size;
    if (stays(fates[line], { terminalPunctuation: true })) left += replaced.get(line)?.length ?? size;
  }
  return ratio(all - left, all);
}

function countLongParagraphs({ lines }: Scan): number {
  let long = 0;
  for (let line = 0; line < lines.count; line++) if (lines.characters[line] >= LONG_PARAGRAPH) long += 1;
  return long;
}

/** FineWeb's measures of the text itself; its punctuation at the end of lines is measured with the lines. */
function measureText({ units, lines, characters, words }: Scan, values: SignalValues): void {
  keys.reset(lines.count);
  let filled = 0;
  let short = 0;
  let repeated = 0;
  for (let line = 0; line < lines.count; line++) {
    let i = lines.start[line];
    while (i < lines.end[line] && (UNIT_CLASSES[units[i]] & SPACE) !== 0) i += 1;
    if (i === lines.end[line]) continue;
    filled += 1;
    if (lines.characters[line] <= SHORT_LINE) short += 1;
    if (keys.add(lines.low[line], lines.high[line]) > 1) repeated += lines.characters[line];
  }
  const feeds = lines.count - 1;
  values.push(ratio(short, filled), ratio(repeated, characters - feeds), ratio(feeds, words.count));
}

/** The same of the lines that stay. White space that a citation leaves at an end of the text goes, as by `strip`. */
function measureCleaned(
  scan: Scan,
  { fates, replaced, words: lineWords }: C4Lines,
  values: SignalValues,
): void {
  const { units, physicalLines: lines } = scan;
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
  /** Line of the line table that begins where the line does, if any. */
  let feedLine = 0;
  for (let line = first; line <= last; line++) {
    if (!stays(fates[line], { terminalPunctuation: false })) continue;
    kept += 1;
    words += lineWords[line];
    const start = lines.start[line];
    const end = lines.end[line];
    let text = replaced.get(line);
    if (text !== undefined && line === first) text = text.trimStart();
    if (text !== undefined && line === last) text = text.trimEnd();
    while (scan.lines.end[feedLine] < end) feedLine += 1;
    const isWhole = scan.lines.start[feedLine] === start && scan.lines.end[feedLine] === end;
    if (text !== undefined) hashUnits(unitsOf(text), 0, text.length);
    else if (isWhole) takeHash(scan, feedLine);
    else hashUnits(units, start, end);
    all += hash.characters;
    if (isBlank(text)) continue;
    filled += 1;
    if ((hash.last & SENTENCE_END) !== 0) ended += 1;
    if (hash.characters <= SHORT_LINE) short += 1;
    if (keys.add(hash.low, hash.high) > 1) repeated += hash.characters;
  }
  values.push(ratio(ended, filled), ratio(short, filled), ratio(repeated, all));
  values.push(ratio(Math.max(kept - 1, 0), words));
}

function isBlank(text: string | undefined): boolean {
  return text !== undefined && text.trim() === '';
}

/** Hash, length and classes of the last character of the line that was looked at last. */
const hash = { low: 0, high: 0, characters: 0, last: 0 };

function takeHash({ units, lines }: Scan, line: number): void {
  hash.low = lines.low[line];
  hash.high = lines.high[line];
  hash.characters = lines.characters[line];
  hash.last = lastClasses(units, lines.start[line], lines.end[line]);
}

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function hashUnits(units: Uint16Array, start: number, end: number): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let pairs = 0;
  let previous = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    if ((unit & 0xfc00) === 0xdc00 && (previous & 0xfc00) === 0xd800) pairs += 1;
    previous = unit;
  }
  hash.low = low;
  hash.high = high;
  hash.characters = end - start - pairs;
  hash.last = lastClasses(units, start, end);
}

function lastClasses(units: Uint16Array, start: number, end: number): number {
  const unit = units[end - 1];
  const isPair = (unit & 0xfc00) === 0xdc00 && end - start > 1 && (units[end - 2] & 0xfc00) === 0xd800;
  return isPair ? classOf(0x1_0000 + ((units[end - 2] & 0x3ff) << 10) + (unit & 0x3ff)) : UNIT_CLASSES[unit];
}
