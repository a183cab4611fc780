/** A model as a Hugging Face folder: config.json, generation_config.json, the weights and the tokenizer's files. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { listFolder, syncFolder, TEMPORARY_PREFIX, writeFileAtomic } from '../core/files.js';
import type { Log } from '../core/log.js';
import type { Workspace } from '../store/workspace.js';
import { saveTokenizer } from '../tokenizer/save.js';
import { CONFIG_FILE } from './checkpoint.js';
import { openModelFolder } from './model-folder.js';
import { configText } from './models/config.js';
import { copyWeights } from './weights.js';

/**
 * Writes the folder, which appears whole or not at all.
 * @param path a folder with a model, or the name of a run
 * @param output must not exist, or be empty
 * @throws TokenmillError FILE_EXISTS, RUN_NOT_FOUND, MODEL_INVALID, TOKENIZER_NOT_FOUND
 */
export async function exportModel(
  path: string,
  output: string,
  context: { readonly workspace: Workspace; readonly log: Log },
  options: { readonly maxShardBytes?: number } = {},
): Promise<void> {
  const model = await openModelFolder(path, context.workspace, context.log);
  const tokenizer = await model.tokenizer();
  if ((await listFolder(output)).length > 0) {
    throw new TokenmillError('FILE_EXISTS', `${output} is not empty`, {
      hint: 'give a folder that does not exist',
    });
  }
  const temporary = join(dirname(output), `${TEMPORARY_PREFIX}${randomUUID()}-${basename(output)}`);
  try {
    await mkdir(temporary, { recursive: true });
    await copyWeights(model.folder, temporary, options.maxShardBytes);
    await saveTokenizer(tokenizer.model, temporary);
    const endOfText = tokenizer.endOfTextId;
    const generation = { bos_token_id: endOfText, eos_token_id: endOfText };
    await writeFileAtomic(join(temporary, CONFIG_FILE), configText(model.config));
    await writeFileAtomic(
      join(temporary, 'generation_config.json'),
      `${JSON.stringify(generation, null, 2)}\n`,
    );
    // Over an empty folder of that name, if there is one.
    await rename(temporary, output);
    await syncFolder(dirname(output));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw fromSystemError(error, output);
  }
}
