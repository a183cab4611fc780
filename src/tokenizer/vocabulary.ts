/** Tokens by id, end to end in one array: a vocabulary of 200,000 tokens is two typed arrays, not 200,000 objects. */

export interface Vocabulary {
  /** The bytes of all tokens, in the order of their ids. */
  readonly bytes: Uint8Array;
  /** Token `id` is `bytes[offsets[id], offsets[id + 1])`; an id that is not used has no bytes. */
  readonly offsets: Uint32Array;
}

/** Number of ids, unused ones included: one more than the largest id. */
export function vocabularySize(vocabulary: Vocabulary): number {
  return vocabulary.offsets.length - 1;
}

/** The bytes of a token: a view, empty for an id that is not used. */
export function tokenBytes(vocabulary: Vocabulary, id: number): Uint8Array {
  return vocabulary.bytes.subarray(vocabulary.offsets[id], vocabulary.offsets[id + 1]);
}

/** Packs tokens; `undefined` is an id that is not used. */
export function packVocabulary(tokens: readonly (Uint8Array | undefined)[]): Vocabulary {
  const offsets = new Uint32Array(tokens.length + 1);
  for (let id = 0; id < tokens.length; id++) offsets[id + 1] = offsets[id] + (tokens[id]?.length ?? 0);
  const bytes = new Uint8Array(offsets[tokens.length]);
  for (let id = 0; id < tokens.length; id++) {
    const token = tokens[id];
    if (token !== undefined) bytes.set(token, offsets[id]);
  }
  return { bytes, offsets };
}
