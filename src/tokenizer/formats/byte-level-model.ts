/** Vocabulary and merges of GPT-2's text format, checked and brought to ids: what tokenizer.json and merges.txt share. */
import { TokenmillError } from '../../core/errors.js';
import { PairTable } from '../bpe/pair-table.js';
import { byteTokens, type TokenizerModel } from '../model.js';
import { packVocabulary } from '../vocabulary.js';
import { fromByteLevel } from './byte-level.js';
import { MAX_MERGES, MAX_TOKEN_ID } from './limits.js';

/** An error that names the file. */
export function invalid(file: string, message: string): TokenmillError {
  return new TokenmillError('TOKENIZER_INVALID', `${file}: ${message}`, { place: { file } });
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
  const special = new Map(specials);
  if (special.size < specials.length) throw invalid(file, 'an added token is there twice');
  const { tokens, idOf } = readTokens(vocab, special, file);
  const model: TokenizerModel = {
    vocabulary: packVocabulary(tokens),
    merges: readMerges(merges, idOf, file),
    specials: special,
    pattern: 'gpt2',
    wholePieces: false,
    nfc: false,
  };
  byteTokens(model);
  return model;
}

/** Tokens by id, and ids by the text of the file. */
function readTokens(
  vocab: Readonly<Record<string, unknown>>,
  special: ReadonlyMap<string, number>,
  file: string,
): { tokens: (Uint8Array | undefined)[]; idOf: Map<string, number> } {
  const tokens: (Uint8Array | undefined)[] = [];
  const idOf = new Map<string, number>();
  const put = (text: string, id: unknown): void => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_TOKEN_ID) {
      throw invalid(
        file,
        `the token ${JSON.stringify(text)} has the id ${JSON.stringify(id)}, not a whole number from 0 to ${MAX_TOKEN_ID}`,
      );
    }
    if (tokens[id] !== undefined)
      throw invalid(file, `the id ${id} of the token ${JSON.stringify(text)} is there twice`);
    const bytes = special.has(text) ? Buffer.from(text) : fromByteLevel(text);
    if (bytes === undefined || bytes.length === 0) {
      throw invalid(file, `the token ${JSON.stringify(text)} is not written in byte-level characters`);
    }
    tokens[id] = bytes;
    idOf.set(text, id);
  };
  for (const text of Object.keys(vocab)) put(text, vocab[text]);
  for (const [text, id] of special) {
    const known = idOf.get(text);
    if (known === undefined) put(text, id);
    else if (known !== id) throw invalid(file, `the added token ${JSON.stringify(text)} has two ids`);
  }
  return { tokens, idOf };
}

function readMerges(merges: readonly unknown[], idOf: ReadonlyMap<string, number>, file: string): Int32Array {
  if (merges.length > MAX_MERGES) throw invalid(file, `there are more than ${MAX_MERGES} merges`);
  const texts: string[] = [];
  for (const [text, id] of idOf) texts[id] = text;
  const result = new Int32Array(3 * merges.length);
  const pairs = new PairTable(merges.length);
  let previous = -1;
  for (let rank = 0; rank < merges.length; rank++) {
    const pair = splitMerge(merges[rank]);
    if (pair === undefined) throw badMerge(file, rank, merges[rank], 'is not a pair of tokens');
    const left = idOf.get(pair[0]);
    const right = idOf.get(pair[1]);
    // Mostly each merge makes the token after the one before: to compare is cheaper than to build the text and look it up.
    const made = isConcatenation(texts[previous + 1], pair) ? previous + 1 : idOf.get(pair[0] + pair[1]);
    if (left === undefined || right === undefined || made === undefined) {
      const missing = left === undefined ? pair[0] : right === undefined ? pair[1] : pair[0] + pair[1];
      const what = `needs the token ${JSON.stringify(missing)}, which is not in the vocabulary`;
      throw badMerge(file, rank, merges[rank], what);
    }
    if (!pairs.add(left, right, rank, made)) throw badMerge(file, rank, merges[rank], 'is there twice');
    result[3 * rank] = left;
    result[3 * rank + 1] = right;
    result[3 * rank + 2] = made;
    previous = made;
  }
  return result;
}

function badMerge(file: string, rank: number, merge: unknown, what: string): TokenmillError {
  return invalid(file, `merge ${rank + 1}, ${JSON.stringify(merge)}, ${what}`);
}

/** The two tokens of a merge, or undefined where it is something else. */
function splitMerge(merge: unknown): readonly [string, string] | undefined {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    if (space < 0 || merge.includes(' ', space + 1)) return undefined;
    return [merge.slice(0, space), merge.slice(space + 1)];
  }
  if (!Array.isArray(merge) || merge.length !== 2) return undefined;
  const [left, right] = merge as unknown[];
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : undefined;
}

function isConcatenation(text: string | undefined, [left, right]: readonly [string, string]): boolean {
  return (
    text !== undefined &&
    text.length === left.length + right.length &&
    text.startsWith(left) &&
    text.endsWith(right)
  );
}
