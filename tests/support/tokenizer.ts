/** A small tokenizer, for tests that need one to exist: it loads faster than the built-in vocabularies. */
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { generateDocuments } from './corpus.js';

/** Trains on generated prose and writes the tokenizer to `folder`, which is returned. */
export async function makeTokenizer(folder: string): Promise<string> {
  const texts = generateDocuments(9, 100).map(({ text }) => text);
  const model = await trainTokenizer(texts, { vocabSize: 400, specials: ['<|endoftext|>'], pattern: 'gpt2' });
  await saveTokenizer(model, folder);
  return folder;
}
