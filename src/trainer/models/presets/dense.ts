/**
 * Other dense families: PaLM (Chowdhery et al., 2022, table 1), OPT (Zhang et al., 2022, table 1), BLOOM (Le Scao et al., 2022,
 * table 3), Qwen 2 (Yang et al., 2024, table 1), Qwen 3 (Yang et al., 2025, table 1), OLMo 2 (OLMo team, 2024, table 3).
 */
import type { Preset, PresetTable } from './preset.js';

function palm(width: number, layers: number, heads: number, headWidth = 256, positions = 2048): Preset {
  return {
    config: {
      model_type: 'cohere',
      vocab_size: 256000,
      hidden_size: width,
      intermediate_size: 4 * width,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: 1,
      head_dim: headWidth,
      max_position_embeddings: positions,
      logit_scale: 1,
    },
  };
}

function opt(width: number, layers: number, heads: number, others: Readonly<object> = {}): Preset {
  return {
    config: {
      model_type: 'opt',
      vocab_size: 50272,
      hidden_size: width,
      ffn_dim: 4 * width,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      max_position_embeddings: 2048,
      ...others,
    },
  };
}

function bloom(width: number, layers: number, heads: number, positions = 2048): Preset {
  return {
    config: {
      model_type: 'bloom',
      vocab_size: 250880,
      hidden_size: width,
      n_layer: layers,
      n_head: heads,
      seq_length: positions,
    },
  };
}

interface Shape {
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly tied?: boolean;
  readonly others?: Readonly<object>;
}

function llamaLike(type: string, { width, inner, layers, heads, keyValueHeads, ...rest }: Shape): Preset {
  return {
    config: {
      model_type: type,
      hidden_size: width,
      intermediate_size: inner,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: keyValueHeads,
      tie_word_embeddings: rest.tied ?? false,
      ...rest.others,
    },
  };
}

const qwen2 = (shape: Shape): Preset =>
  llamaLike('qwen2', {
    ...shape,
    others: {
      vocab_size: 151936,
      max_position_embeddings: 32768,
      rope_theta: 1e6,
      ...shape.others,
    },
  });
const qwen3 = (shape: Shape): Preset =>
  llamaLike('qwen3', {
    ...shape,
    others: {
      vocab_size: 151936,
      head_dim: 128,
      max_position_embeddings: 32768,
      rope_theta: 1e6,
      ...shape.others,
    },
  });
const olmo2 = (shape: Shape): Preset =>
  llamaLike('olmo2', {
    ...shape,
    others: {
      vocab_size: 100352,
      max_position_embeddings: 4096,
      rms_norm_eps: 1e-6,
      rope_theta: 500000,
      ...shape.others,
    },
  });

/** In the size of the preset `tiny`. */
const TINY = { width: 128, inner: 352, layers: 4, heads: 4, keyValueHeads: 2, tied: true };
const SHORT = { max_position_embeddings: 256 };

export const DENSE: PresetTable = {
  'palm-tiny': palm(128, 4, 4, 32, 256),
  'palm-8b': palm(4096, 32, 16),
  'palm-62b': palm(8192, 64, 32),
  'palm-540b': palm(18432, 118, 48),

  'opt-tiny': opt(128, 4, 4, SHORT),
  'opt-125m': opt(768, 12, 12),
  'opt-350m': opt(1024, 24, 16, { do_layer_norm_before: false, word_embed_proj_dim: 512 }),
  'opt-1.3b': opt(2048, 24, 32),
  'opt-2.7b': opt(2560, 32, 32),
  'opt-6.7b': opt(4096, 32, 32),
  'opt-13b': opt(5120, 40, 40),
  'opt-30b': opt(7168, 48, 56),
  'opt-66b': opt(9216, 64, 72),
  'opt-175b': opt(12288, 96, 96),

  'bloom-tiny': bloom(128, 4, 4, 256),
  'bloom-560m': bloom(1024, 24, 16),
  'bloom-1b1': bloom(1536, 24, 16),
  'bloom-1b7': bloom(2048, 24, 16),
  'bloom-3b': bloom(2560, 30, 32),
  'bloom-7b1': bloom(4096, 30, 32),
  'bloom-176b': bloom(14336, 70, 112),

  'qwen2-tiny': qwen2({ ...TINY, others: SHORT }),
  'qwen2-0.5b': qwen2({ width: 896, inner: 4864, layers: 24, heads: 14, keyValueHeads: 2, tied: true }),
  'qwen2-1.5b': qwen2({ width: 1536, inner: 8960, layers: 28, heads: 12, keyValueHeads: 2, tied: true }),
  'qwen2-7b': qwen2({
    width: 3584,
    inner: 18944,
    layers: 28,
    heads: 28,
    keyValueHeads: 4,
    others: { vocab_size: 152064 },
  }),
  'qwen2-72b': qwen2({
    width: 8192,
    inner: 29568,
    layers: 80,
    heads: 64,
    keyValueHeads: 8,
    others: { vocab_size: 152064 },
  }),

  'qwen3-tiny': qwen3({ ...TINY, others: { ...SHORT, head_dim: 32 } }),
  'qwen3-0.6b': qwen3({ width: 1024, inner: 3072, layers: 28, heads: 16, keyValueHeads: 8, tied: true }),
  'qwen3-1.7b': qwen3({ width: 2048, inner: 6144, layers: 28, heads: 16, keyValueHeads: 8, tied: true }),
  'qwen3-4b': qwen3({ width: 2560, inner: 9728, layers: 36, heads: 32, keyValueHeads: 8, tied: true }),
  'qwen3-8b': qwen3({ width: 4096, inner: 12288, layers: 36, heads: 32, keyValueHeads: 8 }),
  'qwen3-14b': qwen3({ width: 5120, inner: 17408, layers: 40, heads: 40, keyValueHeads: 8 }),
  'qwen3-32b': qwen3({ width: 5120, inner: 25600, layers: 64, heads: 64, keyValueHeads: 8 }),

  'olmo2-tiny': olmo2({ ...TINY, keyValueHeads: 4, others: SHORT }),
  'olmo2-1b': olmo2({ width: 2048, inner: 8192, layers: 16, heads: 16, keyValueHeads: 16 }),
  'olmo2-7b': olmo2({ width: 4096, inner: 11008, layers: 32, heads: 32, keyValueHeads: 32 }),
  'olmo2-13b': olmo2({ width: 5120, inner: 13824, layers: 40, heads: 40, keyValueHeads: 40 }),
  'olmo2-32b': olmo2({ width: 5120, inner: 27648, layers: 64, heads: 40, keyValueHeads: 8 }),
};
