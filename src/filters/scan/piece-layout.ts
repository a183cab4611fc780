/**
 * Where the facts of a piece are kept, in integers: in the vocabulary, for all texts, and in a text's own table. Compiled
 * twice, by TypeScript and by AssemblyScript.
 *
 * A head is two lines of the processor's caches, the first of which is all that finding a piece again reads.
 */

/** Integers of a head. The second half of the hash, and the code units. */
export const HEAD = 32;
export const HEAD_HIGH = 0;
export const HEAD_UNITS = 1;
/** The number of the text that met the piece last, and what that text knows it by. */
export const HEAD_TEXT = 2;
export const HEAD_INDEX = 3;
/** The code units of a piece of at most `SHORT`; of a longer one where they are among those of all longer pieces. */
export const HEAD_START = 4;
export const SHORT = 20;
export const HEAD_FLAGS = 14;
/** -1 for a short piece; else the place of its record: counts, then number and characters of each word. */
export const HEAD_RECORD = 15;
export const HEAD_LOW = 16;
/** Number of the normal form, -1 where it is empty. */
export const HEAD_NORMAL = 17;
/** The language whose lists decided the two facts behind it, by its number in `word-lists.ts`; 0 for none. */
export const HEAD_LANGUAGE = 18;
export const HEAD_STOP_WORDS = 19;
export const HEAD_LANGUAGE_FLAGS = 20;
/** Of a short piece: counts, a byte each; numbers of two words and one by Unicode's boundaries, and their characters. */
export const HEAD_COUNTS = 21;
export const HEAD_WORDS = 28;
export const HEAD_WORD_CHARACTERS = 31;

/** An entry of a different piece: where the vocabulary has it, how often it occurs, and facts of `piece-facts.ts`. */
export const ENTRY = 16;
export const PIECE = 0;
export const OCCURRENCES = 1;
export const FLAGS = 2;
/** Both halves of the piece's hash, for hashes of what it is part of. */
export const LOW = 3;
export const HIGH = 4;
/** Pairs of surrogates. */
export const PAIRS = 5;
export const WORDS = 6;
export const UNICODE_WORDS = 7;
/** Where its words are in `words`. */
export const WORDS_AT = 8;
export const C4_SENTENCES = 9;
export const UPPER_UNITS = 10;
export const DIGIT_UNITS = 11;
export const VISIBLE = 12;
export const NUMERICAL = 13;
/** Number of the normal form in this text, -1 where it is empty. */
export const NORMAL_WORD = 14;
export const NORMAL_CHARACTERS = 15;

/** Counts that are 0 only where they are; those behind them are 0 where the flag RARE is not set, and not kept. */
export const COMMON_COUNTS = 21;

/** What a vocabulary keeps for the next text: pieces, words, code units of longer pieces, integers of their records. */
export const MAX_PIECES = 1 << 16;
export const MAX_WORDS = 1 << 17;
export const MAX_UNITS = 1 << 20;
export const MAX_RECORDS = 1 << 20;
