/**
 * Writes a tokenizer as the folder of files that Hugging Face's libraries load: tokenizer.json, and for older readers
 * vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json.
 */
import { join } from 'node:path';
import { ensureFolder, writeFileAtomic } from '../core/files.js';
import { addedTokenFlags, mergesOf, toHuggingFace, vocabOf } from './formats/huggingface.js';
import { endOfTextId, type TokenizerModel } from './model.js';

/** Creates the folder where needed. tokenizer.json is written last: a folder that has it is complete. */
export async function saveTokenizer(model: TokenizerModel, folder: string): Promise<void> {
  await ensureFolder(folder);
  const endOfText = [...model.specials].find(([, id]) => id === endOfTextId(model))?.[0];
  const roles = endOfText === undefined ? {} : { bos_token: endOfText, eos_token: endOfText };
  const decoder = [...model.specials].map(([content, id]) => [
    String(id),
    { content, ...addedTokenFlags(model, content), special: true },
  ]);
  const config = {
    added_tokens_decoder: Object.fromEntries(decoder) as unknown,
    ...roles,
    clean_up_tokenization_spaces: false,
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
  const merges = mergesOf(model).map((merge) => `${merge}\n`);
  await writeFileAtomic(join(folder, 'vocab.json'), toJson(vocabOf(model)));
  await writeFileAtomic(join(folder, 'merges.txt'), `#version: 0.2\n${merges.join('')}`);
  await writeFileAtomic(join(folder, 'tokenizer_config.json'), toJson(config));
  await writeFileAtomic(join(folder, 'special_tokens_map.json'), toJson(roles));
  await writeFileAtomic(join(folder, 'tokenizer.json'), toJson(toHuggingFace(model)));
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
