/**
 * Checks against files that are not part of this repository: the tokenizer fixtures of Stanford's CS336, assignment 1.
 *
 *   npx tsx tests/tokenizer/conformance.ts FOLDER
 *
 * With PYTHON in the environment, a Python that has tiktoken and tokenizers, the ids around every code point are compared too,
 * for the built-in tokenizers and for every pattern; FOLDER may be - then.
 *
 * FOLDER has gpt2_vocab.json and gpt2_merges.txt, corpus.en with the vocabulary and merges that training on it must give
 * (train-bpe-reference-*), and sample texts. Prints a line a check; exit status 1 where one fails.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { BUILTIN_NAMES } from '../../src/tokenizer/builtin.js';
import { mergesOf, vocabOf } from '../../src/tokenizer/formats/huggingface.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { PATTERN_NAMES } from '../../src/tokenizer/patterns.js';
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

const PEERS = fileURLToPath(new URL('../../bench/peers/tokenizer.py', import.meta.url));
const RANKS = createRequire(import.meta.url).resolve('gpt-tokenizer/data/cl100k_base.tiktoken');

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: npx tsx tests/tokenizer/conformance.ts FOLDER\n');
  process.exit(2);
}

function check(name: string, found: unknown, expected: unknown): void {
  const equal = isDeepStrictEqual(found, expected);
  process.stdout.write(`${equal ? 'ok  ' : 'FAIL'} ${name}${equal ? '' : `: ${JSON.stringify(found)}`}\n`);
  if (!equal) process.exitCode = 1;
}

if (folder !== '-') await compareFixtures(folder);
if (process.env['PYTHON'] !== undefined) await compareCodePoints(process.env['PYTHON']);

async function compareFixtures(folder: string): Promise<void> {
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

  const trained = await trainTokenizer([text('corpus.en')], { vocabSize: 500, specials: ['<|endoftext|>'] });
  check(
    'merges of corpus.en',
    mergesOf(trained),
    text('train-bpe-reference-merges.txt').trimEnd().split('\n'),
  );
  check(
    'vocabulary of corpus.en',
    { ...vocabOf(trained) },
    JSON.parse(text('train-bpe-reference-vocab.json')),
  );

  const pair = mkdtempSync(join(tmpdir(), 'tokenmill-conformance-'));
  copyFileSync(join(folder, 'gpt2_vocab.json'), join(pair, 'vocab.json'));
  copyFileSync(join(folder, 'gpt2_merges.txt'), join(pair, 'merges.txt'));
  const gpt2 = await loadTokenizer(pair);
  rmSync(pair, { recursive: true });
  check('GPT-2 from its files is the built-in one', gpt2.sha256, (await loadTokenizer('gpt2')).sha256);

  // Numbers of tokens that tiktoken gives.
  for (const [name, tokens] of [
    ['address.txt', 320],
    ['german.txt', 190],
    ['tinystories_sample.txt', 923],
    ['corpus.en', 30_854],
  ] as const) {
    const ids = gpt2.encode(text(name), { allowedSpecial: 'all' });
    check(`GPT-2 tokens of ${name}`, ids.length, tokens);
    check(`GPT-2 text of ${name}`, gpt2.decodeText(ids), text(name));
  }
  const story = gpt2.encode(text('tinystories_sample.txt'), { allowedSpecial: 'all' });
  check('ends of text in tinystories_sample.txt', story.filter((id) => id === gpt2.endOfTextId).length, 5);
}

/** Each code point behind and before a letter, a digit, a space, a line break, an apostrophe and itself. */
async function compareCodePoints(python: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'tokenmill-conformance-'));
  const lines: string[] = [];
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
    const c = String.fromCodePoint(codePoint);
    lines.push(`a${c}B ${c}${c}1${c}'${c}S.${c}\n`);
  }
  const file = join(work, 'code-points');
  const text = Buffer.from(lines.join(''));
  writeFileSync(file, text);
  const digestOf = (tokenizer: Tokenizer): string => {
    const hash = createHash('sha256');
    for (let start = 0; start < text.length;) {
      let end = Math.min(text.length, start + 65_536);
      if (end < text.length) end = text.lastIndexOf('\n', end - 1) + 1;
      hash.update(tokenizer.encode(text.subarray(start, end)));
      start = end;
    }
    return hash.digest('hex');
  };
  const peer = (...args: string[]): string =>
    (JSON.parse(execFileSync(python, [PEERS, ...args], { encoding: 'utf8' })) as { sha256: string }).sha256;
  for (const name of BUILTIN_NAMES) {
    const expected = peer('encode', dirname(RANKS), name, file);
    const { model } = await loadTokenizer(name);
    for (const engine of ['auto', 'typescript'] as const)
      check(
        `every code point as tiktoken: ${name}, ${engine}`,
        digestOf(new Tokenizer(model, engine)),
        expected,
      );
  }
  const { model } = await loadTokenizer('gpt2');
  for (const pattern of PATTERN_NAMES) {
    const saved = join(work, pattern);
    await saveTokenizer({ ...model, pattern }, saved);
    const found = digestOf(new Tokenizer({ ...model, pattern }));
    check(
      `every code point as tokenizers: ${pattern}`,
      found,
      peer('encode_hf', join(saved, 'tokenizer.json'), file),
    );
  }
  rmSync(work, { recursive: true });
}
