/**
 * What is known of a piece (what white space separates): counts, and flags.
 *
 * All of it depends on the code units of the piece alone, except the facts that a language's lists of words decide,
 * which the vocabulary keeps apart.
 */

/** Code points; a surrogate without its partner counts as one. Bytes in UTF-8. */
export const CHARACTERS = 0;
export const BYTES = 1;
/** Words of `words.ts`: all, those that are no symbols and their characters, those with a letter. */
export const WORDS = 2;
export const SPOKEN_WORDS = 3;
export const SPOKEN_CHARACTERS = 4;
export const ALPHABETIC_WORDS = 5;
/** Words by Unicode's boundaries. */
export const UNICODE_WORDS = 6;
/** Code points of the normal form (see `normal-form.ts`). */
export const NORMAL_CHARACTERS = 7;
/** Raw words (see `describe-piece.ts`): all, and those with an ASCII letter. */
export const RAW_WORDS = 8;
export const RAW_ALPHABETIC = 9;
/** Characters by kind. */
export const ALPHANUMERICS = 10;
export const LETTERS_AND_MARKS = 11;
export const UPPERS = 12;
export const DIGITS = 13;
/** ASCII letters and digits, and `?!,.` */
export const PLAIN_CHARACTERS = 14;
/** Code units by kind, surrogates being of none. */
export const UPPER_UNITS = 15;
export const DIGIT_UNITS = 16;
/** Characters but ASCII punctuation, and the numbers among them. */
export const VISIBLE = 17;
export const NUMERICAL = 18;
/** Sentences that begin in the piece where none is open before it: C4's, and RedPajama's. */
export const C4_SENTENCES = 19;
export const SENTENCES = 20;
/** What few pieces have: all of these are 0 where the flag RARE is not set. */
export const HASHES = 21;
export const ELLIPSES = 22;
export const PARENTHESES = 23;
export const BRACES = 24;
export const BACKSPACES = 25;
export const URL_UNITS = 26;
export const CAPITAL_WORDS = 27;

/** How many counts there are. */
export const COUNTS = 28;

/** Flags: one of Gopher's stop words is a word of the piece, a bit each. */
export const GOPHER_STOP_WORDS = 0xff;
/** The whole piece is one of them, in any case. */
export const IS_STOP_WORD = 1 << 8;
/** Its first character is a letter or number; any of its characters is a letter. */
export const BEGINS_WORD = 1 << 9;
export const HAS_LETTER = 1 << 10;
/** Of its letters and numbers of one code unit the first is a digit; it has a letter or number. */
export const BEGINS_NUMBER = 1 << 11;
export const HAS_ALPHANUMERIC = 1 << 12;
/** It has a sign of personal data: a digit, `@` or a colon; what begins a key; what begins a key in PEM. */
export const HAS_SIGN = 1 << 13;
export const HAS_KEY = 1 << 14;
export const HAS_PEM = 1 << 15;
/** In lower case it has a part of one of the phrases of C4's rules; `lorem`; `javascript`; of RefinedWeb's phrases. */
export const HAS_C4_PHRASE = 1 << 16;
export const HAS_LOREM = 1 << 17;
export const HAS_JAVASCRIPT = 1 << 18;
export const HAS_REFINEDWEB_PHRASE = 1 << 19;
/** The piece is a full stop. */
export const IS_FULL_STOP = 1 << 20;
/** Any of the facts from HASHES on is not 0. */
export const RARE = 1 << 21;
/** It has more characters than C4 allows a piece. */
export const IS_LONG = 1 << 22;
/**
 * How sentences go on over the piece, for C4's and then RedPajama's: whether the first event is a word, whether there
 * is any event, and whether the last one is the end of a sentence.
 */
export const C4_WORD_FIRST = 1 << 23;
export const C4_EVENT = 1 << 24;
export const C4_END_LAST = 1 << 25;
export const WORD_FIRST = 1 << 26;
export const EVENT = 1 << 27;
export const END_LAST = 1 << 28;
