/** Tokens that a pre-token becomes only because it is exactly one of them. */
import type { TokenizerModel } from '../model.js';
import { tokenBytes, vocabularySize } from '../vocabulary.js';
import type { Merger } from './merger.js';

/** Of a model in which whole pre-tokens are looked up: the tokens for which that makes a difference, as Latin-1. */
export function unmergeableTokens(model: TokenizerModel, merger: Merger): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  if (!model.wholePieces) return found;
  const special = new Set(model.specials.values());
  let output = new Uint32Array(256);
  for (let id = 0; id < vocabularySize(model.vocabulary); id++) {
    const bytes = tokenBytes(model.vocabulary, id);
    if (bytes.length === 0 || special.has(id)) continue;
    if (bytes.length > output.length) output = new Uint32Array(2 * bytes.length);
    const count = merger.merge(bytes, 0, bytes.length, output, 0);
    if (count > 1 || output[0] !== id) found.set(Buffer.from(bytes).toString('latin1'), id);
  }
  return found;
}
