/** Mixtures of experts: Mixtral (Jiang et al., 2024, table 1) and DeepSeek V3 (DeepSeek-AI, 2024, section 4.2). */
import type { PresetTable } from './preset.js';

/** Training needs the loss that balances the load of the experts. */
const BALANCED = { output_router_logits: true, router_aux_loss_coef: 0.02 };

export const MIXTURES: PresetTable = {
  'mixtral-tiny': {
    config: {
      model_type: 'mixtral',
      hidden_size: 128,
      intermediate_size: 176,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      num_local_experts: 4,
      num_experts_per_tok: 2,
      max_position_embeddings: 256,
      tie_word_embeddings: true,
      ...BALANCED,
    },
  },
  'mixtral-8x7b': {
    config: {
      model_type: 'mixtral',
      vocab_size: 32000,
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 32768,
      rope_theta: 1e6,
      ...BALANCED,
    },
  },
  'mixtral-8x22b': {
    config: {
      model_type: 'mixtral',
      vocab_size: 32768,
      hidden_size: 6144,
      intermediate_size: 16384,
      num_hidden_layers: 56,
      num_attention_heads: 48,
      num_key_value_heads: 8,
      max_position_embeddings: 65536,
      rope_theta: 1e6,
      ...BALANCED,
    },
  },
  'deepseek-v3-tiny': {
    config: {
      model_type: 'deepseek_v3',
      hidden_size: 128,
      intermediate_size: 352,
      moe_intermediate_size: 88,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      q_lora_rank: 64,
      kv_lora_rank: 32,
      qk_nope_head_dim: 32,
      qk_rope_head_dim: 16,
      v_head_dim: 32,
      n_routed_experts: 8,
      num_experts_per_tok: 2,
      n_group: 4,
      topk_group: 2,
      first_k_dense_replace: 1,
      max_position_embeddings: 256,
      tie_word_embeddings: true,
    },
  },
  'deepseek-v3': {
    config: {
      model_type: 'deepseek_v3',
      vocab_size: 129280,
      hidden_size: 7168,
      intermediate_size: 18432,
      num_hidden_layers: 61,
      num_attention_heads: 128,
      max_position_embeddings: 163840,
      rope_scaling: {
        rope_type: 'yarn',
        factor: 40,
        beta_fast: 32,
        beta_slow: 1,
        mscale: 1,
        mscale_all_dim: 1,
        original_max_position_embeddings: 4096,
      },
    },
  },
};
