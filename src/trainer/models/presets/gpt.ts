/**
 * GPT-2 (Radford et al., 2019, table 2), GPT-3 (Brown et al., 2020, table 2.1; its XL with 16 heads, so that they divide the
 * width, and its 13B with the width that 40 heads of 128 have) GPT-J (Wang and Komatsuzaki, 2021) and XGLM (Lin et al., 2021, table 1).
 */
import type { Preset, PresetTable } from './preset.js';

function gpt2(width: number, layers: number, heads: number, positions = 1024): Preset {
  return {
    config: {
      model_type: 'gpt2',
      vocab_size: 50257,
      n_embd: width,
      n_layer: layers,
      n_head: heads,
      n_positions: positions,
    },
  };
}

const gpt3 = (width: number, layers: number, heads: number): Preset => gpt2(width, layers, heads, 2048);

export const GPT: PresetTable = {
  'gpt2-tiny': gpt2(128, 4, 4, 256),
  gpt2: gpt2(768, 12, 12),
  'gpt2-medium': gpt2(1024, 24, 16),
  'gpt2-large': gpt2(1280, 36, 20),
  'gpt2-xl': gpt2(1600, 48, 25),
  'gpt3-125m': gpt3(768, 12, 12),
  'gpt3-350m': gpt3(1024, 24, 16),
  'gpt3-760m': gpt3(1536, 24, 16),
  'gpt3-1.3b': gpt3(2048, 24, 16),
  'gpt3-2.7b': gpt3(2560, 32, 32),
  'gpt3-6.7b': gpt3(4096, 32, 32),
  'gpt3-13b': gpt3(5120, 40, 40),
  'gpt3-175b': gpt3(12288, 96, 96),
  'gptj-tiny': {
    config: {
      model_type: 'gptj',
      n_embd: 128,
      n_layer: 4,
      n_head: 4,
      rotary_dim: 16,
      n_positions: 256,
    },
  },
  'xglm-tiny': {
    config: {
      model_type: 'xglm',
      d_model: 128,
      ffn_dim: 512,
      num_layers: 4,
      attention_heads: 4,
      max_position_embeddings: 256,
    },
  },
  'xglm-564m': { config: { model_type: 'xglm', vocab_size: 256008 } },
  'gptj-6b': { config: { model_type: 'gptj', vocab_size: 50400 } },
};
