/**
 * Llama 1 (Touvron et al., 2023a, table 2), Llama 2 (2023b), Llama 3, 3.1 and 3.2 (Llama Team, 2024, table 3), and two small ones in
 * Llama's shape: the head width is 32 or 64, and the inner width 8/3 of the width, rounded to 32.
 */
import type { Preset, PresetTable } from './preset.js';

interface Shape {
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads?: number;
}

function llama(
  { width, inner, layers, heads, keyValueHeads = heads }: Shape,
  others: Readonly<Record<string, unknown>>,
): Preset {
  return {
    config: {
      model_type: 'llama',
      vocab_size: 32000,
      hidden_size: width,
      intermediate_size: inner,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: keyValueHeads,
      ...others,
    },
  };
}

const ONE = { max_position_embeddings: 2048, rms_norm_eps: 1e-6 };
const TWO = { max_position_embeddings: 4096, rms_norm_eps: 1e-5 };
const THREE = {
  vocab_size: 128256,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
};
const stretched = (factor: number): Record<string, unknown> => ({
  ...THREE,
  max_position_embeddings: 131072,
  rope_scaling: {
    rope_type: 'llama3',
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
});

export const LLAMA: PresetTable = {
  /** For a first look on a CPU: with a vocabulary of 8192 it has 1.8 M parameters. */
  tiny: llama(
    { width: 128, inner: 352, layers: 4, heads: 4, keyValueHeads: 2 },
    { max_position_embeddings: 256, initializer_range: 0.04, tie_word_embeddings: true },
  ),
  /** For a CPU and patience, or a small GPU: with a vocabulary of 8192 it has 12.6 M parameters. */
  small: llama(
    { width: 384, inner: 1024, layers: 6, heads: 6, keyValueHeads: 2 },
    { max_position_embeddings: 512, tie_word_embeddings: true },
  ),
  'llama-7b': llama({ width: 4096, inner: 11008, layers: 32, heads: 32 }, ONE),
  'llama-13b': llama({ width: 5120, inner: 13824, layers: 40, heads: 40 }, ONE),
  'llama-33b': llama({ width: 6656, inner: 17920, layers: 60, heads: 52 }, ONE),
  'llama-65b': llama({ width: 8192, inner: 22016, layers: 80, heads: 64 }, ONE),
  'llama2-7b': llama({ width: 4096, inner: 11008, layers: 32, heads: 32 }, TWO),
  'llama2-13b': llama({ width: 5120, inner: 13824, layers: 40, heads: 40 }, TWO),
  'llama2-70b': llama({ width: 8192, inner: 28672, layers: 80, heads: 64, keyValueHeads: 8 }, TWO),
  'llama3-8b': llama({ width: 4096, inner: 14336, layers: 32, heads: 32, keyValueHeads: 8 }, THREE),
  'llama3-70b': llama({ width: 8192, inner: 28672, layers: 80, heads: 64, keyValueHeads: 8 }, THREE),
  'llama3.1-405b': llama(
    { width: 16384, inner: 53248, layers: 126, heads: 128, keyValueHeads: 8 },
    stretched(8),
  ),
  'llama3.2-1b': llama(
    { width: 2048, inner: 8192, layers: 16, heads: 32, keyValueHeads: 8 },
    { ...stretched(32), tie_word_embeddings: true },
  ),
  'llama3.2-3b': llama(
    { width: 3072, inner: 8192, layers: 28, heads: 24, keyValueHeads: 8 },
    { ...stretched(32), tie_word_embeddings: true },
  ),
};
