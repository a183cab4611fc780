/**
 * What is known of a piece (what white space separates), as a record of 32-bit integers.
 *
 * All of it depends on the code units of the piece alone, except the facts that a language's lists of words decide,
 * which say for which language they are. A record is `RECORD` integers, then two for each word and two for each word by
 * Unicode's boundaries: its number in the vocabulary, and its length in code points.
 */

/** Where its code units are in the vocabulary, and how many. */
export const TEXT_AT = 0;
export const UNITS = 1;
/** Code points; a surrogate without its partner counts as one. Bytes in UTF-8. */
export const CHARACTERS = 2;
export const BYTES = 3;
/** Bits, see below. */
export const FLAGS = 4;
/** Words of `words.ts`: all, those that are no symbols and their characters, those with a letter. */
export const WORDS = 5;
export const SPOKEN_WORDS = 6;
export const SPOKEN_CHARACTERS = 7;
export const ALPHABETIC_WORDS = 8;
/** Words by Unicode's boundaries. */
export const UNICODE_WORDS = 9;
/** Number of its normal form (see `normal-form.ts`) among the words, -1 where that is empty, and its code points. */
export const NORMAL_WORD = 10;
export const NORMAL_CHARACTERS = 11;
/** Raw words (see `describe-piece.ts`): all, and those with an ASCII letter. */
export const RAW_WORDS = 12;
export const RAW_ALPHABETIC = 13;
/** Characters by kind. */
export const ALPHANUMERICS = 14;
export const LETTERS_AND_MARKS = 15;
export const UPPERS = 16;
export const DIGITS = 17;
/** ASCII letters and digits, and `?!,.` */
export const PLAIN_CHARACTERS = 18;
/** Code units by kind, surrogates being of none. */
export const UPPER_UNITS = 19;
export const DIGIT_UNITS = 20;
/** Characters but ASCII punctuation, and the numbers among them. */
export const VISIBLE = 21;
export const NUMERICAL = 22;
/** Sentences that begin in the piece where none is open before it: C4's, and RedPajama's. */
export const C4_SENTENCES = 23;
export const SENTENCES = 24;
/** The language whose lists decided the two facts behind it, by the number that `word-lists.ts` gives it; 0 for none. */
export const LANGUAGE = 25;
export const STOP_WORDS = 26;
export const LANGUAGE_FLAGS = 27;
/** What few pieces have: all of these are 0 where the flag RARE is not set. */
export const HASHES = 28;
export const ELLIPSES = 29;
export const PARENTHESES = 30;
export const BRACES = 31;
export const BACKSPACES = 32;
export const URL_UNITS = 33;
export const CAPITAL_WORDS = 34;

export const RECORD = 35;

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

/** Language flags: an obscene word may begin in the piece; its normal form begins a sequence of obscene words. */
export const MAY_BE_BAD = 1;
export const MAY_BE_OBSCENE = 2;
