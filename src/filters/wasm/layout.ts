/**
 * Where everything is in the memory of the scanning kernel, in bytes. Compiled twice: by TypeScript, which fills constant
 * tables and reads results, and by AssemblyScript.
 *
 * The memory has room for what the longest text can need and never grows; pages that no text has touched cost nothing.
 * Columns begin at different places modulo a page, so that those that are read together share no sets of the caches.
 */

/** UTF-16 code units of the longest text that is scanned here; what is longer is for TypeScript. */
export const MAX_TEXT_UNITS = 1 << 18;
/** Words by one definition, or lines, of such a text. */
const MAX_WORDS = MAX_TEXT_UNITS + 16;
/** Different words of such a text by all three definitions. */
const MAX_NUMBERS = 3 * MAX_WORDS;
/** What keeps columns apart. */
const STAGGER = 832;

/** Sequences of words by number: numbers, and code points before each. */
export const SEQUENCES = 3;
export const NUMBERS_AT = 1024;
export const NUMBERS_BYTES = 4 * MAX_WORDS + STAGGER;
export const SUMS_AT = NUMBERS_AT + SEQUENCES * NUMBERS_BYTES;
export const SUMS_BYTES = 4 * MAX_WORDS + STAGGER;

/** N-grams that occur more than once: where each occurrence begins, and which n-gram it is. */
export const POSITIONS_AT = SUMS_AT + SEQUENCES * SUMS_BYTES;
export const IDS_AT = POSITIONS_AT + 4 * MAX_WORDS + STAGGER;
/** By id: occurrences, the two shorter n-grams that it is made of, whether it was met. */
export const COUNTS_AT = IDS_AT + 4 * MAX_WORDS + STAGGER;
export const PAIRS_AT = COUNTS_AT + 4 * MAX_NUMBERS + STAGGER;
export const SEEN_AT = PAIRS_AT + 8 * MAX_WORDS + STAGGER;
/** One more than an id; 0 is a free slot. */
export const NGRAM_SLOTS_AT = SEEN_AT + MAX_NUMBERS + STAGGER;
/** What was found of a sequence, 32 bits each: see `ngram-figures.ts`. */
export const FIGURES_AT = NGRAM_SLOTS_AT + 4 * 4 * MAX_TEXT_UNITS + STAGGER;

export const END_AT = FIGURES_AT + 1024;
