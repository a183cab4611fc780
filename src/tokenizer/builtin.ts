/** The tokenizers of OpenAI that are known by name; their ranks come with the package gpt-tokenizer. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fromSystemError } from '../core/errors.js';
import { parseTiktoken, type RankDefinition } from './formats/tiktoken.js';
import type { TokenizerModel } from './model.js';
import type { PatternName } from './patterns.js';

interface Builtin {
  readonly file: string;
  readonly ranks: number;
  readonly pattern: PatternName;
  readonly specials: Readonly<Record<string, number>>;
}

/** As in tiktoken's openai_public.py. */
const BUILTINS: Readonly<Record<string, Builtin>> = {
  gpt2: {
    file: 'r50k_base.tiktoken',
    ranks: 50256,
    pattern: 'gpt2',
    specials: { '<|endoftext|>': 50256 },
  },
  cl100k_base: {
    file: 'cl100k_base.tiktoken',
    ranks: 100256,
    pattern: 'cl100k',
    specials: {
      '<|endoftext|>': 100257,
      '<|fim_prefix|>': 100258,
      '<|fim_middle|>': 100259,
      '<|fim_suffix|>': 100260,
      '<|endofprompt|>': 100276,
    },
  },
  o200k_base: {
    file: 'o200k_base.tiktoken',
    ranks: 199998,
    pattern: 'o200k',
    specials: { '<|endoftext|>': 199999, '<|endofprompt|>': 200018 },
  },
};

export const BUILTIN_NAMES: readonly string[] = Object.keys(BUILTINS);

export async function loadBuiltin(name: string): Promise<TokenizerModel> {
  const path = createRequire(import.meta.url).resolve(`gpt-tokenizer/data/${BUILTINS[name].file}`);
  try {
    return parseTiktoken(await readFile(path), path, definitionByRanks);
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Pattern and specials for a rank file: those of the built-in with as many ranks, else cl100k's and one special. */
export function definitionByRanks(ranks: number): RankDefinition {
  const known = Object.values(BUILTINS).find((builtin) => builtin.ranks === ranks);
  return {
    pattern: known?.pattern ?? 'cl100k',
    specials: new Map(known === undefined ? [['<|endoftext|>', ranks]] : Object.entries(known.specials)),
  };
}
