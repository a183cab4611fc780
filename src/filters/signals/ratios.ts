/** Shares of characters by kind, as NeMo Curator and Data-Juicer measure them. */
import { classOf, LETTER, MARK, NUMERIC, UNIT_CLASSES, UPPER } from '../scan/character-classes.js';
import type { Scan } from '../scan/scan.js';
import { DATA_JUICER, NEMO, ratio, signal, type SignalFamily, type SignalValues } from './signal.js';

const ALPHANUMERIC = 1;
const LETTER_OR_MARK = 2;
const NEMO_ALPHANUMERIC = 4;
const NEMO_SPACE = 8;
const PARENTHESIS = 16;
const UPPER_CASE = 32;
const PAIR_END = 64;
const KINDS = 128;

/** Kinds of each code unit. A pair of surrogates is one character: its second unit only says so. */
const kinds = new Uint8Array(0x1_0000);
for (let unit = 0; unit < 0x1_0000; unit++) kinds[unit] = kindsOf(UNIT_CLASSES[unit]);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n?!,.') {
  kinds[character.charCodeAt(0)] |= NEMO_ALPHANUMERIC;
}
for (const character of '\t\n\r\b ') kinds[character.charCodeAt(0)] |= NEMO_SPACE;
for (const character of '{}⟨⟩[]()') kinds[character.charCodeAt(0)] |= PARENTHESIS;
for (let unit = 0xdc00; unit <= 0xdfff; unit++) kinds[unit] |= PAIR_END;

function kindsOf(bits: number): number {
  return (
    ((bits & (LETTER | NUMERIC)) !== 0 ? ALPHANUMERIC : 0) |
    ((bits & (LETTER | MARK)) !== 0 ? LETTER_OR_MARK : 0) |
    ((bits & UPPER) !== 0 ? UPPER_CASE : 0)
  );
}

/** The pattern of NeMo Curator: behind the scheme, letters, digits, the ASCII range from `$` to `_`, and `!*\(),`. */
const URL = /https?:\/\/[a-zA-Z0-9$-_@.&+!*\\(),]+/g;

const END_MARKS = new Set('.?!"\''.split('').map((mark) => mark.charCodeAt(0)));

export const ratioSignals: SignalFamily = {
  signals: [
    signal(
      'non_alphanumeric_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters other than ASCII letters and digits, line feed, `?`, `!`, `,` and `.`',
      `${NEMO}: NonAlphaNumericFilter`,
    ),
    signal(
      'whitespace_character_ratio',
      'DOUBLE',
      'share of characters',
      'tab, line feed, carriage return, backspace and space',
      `${NEMO}: WhiteSpaceFilter`,
    ),
    signal(
      'parenthesis_character_ratio',
      'DOUBLE',
      'share of characters',
      'any of `{}⟨⟩[]()`',
      `${NEMO}: ParenthesesFilter`,
    ),
    signal(
      'url_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters of web addresses (http or https)',
      `${NEMO}: UrlsFilter`,
    ),
    signal(
      'unpunctuated_line_ratio',
      'DOUBLE',
      'share of lines',
      'lines between line feeds that are not blank and do not end with one of `. ? ! " \'`, white space aside',
      `${NEMO}: PunctuationFilter`,
    ),
    signal(
      'alphanumeric_character_ratio',
      'DOUBLE',
      'share of characters',
      'letters and numbers of any script',
      `${DATA_JUICER}: alphanumeric_filter`,
    ),
    signal(
      'special_character_ratio',
      'DOUBLE',
      'share of characters',
      'characters that are neither letters nor marks: white space, digits, punctuation, symbols and emoji',
      `${DATA_JUICER}: special_characters_filter, by category instead of its list`,
    ),
    signal('upper_case_character_ratio', 'DOUBLE', 'share of characters', 'upper-case letters', 'Tokenmill'),
  ],
  measure(scan: Scan, values: SignalValues): void {
    const counts = countKinds(scan);
    const all = scan.characters;
    const of = (kind: number): number => {
      let sum = 0;
      for (let each = 0; each < KINDS; each++) if ((each & kind) !== 0) sum += counts[each];
      return sum;
    };
    values.push(
      all === 0 ? 0 : 1 - of(NEMO_ALPHANUMERIC) / all,
      ratio(of(NEMO_SPACE), all),
      ratio(of(PARENTHESIS), all),
      ratio(urlCharacters(scan), all),
      unpunctuatedRatio(scan),
      ratio(of(ALPHANUMERIC), all),
      all === 0 ? 0 : 1 - of(LETTER_OR_MARK) / all,
      ratio(of(UPPER_CASE), all),
    );
  },
};

function countKinds({ units, length }: Scan): Uint32Array {
  const counts = new Uint32Array(KINDS);
  for (let i = 0; i < length; i++) {
    const kind = kinds[units[i]];
    counts[kind] += 1;
    if (kind !== PAIR_END || i === 0 || (units[i - 1] & 0xfc00) !== 0xd800) continue;
    counts[PAIR_END] -= 1;
    counts[kindsOf(classOf(0x1_0000 + ((units[i - 1] & 0x3ff) << 10) + (units[i] & 0x3ff)))] += 1;
  }
  return counts;
}

function urlCharacters({ text }: Scan): number {
  if (!text.includes('http')) return 0;
  let characters = 0;
  for (const [match] of text.matchAll(URL)) characters += match.length;
  return characters;
}

function unpunctuatedRatio({ units, pieces, lines }: Scan): number {
  let filled = 0;
  let unpunctuated = 0;
  let piece = 0;
  for (let line = 0; line < lines.count; line++) {
    const first = piece;
    while (piece < pieces.count && pieces.start[piece] < lines.end[line]) piece += 1;
    if (piece === first) continue;
    filled += 1;
    if (!END_MARKS.has(units[pieces.end[piece - 1] - 1])) unpunctuated += 1;
  }
  return ratio(unpunctuated, filled);
}
