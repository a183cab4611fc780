/**
 * What the scanner needs to know of a character, as bits looked up by code point.
 *
 * The Basic Multilingual Plane is tabulated when the module loads; of the other planes a page of 256 code points is
 * tabulated when a text first uses it. Properties are those of the Unicode version of the JavaScript engine.
 */

export const SPACE = 1 << 0;
/** General category L, which is what Python's `str.isalpha` accepts. */
export const LETTER = 1 << 1;
/** Combining marks, format characters (joiners, soft hyphen): they continue whatever stands before them. */
export const MARK = 1 << 2;
/** Decimal digits of any script: general category Nd. */
export const DIGIT = 1 << 3;
/** Other numbers: fractions, superscripts, Roman numerals. */
export const NUMBER = 1 << 4;
export const UPPER = 1 << 5;
export const LOWER = 1 << 6;
/** Letters of scripts that write no space between words. */
export const UNSPACED = 1 << 7;
/** datatrove's PUNCTUATION_SET: a word of nothing else is a symbol and not counted as a word. */
export const PUNCTUATION = 1 << 8;
/** datatrove's TERMINAL_PUNCTUATION: Unicode property Sentence_Terminal, and three Khmer signs that once had it. */
export const SENTENCE_END = 1 << 9;
/** Ends a line for Python's `str.splitlines`. */
export const LINE_BREAK = 1 << 10;

/** Connector punctuation such as the underscore, and the narrow no-break space: ExtendNumLet of UAX #29. */
export const CONNECTOR = 1 << 11;
/** Word_Break=Katakana of UAX #29. */
export const KATAKANA = 1 << 12;

/** What Python's `str.isalnum` accepts beside letters. */
export const NUMERIC = DIGIT | NUMBER;
/** A character that a word can be made of. */
export const WORD = LETTER | MARK | DIGIT | NUMBER;

const PROPERTIES: readonly (readonly [RegExp, number])[] = [
  [/\p{White_Space}/u, SPACE],
  [/\p{L}/u, LETTER],
  [/[\p{M}\p{Cf}]/u, MARK],
  [/\p{Nd}/u, DIGIT],
  [/[\p{Nl}\p{No}]/u, NUMBER],
  [/\p{Lu}/u, UPPER],
  [/\p{Ll}/u, LOWER],
  [
    /(?=\p{L})[\p{Script=Han}\p{Script=Hiragana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u,
    UNSPACED,
  ],
  [/[\p{Pc}\u202f]/u, CONNECTOR],
  [/[\p{Script=Katakana}\u3031-\u3035\u309b\u309c\u30a0\u30fc\uff70]/u, KATAKANA],
  [/[\p{Sentence_Terminal}\u17d6\u17d9\u17da]/u, SENTENCE_END | PUNCTUATION],
];

/** Characters of datatrove's PUNCTUATION string that are no controls (`datatrove/utils/text.py`). */
const DATATROVE_PUNCTUATION =
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~«´»—’“”„…、。《》【】％（），．１：；？！～〈〉∶━►–「」';

const CODE_POINTS = 0x11_0000;
const PAGE = 256;
const classes = new Uint16Array(CODE_POINTS);
const tabulated = new Uint8Array(CODE_POINTS / PAGE);

function tabulate(page: number): void {
  for (let code = page * PAGE; code < (page + 1) * PAGE; code++) {
    const character = String.fromCodePoint(code);
    let bits = 0;
    for (const [property, bit] of PROPERTIES) if (property.test(character)) bits |= bit;
    classes[code] = bits;
  }
  tabulated[page] = 1;
}

for (let page = 0; page < 0x1_0000 / PAGE; page++) tabulate(page);
for (const character of DATATROVE_PUNCTUATION) classes[character.charCodeAt(0)] |= PUNCTUATION;
// The controls of that set: all but tab and line feed.
for (let code = 0; code < 160; code++) {
  if ((code < 32 && code !== 9 && code !== 10) || code >= 127) classes[code] |= PUNCTUATION;
}
// Python counts these four separators as white space; Unicode's property does not.
for (let code = 0x1c; code <= 0x1f; code++) classes[code] |= SPACE;
for (const code of [0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029])
  classes[code] |= LINE_BREAK;

/** Class bits of the Basic Multilingual Plane by UTF-16 code unit. A surrogate has none. */
export const UNIT_CLASSES: Uint16Array = classes.subarray(0, 0x1_0000);

/** Class bits of any code point. */
export function classOf(codePoint: number): number {
  const page = codePoint >>> 8;
  if (tabulated[page] === 0) tabulate(page);
  return classes[codePoint];
}

/** The lower-case form of a code unit where that is one code unit, else the unit itself. */
export const LOWER_CASE_UNITS: Uint16Array = Uint16Array.from({ length: 0x1_0000 }, (_, unit) => {
  if ((UNIT_CLASSES[unit] & LETTER) === 0) return unit;
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
});
