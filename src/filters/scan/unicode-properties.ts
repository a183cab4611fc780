/**
 * Properties of characters as Unicode defines them, a bit each: what `unicode-data.ts` is made from and tested against.
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

/** Which characters have which bits, by the engine's own Unicode data. */
export const PROPERTY_PATTERNS: readonly (readonly [RegExp, number])[] = [
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
