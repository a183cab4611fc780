/** Vocabulary and merges of GPT-2's text format, checked and brought to ids: what tokenizer.json and merges.txt share. */
import { TokenmillError } from '../../core/errors.js';
import { byteTokens, type TokenizerModel } from '../model.js';
import { packVocabulary } from '../vocabulary.js';
import { fromByteLevel } from './byte-level.js';
import { MAX_MERGES, MAX_TOKEN_ID } from './limits.js';

/** @throws TokenmillError TOKENIZER_INVALID with the message where the condition does not hold */
export function requireTrue(condition: boolean, file: string, message: string): asserts condition {
  if (!condition) throw new TokenmillError('TOKENIZER_INVALID', `${file}: ${message}`, { place: { file } });
}

interface ByteLevelParts {
  readonly vocab: Readonly<Record<string, unknown>>;
  /** Each a pair of tokens, or both in one text with a space between. */
  readonly merges: readonly unknown[];
  readonly specials: readonly (readonly [string, number])[];
  readonly file: string;
}

/** @throws TokenmillError TOKENIZER_INVALID */
export function buildByteLevel({ vocab, merges, specials, file }: ByteLevelParts): TokenizerModel {
  const tokens: (Uint8Array | undefined)[] = [];
  const idOf = new Map<string, number>();
  const special = new Map(specials);
  const encoder = new TextEncoder();
  const put = (text: string, id: unknown): void => {
    const name = JSON.stringify(text);
    requireTrue(
      typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID,
      file,
      `the token ${name} has the id ${JSON.stringify(id)}, not a whole number from 0 to ${MAX_TOKEN_ID}`,
    );
    requireTrue(tokens[id] === undefined, file, `the id ${id} of the token ${name} is there twice`);
    const bytes = special.has(text) ? encoder.encode(text) : fromByteLevel(text);
    requireTrue(
      bytes !== undefined && bytes.length > 0,
      file,
      `the token ${name} is not written in byte-level characters`,
    );
    tokens[id] = bytes;
    idOf.set(text, id);
  };
  for (const text of Object.keys(vocab)) put(text, vocab[text]);
  requireTrue(special.size === specials.length, file, 'an added token is there twice');
  for (const [text, id] of special) {
    const known = idOf.get(text);
    if (known === undefined) put(text, id);
    requireTrue(
      known === undefined || known === id,
      file,
      `the added token ${JSON.stringify(text)} has two ids`,
    );
  }
  const model: TokenizerModel = {
    vocabulary: packVocabulary(tokens),
    merges: parseMerges(merges, idOf, file),
    specials: special,
    pattern: 'gpt2',
    wholePieces: false,
    nfc: false,
  };
  byteTokens(model);
  return model;
}

function parseMerges(
  merges: readonly unknown[],
  idOf: ReadonlyMap<string, number>,
  file: string,
): Int32Array {
  requireTrue(merges.length <= MAX_MERGES, file, `there are more than ${MAX_MERGES} merges`);
  const result = new Int32Array(3 * merges.length);
  const seen = new Set<number>();
  merges.forEach((merge, rank) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    requireTrue(
      Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string',
      file,
      `merge ${rank + 1}, ${JSON.stringify(merge)}, is not a pair of tokens`,
    );
    const [left, right] = pair as [string, string];
    const ids = [left, right, left + right].map((text) => {
      const id = idOf.get(text);
      requireTrue(
        id !== undefined,
        file,
        `merge ${rank + 1}, ${JSON.stringify(merge)}, needs the token ${JSON.stringify(text)}, which is not in the vocabulary`,
      );
      return id;
    });
    const key = ids[0] * (MAX_TOKEN_ID + 1) + ids[1];
    requireTrue(!seen.has(key), file, `merge ${rank + 1}, ${JSON.stringify(merge)}, is there twice`);
    seen.add(key);
    result.set(ids, 3 * rank);
  });
  return result;
}
