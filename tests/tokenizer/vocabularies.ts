/** Small tokenizers for tests, and merging by its definition. */
import { BYTES_IN_ORDER } from '../../src/tokenizer/formats/byte-level.js';
import type { TokenizerModel } from '../../src/tokenizer/model.js';
import { parsePattern } from '../../src/tokenizer/patterns.js';
import { packVocabulary } from '../../src/tokenizer/vocabulary.js';

/** A model with the 256 bytes, a token for each pair of these texts in order, then the specials. */
export function makeModel(
  merges: readonly (readonly [string, string])[],
  options: {
    specials?: readonly string[];
    pattern?: string;
    wholePieces?: boolean;
    more?: readonly string[];
  } = {},
): TokenizerModel {
  const tokens: Uint8Array[] = BYTES_IN_ORDER.map((byte) => Uint8Array.of(byte));
  const ids = new Map(tokens.map((token, id) => [Buffer.from(token).toString('latin1'), id]));
  const put = (text: string): number => {
    const bytes = Buffer.from(text);
    const key = bytes.toString('latin1');
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = tokens.push(bytes) - 1;
    ids.set(key, id);
    return id;
  };
  const triples = merges.flatMap(([left, right]) => {
    const result = put(left + right);
    return [put(left), put(right), result];
  });
  for (const text of options.more ?? []) put(text);
  const specials = new Map(
    (options.specials ?? []).map((text) => [text, tokens.push(Buffer.from(text)) - 1]),
  );
  return {
    vocabulary: packVocabulary(tokens),
    merges: Int32Array.from(triples),
    specials,
    pattern: parsePattern(options.pattern ?? 'gpt2'),
    wholePieces: options.wholePieces ?? false,
    nfc: false,
  };
}

/** Merging by its definition: again and again the first of the merges that occurs, where it occurs first. */
export function mergeByDefinition(merges: ArrayLike<number>, tokens: readonly number[]): number[] {
  const rankOf = new Map<string, number>();
  for (let rank = 0; 3 * rank < merges.length; rank++)
    rankOf.set(`${merges[3 * rank]},${merges[3 * rank + 1]}`, rank);
  const result = [...tokens];
  for (;;) {
    let best = Infinity;
    let at = -1;
    for (let index = 0; index + 1 < result.length; index++) {
      const rank = rankOf.get(`${result[index]},${result[index + 1]}`) ?? Infinity;
      if (rank < best) [best, at] = [rank, index];
    }
    if (at < 0) return result;
    result.splice(at, 2, merges[3 * best + 2]);
  }
}
