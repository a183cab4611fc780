/**
 * Checks against files that are not part of this repository: the tokenizer fixtures of Stanford's CS336, assignment 1.
 *
 *   npx tsx tests/tokenizer/conformance.ts FOLDER
 *
 * FOLDER has gpt2_vocab.json and gpt2_merges.txt, corpus.en with the vocabulary and merges that training on it must give
 * (train-bpe-reference-*), and sample texts. Prints a line a check; exit status 1 where one fails.
 */
import { mkdtempSync, readFileSync, rmSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { mergesOf, vocabOf } from '../../src/tokenizer/formats/huggingface.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';

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

const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

const trained = await trainTokenizer([text('corpus.en')], { vocabSize: 500, specials: ['<|endoftext|>'] });
check('merges of corpus.en', mergesOf(trained), text('train-bpe-reference-merges.txt').trimEnd().split('\n'));
check('vocabulary of corpus.en', { ...vocabOf(trained) }, JSON.parse(text('train-bpe-reference-vocab.json')));

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
