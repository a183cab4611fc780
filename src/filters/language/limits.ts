/** Numbers of ELD's algorithm and of its tables here. Compiled twice, by TypeScript and by AssemblyScript. */

/** ELD reads the first 1,000 code units, and of these to the first space behind 350 bytes, at most 380 bytes. */
export const MAX_UNITS = 1000;
export const CUT_AFTER = 350;
export const ENFORCE_CUT_AFTER = 380;
/** Bytes of a word whose n-grams count; the last n-gram then takes all that is left of the word. */
export const MAX_WORD_BYTES = 70;
export const GRAM = 4;
export const STRIDE = 3;

/** Kinds of an n-gram beside its bytes: it begins a word, it ends one; its length is above these bits. */
export const BEGINS = 1;
export const ENDS = 2;
export const LENGTH_SHIFT = 2;
/** No n-gram of the tables has a kind of more bits. */
export const KIND_BITS = 5;
export const SCORE_BITS = 16;

/** Bounds of the tables: eld 2.1 has 100,000 and more n-grams, with two or three entries each. */
export const MIN_NGRAMS = 100_000;
export const MAX_NGRAMS = 200_000;
export const MAX_ENTRIES = 1_000_000;
