/** Sizes by name. The vocabulary is the tokenizer's. */
import { TokenmillError } from '../../core/errors.js';
import { type ModelConfig, parseModelConfig } from './registry.js';

/** Shape of a Llama model; the head width is 32 or 64, and the inner width 8/3 of the width, rounded to 32. */
const PRESETS = {
  /** For a first look on a CPU: with a vocabulary of 8192 it has 1.8 M parameters. */
  tiny: {
    hidden_size: 128,
    intermediate_size: 352,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 256,
    initializer_range: 0.04,
  },
  /** For a CPU and patience, or a small GPU: with a vocabulary of 8192 it has 12.6 M parameters. */
  small: {
    hidden_size: 384,
    intermediate_size: 1024,
    num_hidden_layers: 6,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    max_position_embeddings: 512,
    initializer_range: 0.02,
  },
} as const;

export type PresetName = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];

/** The configuration of a preset. @throws TokenmillError MODEL_INVALID where there is none of that name */
export function presetConfig(name: string, vocabulary: number): ModelConfig {
  const preset = PRESET_NAMES.find((known) => known === name);
  if (preset === undefined) {
    throw new TokenmillError('MODEL_INVALID', `there is no preset "${name}"`, {
      hint: `presets: ${PRESET_NAMES.join(', ')}; or give the path of a config.json`,
    });
  }
  return parseModelConfig({
    model_type: 'llama',
    vocab_size: vocabulary,
    tie_word_embeddings: true,
    ...PRESETS[preset],
  });
}
