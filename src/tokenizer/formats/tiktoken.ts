/** tiktoken's rank files: a line a token, its bytes in base64 and its rank, which is its id. */
import { TokenmillError } from '../../core/errors.js';
import { byteTokens, type TokenizerModel } from '../model.js';
import type { Pattern } from '../patterns.js';
import { packVocabulary, tokenBytes, vocabularySize } from '../vocabulary.js';
import { MAX_TOKEN_ID } from './limits.js';
import { mergesFromRanks } from './ranks.js';

/** What a rank file does not say. */
export interface RankDefinition {
  readonly pattern: Pattern;
  readonly specials: ReadonlyMap<string, number>;
}

/**
 * @param definitionFor says, from the number of ranks, what the file does not
 * @throws TokenmillError TOKENIZER_INVALID naming file and line
 */
export function parseTiktoken(
  content: Uint8Array,
  file: string,
  definitionFor: (ranks: number) => RankDefinition,
): TokenizerModel {
  const tokens = readRanks(content, file);
  const ranked = tokens.length;
  const { pattern, specials } = definitionFor(ranked);
  for (const [name, id] of specials) tokens[id] = Buffer.from(name);
  const vocabulary = packVocabulary(tokens);
  const model = { vocabulary, merges: new Int32Array(0), specials, pattern, wholePieces: false, nfc: false };
  const { merges, complete, repeated } = mergesFromRanks(vocabulary, ranked, byteTokens(model));
  if (repeated >= 0) {
    throw new TokenmillError('TOKENIZER_INVALID', `${file}: the token of rank ${repeated} is there twice`, {
      place: { file },
    });
  }
  return { ...model, merges, wholePieces: !complete };
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const PADDING = 0x3d;
const DIGIT_0 = 0x30;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Value of each base64 character, -1 for the other bytes. */
const SEXTET = Int8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 ? ALPHABET.indexOf(String.fromCharCode(byte)) : -1,
);

/** Tokens by rank. By bytes: with a string and an expression for each line a large file takes four times as long. */
function readRanks(content: Uint8Array, file: string): (Uint8Array | undefined)[] {
  const tokens: (Uint8Array | undefined)[] = [];
  // All decoded bytes, of which the tokens are views.
  const decoded = new Uint8Array(content.length);
  let used = 0;
  let line = 0;
  for (let at = 0; at < content.length;) {
    line += 1;
    const found = content.indexOf(LINE_FEED, at);
    const nextLine = found < 0 ? content.length : found + 1;
    const end = trimmedEnd(content, at, nextLine);
    if (at < end) {
      const space = content.indexOf(SPACE, at);
      const start = used;
      if (space >= 0 && space < end) used = decodeBase64(content, at, space, decoded, used);
      const rank = used > start ? readNumber(content, space + 1, end) : -1;
      if (rank < 0) throw badLine(file, line, 'the line is not a token and its rank');
      if (rank > MAX_TOKEN_ID) throw badLine(file, line, `rank ${rank} is beyond ${MAX_TOKEN_ID}`);
      if (tokens[rank] !== undefined) throw badLine(file, line, `rank ${rank} is there twice`);
      tokens[rank] = decoded.subarray(start, used);
    }
    at = nextLine;
  }
  return tokens;
}

function badLine(file: string, line: number, message: string): TokenmillError {
  return new TokenmillError('TOKENIZER_INVALID', `${file}: ${message}`, {
    place: { file, line },
    hint: 'a tiktoken file has on each line a token in base64, a space and its rank',
  });
}

/** End of the line without its line break. */
function trimmedEnd(content: Uint8Array, start: number, end: number): number {
  while (end > start && (content[end - 1] === LINE_FEED || content[end - 1] === CARRIAGE_RETURN)) end -= 1;
  return end;
}

/** Appends what `content[at, end)` says in base64; returns where it ends, or `used` where it is not base64. */
function decodeBase64(
  content: Uint8Array,
  at: number,
  end: number,
  decoded: Uint8Array,
  used: number,
): number {
  if (end === at || (end - at) % 4 !== 0) return used;
  let last = end;
  while (last > end - 2 && content[last - 1] === PADDING) last -= 1;
  let bits = 0;
  let held = 0;
  let to = used;
  for (let index = at; index < last; index++) {
    const value = SEXTET[content[index]];
    if (value < 0) return used;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      decoded[to++] = bits >> held;
    }
  }
  return to;
}

/** A whole number of decimal digits, -1 where there is none. */
function readNumber(content: Uint8Array, at: number, end: number): number {
  if (at === end || end - at > 9) return -1;
  let value = 0;
  for (let index = at; index < end; index++) {
    const digit = content[index] - DIGIT_0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * The rank file of a model, without its specials, which such files do not have.
 * @throws TokenmillError TOKENIZER_INVALID where merging by rank would not give what the model's merges give
 */
export function toTiktoken(model: TokenizerModel): string {
  const { vocabulary, specials } = model;
  const special = new Set(specials.values());
  const size = vocabularySize(vocabulary);
  const tokens = Array.from({ length: size }, (_, id) => {
    const bytes = tokenBytes(vocabulary, id);
    return special.has(id) || bytes.length === 0 ? undefined : bytes;
  });
  const ranked = packVocabulary(tokens);
  const { merges, complete, repeated } = mergesFromRanks(ranked, size, byteTokens(model));
  if (repeated >= 0 || !sameMerges(merges, model.merges) || complete === model.wholePieces) {
    throw new TokenmillError(
      'TOKENIZER_INVALID',
      'the tokenizer cannot be written as a rank file: ranks are ids, and its merges are in another order',
      { hint: 'write it in the format of Hugging Face' },
    );
  }
  const lines = tokens.map((bytes, id) =>
    bytes === undefined ? '' : `${Buffer.from(bytes).toString('base64')} ${id}\n`,
  );
  return lines.join('');
}

function sameMerges(found: Int32Array, expected: Int32Array): boolean {
  return found.length === expected.length && found.every((value, index) => value === expected[index]);
}
