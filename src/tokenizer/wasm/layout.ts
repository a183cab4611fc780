/**
 * Where everything is in the memory of the WebAssembly encoder, in bytes. Compiled twice: by TypeScript, which fills the
 * tables, and by AssemblyScript, which reads them.
 *
 * Texts, ends and tokens first, then constant tables, then caches, and from PAIRS_AT on the tables of the vocabulary, whose
 * size depends on it.
 */

/** Bytes of text that are encoded at a time. */
export const CHUNK_BYTES = 65536;

/** Bytes behind the text that are set to END_BYTE, which is in no text: scanners read 64 bytes at a time. */
export const TEXT_PADDING = 128;

export const TEXT_AT = 1024;

/** Ends of pre-tokens as addresses, 32 bits each; four are written at a time. */
export const ENDS_AT = TEXT_AT + CHUNK_BYTES + TEXT_PADDING;

/** Tokens, 32 bits each; four are written at a time. */
export const TOKENS_AT = ENDS_AT + 4 * (CHUNK_BYTES + 16);

/** For a pre-token of `n` bytes, 32 bytes: a mask of the first `n` of 16 bytes, and `n` in the last of 16 bytes. */
export const KEYS_AT = TOKENS_AT + 4 * (CHUNK_BYTES + 16);

/** Longest pre-token in bytes that is a key of 16 bytes with its length in the last. */
export const MAX_KEY_BYTES = 15;

/** Number of a block of 128 code points, a byte each. */
export const BLOCK_OF_AT = KEYS_AT + 32 * (MAX_KEY_BYTES + 1);
/** Classes of the code points of each block, a byte each. The first block is ASCII. */
export const BLOCKS_AT = BLOCK_OF_AT + 8704;

/** Token of each byte, 32 bits each. */
export const BYTE_TOKENS_AT = BLOCKS_AT + 32768;
/** Rank of each pair of bytes, `first << 8 | second`, 32 bits each. */
export const BYTE_PAIRS_AT = BYTE_TOKENS_AT + 4 * 256;

/** Longest pre-token in bytes that is merged here. */
export const MAX_MERGE_BYTES = 252;
/** Room for merging: tokens, `rank << 8 | position` of the pairs, next and previous positions. */
export const MERGE_AT = BYTE_PAIRS_AT + 4 * 65536;

/** Cache of short pre-tokens: slots of 32 bytes, namely key, three tokens, number of tokens. */
export const SLOTS_AT = MERGE_AT + 4096;
export const SLOT_BITS = 18;
/** A pre-token is in one of this many slots from its own on. */
export const PROBES = 4;
/** Tokens of short pre-tokens with more than three. */
export const OVERFLOW_AT = SLOTS_AT + 32 * ((1 << SLOT_BITS) + PROBES);
export const OVERFLOW_TOKENS = 1 << 19;

/** Cache of longer pre-tokens: slots of 16 bytes, namely hash, where its bytes are, where its tokens are, both lengths. */
export const LONG_SLOTS_AT = OVERFLOW_AT + 4 * OVERFLOW_TOKENS;
export const LONG_SLOT_BITS = 17;
export const LONG_BYTES_AT = LONG_SLOTS_AT + 16 * (1 << LONG_SLOT_BITS);
export const LONG_BYTES = 1 << 21;
export const LONG_TOKENS_AT = LONG_BYTES_AT + LONG_BYTES;
export const LONG_TOKENS = 1 << 20;

export const PAIRS_AT = LONG_TOKENS_AT + 4 * LONG_TOKENS;

/** Scanners by number. */
export const SCAN_GPT2 = 0;
export const SCAN_CL100K = 1;
export const SCAN_QWEN = 2;
export const SCAN_O200K = 3;
