/** tiktoken's rank files: a line a token, its bytes in base64 and its rank, which is its id. */
import { TokenmillError } from '../../core/errors.js';
import { byteTokens, type TokenizerModel } from '../model.js';
import type { Pattern } from '../patterns.js';
import { packVocabulary } from '../vocabulary.js';
import { MAX_TOKEN_ID } from './limits.js';
import { mergesFromRanks } from './ranks.js';

const LINE = /^([A-Za-z0-9+/]+={0,2}) (\d+)\r?$/;

/** Tokens by rank. */
function parseRanks(text: string, file: string): (Uint8Array | undefined)[] {
  const tokens: (Uint8Array | undefined)[] = [];
  const seen = new Set<string>();
  text.split('\n').forEach((content, index) => {
    if (content.trim() === '') return;
    const fail = (message: string): TokenmillError =>
      new TokenmillError('TOKENIZER_INVALID', `${file}: ${message}`, {
        place: { file, line: index + 1 },
        hint: 'a tiktoken file has on each line a token in base64, a space and its rank',
      });
    const match = LINE.exec(content);
    if (match === null) throw fail('the line is not a token and its rank');
    const rank = Number(match[2]);
    if (rank > MAX_TOKEN_ID) throw fail(`rank ${rank} is beyond ${MAX_TOKEN_ID}`);
    if (tokens[rank] !== undefined) throw fail(`rank ${rank} is there twice`);
    if (seen.has(match[1])) throw fail(`the token ${match[1]} is there twice`);
    seen.add(match[1]);
    tokens[rank] = Buffer.from(match[1], 'base64');
  });
  return tokens;
}

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
  text: string,
  file: string,
  definitionFor: (ranks: number) => RankDefinition,
): TokenizerModel {
  const tokens = parseRanks(text, file);
  const ranked = tokens.length;
  const { pattern, specials } = definitionFor(ranked);
  for (const [name, id] of specials) tokens[id] = Buffer.from(name);
  const vocabulary = packVocabulary(tokens);
  const model = { vocabulary, merges: new Int32Array(0), specials, pattern, wholePieces: false, nfc: false };
  const { merges, complete } = mergesFromRanks(vocabulary, ranked, byteTokens(model));
  return { ...model, merges, wholePieces: !complete };
}
