/** A tokenizer in a few figures, for `tokenizer info`. */
import type { Tokenizer } from './tokenizer.js';

export interface TokenizerDescription {
  readonly vocab_size: number;
  readonly merges: number;
  readonly pattern: string;
  readonly specials: Readonly<Record<string, number>>;
  readonly end_of_text_id: number | null;
  readonly longest_token_bytes: number;
  /** Whether text is brought to normalization form C. */
  readonly nfc: boolean;
  /** What encoding runs in. */
  readonly engine: 'wasm' | 'typescript';
  readonly sha256: string;
}

export function describeTokenizer(tokenizer: Tokenizer): TokenizerDescription {
  const { model } = tokenizer;
  const { offsets } = model.vocabulary;
  let longest = 0;
  for (let id = 0; id < tokenizer.vocabSize; id++) longest = Math.max(longest, offsets[id + 1] - offsets[id]);
  return {
    vocab_size: tokenizer.vocabSize,
    merges: model.merges.length / 3,
    pattern: tokenizer.pattern,
    specials: Object.fromEntries(tokenizer.specials),
    end_of_text_id: tokenizer.endOfTextId,
    longest_token_bytes: longest,
    nfc: model.nfc,
    engine: tokenizer.engine,
    sha256: tokenizer.sha256,
  };
}
