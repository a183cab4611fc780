/**
 * C4's rules for lines: which lines of a text stay, as what, and what else the rules see on the way.
 *
 * It follows datatrove's C4QualityFilter line by line, in its order: a line goes for a piece of more than 1,000
 * characters, for no punctuation at its end (where that rule is on), for fewer than three pieces, for `javascript`
 * and for a phrase about cookies and terms; `lorem ipsum` and `{`, on a line that came so far, spoil the document.
 * Citations are taken out of the lines that stay.
 */
import { SENTENCE_END, UNIT_CLASSES } from '../scan/character-classes.js';
import * as fact from '../scan/piece-facts.js';
import { scanText, type Scan } from '../scan/scan.js';
import { WordTable } from '../scan/word-table.js';
import { splitWords } from '../scan/words.js';

const MIN_PIECES = 3;
const POLICY_PHRASES = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'use of cookies',
  'use cookies',
] as const;
const CITATION = /\[\d*\]|\[edit\]|\[citation needed\]/gu;
const endMarks = new Uint8Array(0x1_0000);
for (const mark of '.?!"\'') endMarks[mark.charCodeAt(0)] = 1;
const FULL_STOP = 0x2e;

/** What the rules make of the lines of a text. Lines are those of `physicalLines`. */
export interface C4Lines {
  /** For each line: 0 it goes, 1 it stays only without the rule for punctuation at its end, 2 it stays. */
  readonly fates: Uint8Array;
  /** Lines without their citations, where they had some. */
  readonly replaced: ReadonlyMap<number, string>;
  /** Words and sentences of each line that stays. */
  readonly words: Uint32Array;
  readonly sentences: Uint32Array;
  /** With the rule for punctuation at the end, and without it. */
  readonly strict: C4Counts;
  readonly loose: C4Counts;
}

export interface C4Counts {
  sentences: number;
  /** Number, from 1, of the first line that spoils the document; 0 where none does. */
  loremIpsumLine: number;
  curlyBracketLine: number;
}

export interface C4Rules {
  /** Whether a line must end with `.`, `?`, `!`, `"` or `'`, and not with `...`. FineWeb switches this off. */
  readonly terminalPunctuation: boolean;
}

const LOOSE = 1;
const STRICT = 2;

let fates = new Uint8Array(256);
let lineWords = new Uint32Array(256);
let lineSentences = new Uint32Array(256);

/** Applies the rules to the lines of a text. Linear in its length. The result is valid until the next call. */
export function c4Lines(scan: Scan): C4Lines {
  const { units, physicalLines: lines, pieces } = scan;
  if (fates.length < lines.count) {
    fates = new Uint8Array(lines.count * 2);
    lineWords = new Uint32Array(lines.count * 2);
    lineSentences = new Uint32Array(lines.count * 2);
  }
  const replacedLines = new Map<number, string>();
  const strict: C4Counts = { sentences: 0, loremIpsumLine: 0, curlyBracketLine: 0 };
  const loose: C4Counts = { sentences: 0, loremIpsumLine: 0, curlyBracketLine: 0 };
  let piece = 0;
  for (let line = 0; line < lines.count; line++) {
    const first = piece;
    const last = lines.pieceEnd[line];
    piece = last;
    fates[line] = 0;
    if (last - first < MIN_PIECES) continue;
    const bits = lines.flags[line];
    if ((bits & fact.IS_LONG) !== 0) continue;
    const start = pieces.start[first];
    const end = pieces.end[last - 1];
    let flags = 0;
    let replaced: string | undefined;
    if ((bits & fact.HAS_C4_PHRASE) !== 0) {
      const text = scan.text.slice(start, end);
      const without = text.includes('[') ? text.replaceAll(CITATION, '') : text;
      if (without !== text) replaced = without;
      flags = marksOf(without);
    }
    const isEnded =
      replaced === undefined
        ? hasTerminalPunctuation(units, start, end)
        : hasTerminalPunctuation(unitsOf(replaced), 0, replaced.length);
    if ((flags & LOREM_IPSUM) !== 0) {
      if (loose.loremIpsumLine === 0) loose.loremIpsumLine = line + 1;
      if (isEnded && strict.loremIpsumLine === 0) strict.loremIpsumLine = line + 1;
    }
    if ((flags & JAVASCRIPT) !== 0) continue;
    if ((flags & CURLY_BRACKET) !== 0) {
      if (loose.curlyBracketLine === 0) loose.curlyBracketLine = line + 1;
      if (isEnded && strict.curlyBracketLine === 0) strict.curlyBracketLine = line + 1;
    }
    if ((flags & POLICY) !== 0) continue;
    fates[line] = isEnded ? STRICT : LOOSE;
    if (replaced === undefined) {
      lineWords[line] = lines.words[line];
      lineSentences[line] = lines.sentences[line];
    } else {
      replacedLines.set(line, replaced);
      const lineUnits = unitsOf(replaced);
      splitWords(lineUnits, 0, lineUnits.length, replacedWords);
      lineWords[line] = replacedWords.count;
      lineSentences[line] = countSentences(lineUnits, replacedWords, 0, replacedWords.count);
    }
    loose.sentences += lineSentences[line];
    if (isEnded) strict.sentences += lineSentences[line];
  }
  return { fates, replaced: replacedLines, words: lineWords, sentences: lineSentences, strict, loose };
}

/** Whether a line with this fate stays. */
export function stays(fate: number, rules: C4Rules): boolean {
  return rules.terminalPunctuation ? fate === STRICT : fate >= LOOSE;
}

/** The text that C4 keeps of a text: the lines that stay, joined by line feeds. */
export function c4CleanedText(text: string, rules: C4Rules): string {
  const scan = scanText(text);
  const { physicalLines: lines, pieces } = scan;
  const { fates: lineFates, replaced } = c4Lines(scan);
  const kept: string[] = [];
  let first = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    if (stays(lineFates[line], rules)) {
      kept.push(replaced.get(line) ?? text.slice(pieces.start[first], pieces.end[last - 1]));
    }
    first = last;
  }
  return kept.join('\n').trim();
}

/**
 * Sentences among the words `[first, last)`: one, and one more for each word that follows a word of one mark that ends
 * a sentence, other punctuation between them aside (after spaCy's sentencizer). 0 where there is no word.
 */
export function countSentences(units: Uint16Array, words: WordTable, first: number, last: number): number {
  if (first === last) return 0;
  let sentences = 1;
  let ended = false;
  for (let i = first; i < last; i++) {
    if (words.isSymbol[i] === 0) {
      if (ended) sentences += 1;
      ended = false;
    } else if (words.characters[i] === 1 && (UNIT_CLASSES[units[words.start[i]]] & SENTENCE_END) !== 0) {
      ended = true;
    }
  }
  return sentences;
}

const replacedWords = new WordTable();

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function hasTerminalPunctuation(units: Uint16Array, start: number, end: number): boolean {
  if (end === start || endMarks[units[end - 1]] === 0) return false;
  return !(
    end - start >= 3 &&
    units[end - 1] === FULL_STOP &&
    units[end - 2] === FULL_STOP &&
    units[end - 3] === FULL_STOP
  );
}

const LOREM_IPSUM = 1 << 0;
const JAVASCRIPT = 1 << 1;
const CURLY_BRACKET = 1 << 2;
const POLICY = 1 << 3;

const PHRASES: readonly (readonly [string, number])[] = [
  ['lorem ipsum', LOREM_IPSUM],
  ['javascript', JAVASCRIPT],
  ['{', CURLY_BRACKET],
  ...POLICY_PHRASES.map((phrase) => [phrase, POLICY] as const),
];

/** What of the phrases a line contains. */
function marksOf(line: string): number {
  const lower = line.toLowerCase();
  let flags = 0;
  for (const [phrase, flag] of PHRASES) if (lower.includes(phrase)) flags |= flag;
  return flags;
}
