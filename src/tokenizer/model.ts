/**
 * What a byte-level BPE tokenizer is, apart from how it is stored and how it is run.
 *
 * Byte-level BPE: Radford et al. 2019, section 2.2, after Sennrich et al. 2016 (arXiv:1508.07909).
 */
import { endianness } from 'node:os';
import { canonicalJson, sha256 } from '../core/hash.js';
import { TokenmillError } from '../core/errors.js';
import type { Pattern } from './patterns.js';
import type { SpecialRule } from './specials.js';
import { vocabularySize, type Vocabulary } from './vocabulary.js';

export interface TokenizerModel {
  readonly vocabulary: Vocabulary;
  /**
   * Merges from the first to the last: `left, right, result` of each, three ids. Of all neighbours in a pre-token the
   * pair that is first here is merged first, its leftmost occurrence before the others.
   */
  readonly merges: Int32Array;
  /** Tokens that stand for themselves and are found before anything else, by their text. */
  readonly specials: ReadonlyMap<string, number>;
  readonly pattern: Pattern;
  /** A pre-token that is in the vocabulary is one token, also where merges would not lead to it (tiktoken, Llama 3). */
  readonly wholePieces: boolean;
  /** Text is brought to Unicode normalization form C first (Qwen). */
  readonly nfc: boolean;
  /** Specials that ask something of their surroundings. */
  readonly specialRules?: ReadonlyMap<string, SpecialRule>;
  /** A space is put before a stretch of text that does not begin with one (`add_prefix_space`). */
  readonly prefixSpace?: boolean;
  /** The special that ends a document, where the files name one. */
  readonly endOfText?: string;
}

/** Texts by which an end-of-text token is known, in the order in which they are looked for. */
const END_OF_TEXT_NAMES = ['<|endoftext|>', '<|end_of_text|>', '</s>', '<eos>', '<|eos|>', '[EOS]'];

/** Id of the token that ends a document, null where the model names none and none of the specials is known as one. */
export function endOfTextId(model: TokenizerModel): number | null {
  const names = model.endOfText === undefined ? END_OF_TEXT_NAMES : [model.endOfText, ...END_OF_TEXT_NAMES];
  for (const name of names) {
    const id = model.specials.get(name);
    if (id !== undefined) return id;
  }
  return null;
}

/** The id of each byte as a token. @throws TokenmillError TOKENIZER_INVALID where a byte has none */
export function byteTokens(model: TokenizerModel): Int32Array {
  const { vocabulary, specials } = model;
  const special = new Set(specials.values());
  const ids = new Int32Array(256).fill(-1);
  for (let id = 0; id < vocabularySize(vocabulary); id++) {
    if (vocabulary.offsets[id + 1] - vocabulary.offsets[id] !== 1 || special.has(id)) continue;
    ids[vocabulary.bytes[vocabulary.offsets[id]]] = id;
  }
  const missing = ids.indexOf(-1);
  if (missing !== -1) {
    throw new TokenmillError(
      'TOKENIZER_INVALID',
      `the vocabulary has no token for the byte 0x${missing.toString(16).padStart(2, '0')}`,
      { hint: 'a byte-level tokenizer needs all 256 bytes, so that every text can be encoded' },
    );
  }
  return ids;
}

/** SHA-256 of the content, which does not depend on the kind of file it was read from. */
export function modelSha256(model: TokenizerModel): string {
  const { vocabulary, merges, specials, pattern, wholePieces, nfc, specialRules, prefixSpace } = model;
  return sha256(
    canonicalJson({
      format: 1,
      bytes: sha256(vocabulary.bytes),
      offsets: sha256(littleEndian(vocabulary.offsets)),
      merges: sha256(littleEndian(merges)),
      specials: Object.fromEntries(specials),
      pattern,
      wholePieces,
      nfc,
      // Only where they are used, so that a tokenizer without them keeps its hash.
      ...(specialRules === undefined || specialRules.size === 0
        ? {}
        : { specialRules: Object.fromEntries([...specialRules].map(([text, rule]) => [text, { ...rule }])) }),
      ...(prefixSpace === true ? { prefixSpace } : {}),
    }),
  );
}

function littleEndian(values: Int32Array | Uint32Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}
