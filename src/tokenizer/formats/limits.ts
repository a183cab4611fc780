/** Caps on what a tokenizer file may ask for. */

/** Ids above this are refused: no vocabulary is near it, and a broken file must not ask for gigabytes. */
export const MAX_TOKEN_ID = 4_000_000;

/** Merges beyond this are refused; their order must fit 21 bits beside a position. */
export const MAX_MERGES = 2_000_000;

/** Larger tokenizer files are refused. */
export const MAX_FILE_BYTES = 512_000_000;
