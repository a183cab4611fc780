/**
 * GPT-2's pair of files: vocab.json (token to id) and merges.txt (a merge a line, first merge first; a first line that
 * begins with "#version" is not a merge). They do not say what is special: it is every token that is neither a byte nor
 * made by a merge.
 */
import type { TokenizerModel } from '../model.js';
import { buildByteLevel, invalid } from './byte-level-model.js';

interface Gpt2Files {
  readonly vocab: unknown;
  readonly vocabFile: string;
  readonly merges: string;
  readonly mergesFile: string;
}

/** @throws TokenmillError TOKENIZER_INVALID */
export function parseVocabAndMerges({ vocab, vocabFile, merges, mergesFile }: Gpt2Files): TokenizerModel {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw invalid(vocabFile, 'the vocabulary is not an object of tokens and ids');
  }
  const lines = merges.split(/\r?\n/);
  if (lines[0].startsWith('#version')) lines.shift();
  const pairs = lines.filter((line) => line !== '');
  const made = new Set(pairs.map((line) => line.replace(' ', '')));
  const specials = Object.entries(vocab as Record<string, number>).filter(
    ([token]) => token.length > 1 && !made.has(token),
  );
  return buildByteLevel({
    vocab: vocab as Record<string, unknown>,
    merges: pairs,
    specials,
    file: mergesFile,
  });
}
