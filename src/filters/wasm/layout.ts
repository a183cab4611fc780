/**
 * Where everything is in the memory of the scanning kernel, in bytes. Compiled twice: by TypeScript, which fills constant
 * tables and reads results, and by AssemblyScript.
 *
 * The memory, of some 160 MB, has room for what the longest text can need and never grows; pages that no text has touched
 * cost nothing.
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
/** What the vocabulary keeps for the next text: see `scan/piece-layout.ts`. */
export const MAX_PIECES = 1 << 16;
export const MAX_WORDS_KEPT = 1 << 17;
export const MAX_UNITS = 1 << 20;
export const MAX_RECORDS = 1 << 20;

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

/** The code units of the text, and a space behind them. */
export const UNITS_AT = FIGURES_AT + 1024 + STAGGER;
/** By code unit: see `separators` in `scan/pieces.ts`. */
export const SEPARATORS_AT = UNITS_AT + 2 * MAX_WORDS + STAGGER;
/** Of ASCII: classes and kinds, 16 bits each; see `scan/unicode-words.ts`: whether it is plain, kind, what it joins. */
export const CLASSES_AT = SEPARATORS_AT + 65536 + STAGGER;
export const KINDS_AT = CLASSES_AT + 256;
export const PLAIN_AT = KINDS_AT + 256;
export const WORD_KINDS_AT = PLAIN_AT + 128;
export const MIDDLE_AT = WORD_KINDS_AT + 128;
/** Gopher's stop words: both halves of their hashes, and their letters in one integer. */
export const STOP_WORDS_AT = MIDDLE_AT + 128;
export const STOP_WORDS = 8;
/** Parts of phrases: how many, then for each 32 bytes: its letters as bits, length, bytes. */
export const PHRASES_AT = STOP_WORDS_AT + 12 * STOP_WORDS;
export const PHRASE_BYTES = 32;

/** What the last scan found, 32 bits each, by the numbers below. */
export const FOUND_AT = PHRASES_AT + 1024;
export const FOUND_PIECES = 0;
export const FOUND_DISTINCT = 1;
export const FOUND_WORDS = 2;
export const FOUND_UNICODE_WORDS = 3;
export const FOUND_NUMBERS = 4;
export const FOUND_COMMON_SPACES = 5;
export const FOUND_EXTRA_SPACE_BYTES = 6;
export const FOUND_LINES = 7;
export const FOUND_PHYSICAL_LINES = 8;
/** Words of each sequence. */
export const FOUND_SEQUENCES = 9;
export const FOUND = 12;

/** Columns of the pieces, and of the different ones among them. */
const MAX_TEXT_PIECES = MAX_TEXT_UNITS / 2 + 16;
export const START_AT = FOUND_AT + 64 + STAGGER;
export const END_OF_AT = START_AT + 4 * MAX_TEXT_PIECES + STAGGER;
export const ENTRY_AT = END_OF_AT + 4 * MAX_TEXT_PIECES + STAGGER;
/** Begins at a multiple of 64, so that an entry is one line of the caches. */
export const DISTINCT_AT = (ENTRY_AT + 4 * MAX_TEXT_PIECES + 64) & ~63;
export const PIECE_COUNTS_AT = DISTINCT_AT + 64 * MAX_TEXT_PIECES + STAGGER;
/** Words of the different pieces: number and characters. */
export const TEXT_WORDS_AT = PIECE_COUNTS_AT + 112 * MAX_TEXT_PIECES + STAGGER;

/** Lines, a column each, in the order of `MeasuredLineTable` and `PhysicalLineTable`. */
export const LINE_BYTES = 4 * MAX_WORDS + STAGGER;
export const LINES_AT = TEXT_WORDS_AT + 8 * 2 * MAX_WORDS + STAGGER;
export const PHYSICAL_LINES_AT = LINES_AT + 12 * LINE_BYTES;

/** What was found of the piece that is described: counts, flags, normal form, numbers of words. */
export const DESCRIBED_AT = PHYSICAL_LINES_AT + 6 * LINE_BYTES + STAGGER;
export const DESCRIBED_FLAGS = 28;
export const DESCRIBED_NORMAL_LOW = 29;
export const DESCRIBED_NORMAL_HIGH = 30;
export const DESCRIBED = 31;
/** Its words by both definitions: both halves of the hash, and characters. */
export const DESCRIBED_WORD_BYTES = 12;
export const DESCRIBED_WORDS_AT = DESCRIBED_AT + 128 + STAGGER;
export const DESCRIBED_UNICODE_WORDS_AT = DESCRIBED_WORDS_AT + DESCRIBED_WORD_BYTES * MAX_WORDS + STAGGER;

/** The vocabulary: heads, of which two lines of the caches are one; records and code units of longer pieces; slots. */
export const HEADS_AT = (DESCRIBED_UNICODE_WORDS_AT + DESCRIBED_WORD_BYTES * MAX_WORDS + STAGGER) & ~63;
export const HEADS = MAX_PIECES + MAX_TEXT_PIECES;
export const RECORDS_AT = HEADS_AT + 128 * HEADS + STAGGER;
/** The most integers of records a unit of text: 36 of a piece of two letters of a script without spaces and a space. */
export const RECORDS = MAX_RECORDS + 12 * MAX_WORDS;
export const LONG_UNITS_AT = RECORDS_AT + 4 * RECORDS + STAGGER;
export const LONG_UNITS = MAX_UNITS + MAX_WORDS;
/** First half of the hash, and one more than the number of the piece: 0 is a free slot. */
export const PIECE_SLOTS_AT = LONG_UNITS_AT + 2 * LONG_UNITS + STAGGER;
export const FIRST_PIECE_SLOT_BITS = 17;
export const LAST_PIECE_SLOT_BITS = 19;

/** Words by number: both halves of the hash, the last text that met it, and its number there. */
export const NUMBERED = MAX_WORDS_KEPT + MAX_NUMBERS;
export const NUMBER_LOW_AT = PIECE_SLOTS_AT + (8 << LAST_PIECE_SLOT_BITS) + STAGGER;
export const NUMBER_HIGH_AT = NUMBER_LOW_AT + 4 * NUMBERED + STAGGER;
export const NUMBER_TEXTS_AT = NUMBER_HIGH_AT + 4 * NUMBERED + STAGGER;
/** One more than a number; 0 is a free slot. */
export const NUMBER_SLOTS_AT = NUMBER_TEXTS_AT + 8 * NUMBERED + STAGGER;
export const FIRST_NUMBER_SLOT_BITS = 18;
export const LAST_NUMBER_SLOT_BITS = 21;

/** Sums over the pieces, 32 bits each: see `PIECE_SUMS` in `scan/piece-sums.ts`. */
export const TOTALS_AT = NUMBER_SLOTS_AT + (4 << LAST_NUMBER_SLOT_BITS) + STAGGER;

/** The text in UTF-8, and for its compression the place of the last sequence of four bytes by its hash. */
export const BYTES_AT = TOTALS_AT + 128 + STAGGER;
export const MAX_TEXT_BYTES = 3 * MAX_TEXT_UNITS;
export const SEQUENCES_AT = BYTES_AT + MAX_TEXT_BYTES + STAGGER;
export const SEQUENCE_BITS = 12;

/** Language: prepared units of a sample, bytes of a word, scores by language, n-grams of the sample. */
export const SAMPLE_AT = SEQUENCES_AT + (4 << SEQUENCE_BITS) + STAGGER;
export const WORD_BYTES_AT = SAMPLE_AT + 8192;
export const SCORES_AT = WORD_BYTES_AT + 512;
export const SEEN_GRAMS_AT = SCORES_AT + 512;
export const SEEN_GRAM_BITS = 10;
/** The tables of `language/tables.ts`: slots for at most MAX_NGRAMS, and MAX_ENTRIES. */
export const GRAM_SLOTS_AT = SEEN_GRAMS_AT + (8 << SEEN_GRAM_BITS) + STAGGER;
export const GRAM_ENTRIES_AT = GRAM_SLOTS_AT + (8 << 19) + STAGGER;

/**
 * Filters of the lists of languages, by the number of the language, a bit each hash of 16 bits: beginnings of obscene words,
 * stop words, first words of sequences of obscene words.
 */
export const LANGUAGE_FILTERS_AT = GRAM_ENTRIES_AT + 4 * 1000000 + STAGGER;
export const FILTER_BYTES = 8192;
export const MAX_FILTERED_LANGUAGES = 64;

/** Pieces that are to be found together: hash in two halves, 1 where it is of ASCII alone, candidate for its head. */
export const BATCH = 64;
export const BATCH_AT = LANGUAGE_FILTERS_AT + 3 * FILTER_BYTES * MAX_FILTERED_LANGUAGES + STAGGER;

export const END_AT = BATCH_AT + 16 * BATCH + STAGGER;
