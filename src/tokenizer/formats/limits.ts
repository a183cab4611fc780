/** Caps on what a tokenizer file may ask for. */

/** Ids above this are refused: no vocabulary is near it, and pairs of ids are packed with 21 bits each. */
export const MAX_TOKEN_ID = 2_000_000;

/** Merges beyond this are refused: ranks are packed with 21 bits too. */
export const MAX_MERGES = 2_000_000;

/** Larger tokenizer files are refused. */
export const MAX_FILE_BYTES = 512_000_000;
