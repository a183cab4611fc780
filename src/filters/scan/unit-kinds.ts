/**
 * Kinds of a code unit, a bit each, and lengths that decide what a piece can be. Compiled twice, by TypeScript and by
 * AssemblyScript.
 */
export const WORD_UNIT = 1 << 0;
export const ASCII_LETTER = 1 << 1;
export const ASCII_PUNCTUATION = 1 << 2;
export const PLAIN = 1 << 3;
export const PARENTHESIS = 1 << 4;
export const BRACE = 1 << 5;
export const SIGN = 1 << 6;
export const END_MARK = 1 << 7;
export const C4_MARK = 1 << 8;

export const LONGEST_STOP_WORD = 4;
export const SHORTEST_PHRASE = 4;
/** Characters of the shortest key of a service. */
export const SHORTEST_KEY = 20;
/** C4 drops lines with a longer piece. */
export const MAX_PIECE_CHARACTERS = 1000;
