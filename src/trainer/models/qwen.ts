/**
 * Qwen 2 (Yang et al., 2024) and Qwen 3 (Yang et al., 2025). Both are Llama's layers; Qwen 2 has biases for queries, keys
 * and values, Qwen 3 none, but RMSNorm of each head of queries and keys. Names as in Qwen2ForCausalLM, Qwen3ForCausalLM.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { selfAttention, type SelfAttentionSpec } from './blocks/attention.js';
import { swiglu } from './blocks/feed-forward.js';
import { rmsNorm } from './blocks/norm.js';
import { normalizeRope } from './blocks/rotary.js';
import { extent, MAX_WIDTH, parseWith } from './config.js';
import type { DecoderContext, DecoderOutput, ModelFamily } from './family.js';
import {
  frame,
  fullRotary,
  llamaFields,
  type LlamaLikeConfig,
  llamaSize,
  plainAttention,
  plainFeedForward,
  withHeads,
} from './llama-like.js';

const qwenFields = {
  ...llamaFields,
  max_position_embeddings: llamaFields.max_position_embeddings.default(32768),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  // Attention to a window is not built; a window's width without use of it is harmless.
  use_sliding_window: z.literal(false).default(false),
} as const;

const schema2 = z
  .looseObject({ model_type: z.literal('qwen2'), ...qwenFields })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['Qwen2ForCausalLM'] }));

const schema3 = z
  .looseObject({
    model_type: z.literal('qwen3'),
    ...qwenFields,
    head_dim: extent(MAX_WIDTH).default(128),
    attention_bias: z.boolean().default(false),
  })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['Qwen3ForCausalLM'] }));

export type Qwen2Config = z.output<typeof schema2>;
export type Qwen3Config = z.output<typeof schema3>;

function decode(
  config: LlamaLikeConfig & { readonly rms_norm_eps: number },
  context: DecoderContext,
  ids: Tensor,
  attention: SelfAttentionSpec,
): DecoderOutput {
  const norm = (name: string, x: Tensor): Tensor => rmsNorm(context, name, x, config.rms_norm_eps);
  return frame(config, context, ids, {
    norm,
    layer(prefix, x) {
      const attended = norm(`${prefix}.input_layernorm`, x);
      const h = add(x, selfAttention(context, `${prefix}.self_attn`, attended, attention));
      const fed = norm(`${prefix}.post_attention_layernorm`, h);
      return add(h, swiglu(context, `${prefix}.mlp`, fed, plainFeedForward(config)));
    },
  });
}

export const qwen2: ModelFamily<Qwen2Config> = {
  parse: (config) => parseWith(schema2, normalizeRope(config)),
  size: llamaSize,
  decode: (config, context, ids) =>
    decode(config, context, ids, {
      ...plainAttention(config, fullRotary(config, context)),
      inputBias: true,
    }),
};

export const qwen3: ModelFamily<Qwen3Config> = {
  parse: (config) => parseWith(schema3, normalizeRope(config)),
  size: llamaSize,
  decode: (config, context, ids) =>
    decode(config, context, ids, {
      ...plainAttention(config, fullRotary(config, context)),
      inputBias: config.attention_bias,
      outputBias: config.attention_bias,
      normalization: { over: 'head', epsilon: config.rms_norm_eps },
    }),
};
