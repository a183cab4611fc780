/** Models by name, in the sizes that were published and in small ones; docs/models.md lists them. */
import { TokenmillError } from '../../core/errors.js';
import { DENSE } from './presets/dense.js';
import { GPT } from './presets/gpt.js';
import { LLAMA } from './presets/llama.js';
import { MIXTURES } from './presets/mixtures.js';
import type { PresetTable } from './presets/preset.js';
import { type ModelConfig, parseModelConfig } from './registry.js';

const PRESETS: PresetTable = { ...LLAMA, ...GPT, ...DENSE, ...MIXTURES };

export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/**
 * The configuration of a preset.
 * @param vocabulary of the tokenizer. Default: the one that was published; the small presets have none
 * @throws TokenmillError MODEL_INVALID where there is none of that name
 */
export function presetConfig(name: string, vocabulary?: number): ModelConfig {
  if (Object.hasOwn(PRESETS, name)) {
    const { config } = PRESETS[name];
    return parseModelConfig(vocabulary === undefined ? config : { ...config, vocab_size: vocabulary });
  }
  throw new TokenmillError('MODEL_INVALID', `there is no preset "${name}"`, {
    hint: 'tokenmill train --help lists the presets; or give the path of a config.json',
  });
}
