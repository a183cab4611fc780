/** Properties of characters, a bit each. Compiled twice, by TypeScript and by AssemblyScript. */

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
