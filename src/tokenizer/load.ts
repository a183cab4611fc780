/**
 * Finds and reads tokenizers: by name, from a file, from a folder.
 *
 * A name is one in the given folder, else a built-in one, else a path. A folder has tokenizer.json, or vocab.json and
 * merges.txt, and those two are taken to cut text like GPT-2. A rank file says neither pattern nor specials: it gets
 * those of the built-in tokenizer that has as many ranks, else the pattern of cl100k_base and `<|endoftext|>` behind the
 * last rank.
 */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { listFolder } from '../core/files.js';
import { BUILTIN_NAMES, definitionByRanks, loadBuiltin } from './builtin.js';
import { invalid } from './formats/byte-level-model.js';
import { parseEndOfText } from './formats/token-roles.js';
import { parseVocabAndMerges } from './formats/gpt2-files.js';
import { parseHuggingFace } from './formats/huggingface.js';
import { MAX_FILE_BYTES } from './formats/limits.js';
import { parseTiktoken } from './formats/tiktoken.js';
import type { TokenizerModel } from './model.js';
import { Tokenizer } from './tokenizer.js';

export interface LoadOptions {
  /** Folder of named tokenizers, each a folder: the workspace's `tokenizers`. */
  readonly folder?: string;
  /** Takes names only, never a path: for names that come from somebody who may not read every file. */
  readonly namesOnly?: boolean;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** @throws TokenmillError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID */
export async function loadTokenizer(nameOrPath: string, options: LoadOptions = {}): Promise<Tokenizer> {
  if (NAME.test(nameOrPath)) {
    const named = options.folder === undefined ? undefined : join(options.folder, nameOrPath);
    if (named !== undefined && existsSync(named)) return new Tokenizer(await readFolder(named));
    if (BUILTIN_NAMES.includes(nameOrPath)) return new Tokenizer(await loadBuiltin(nameOrPath));
  }
  if (options.namesOnly === true) throw await notFound(nameOrPath, options.folder, undefined);
  let isFolder: boolean;
  try {
    isFolder = (await stat(nameOrPath)).isDirectory();
  } catch (error) {
    const reason = fromSystemError(error, nameOrPath);
    if (!(reason instanceof TokenmillError) || reason.code !== 'FILE_NOT_FOUND') throw reason;
    throw await notFound(nameOrPath, options.folder, error);
  }
  return new Tokenizer(isFolder ? await readFolder(nameOrPath) : await readTokenizerFile(nameOrPath));
}

async function notFound(spec: string, folder: string | undefined, cause: unknown): Promise<TokenmillError> {
  const named = folder === undefined ? [] : await listFolder(folder);
  return new TokenmillError(
    'TOKENIZER_NOT_FOUND',
    `there is no tokenizer ${spec}: neither a name${folder === undefined ? '' : ` in ${folder}`} nor a file or folder`,
    { hint: `names are ${[...new Set([...named, ...BUILTIN_NAMES])].join(', ')}`, cause },
  );
}

async function readFolder(folder: string): Promise<TokenizerModel> {
  const whole = join(folder, 'tokenizer.json');
  if (existsSync(whole)) return withRoles(await readTokenizerFile(whole), folder);
  const vocab = join(folder, 'vocab.json');
  const merges = join(folder, 'merges.txt');
  if (existsSync(vocab) && existsSync(merges)) {
    return parseVocabAndMerges({
      vocab: parseJson(await readBytes(vocab), vocab),
      vocabFile: vocab,
      merges: (await readBytes(merges)).toString(),
      mergesFile: merges,
    });
  }
  throw new TokenmillError('TOKENIZER_NOT_FOUND', `the folder ${folder} has no tokenizer`, {
    hint: 'a tokenizer folder has tokenizer.json, or vocab.json and merges.txt',
  });
}

/** The model with the end-of-text token that the files beside tokenizer.json name. */
async function withRoles(model: TokenizerModel, folder: string): Promise<TokenizerModel> {
  for (const name of ['tokenizer_config.json', 'special_tokens_map.json']) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    const endOfText = parseEndOfText(parseJson(await readBytes(file), file), file);
    if (endOfText === undefined) continue;
    if (!model.specials.has(endOfText)) {
      throw invalid(
        file,
        `eos_token: ${JSON.stringify(endOfText)} is not among the added tokens of tokenizer.json`,
      );
    }
    return { ...model, endOfText };
  }
  return model;
}

async function readTokenizerFile(file: string): Promise<TokenizerModel> {
  const content = await readBytes(file);
  const isJson = file.endsWith('.json') || content.toString('latin1', 0, 64).trimStart().startsWith('{');
  return isJson
    ? parseHuggingFace(parseJson(content, file), file)
    : parseTiktoken(content, file, definitionByRanks);
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) {
      throw new TokenmillError(
        'TOKENIZER_INVALID',
        `${file} has ${size} bytes, more than ${MAX_FILE_BYTES}`,
        { place: { file } },
      );
    }
    return await readFile(file);
  } catch (error) {
    throw fromSystemError(error, file);
  }
}

function parseJson(content: Buffer, file: string): unknown {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch (error) {
    throw new TokenmillError('TOKENIZER_INVALID', `${file} is not valid JSON: ${(error as Error).message}`, {
      place: { file },
      cause: error,
    });
  }
}
