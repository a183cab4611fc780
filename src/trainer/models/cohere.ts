/**
 * PaLM (Chowdhery et al., 2022, section 2), in the form in which Hugging Face has it, CohereForCausalLM: attention and SwiGLU
 * side by side behind one LayerNorm without bias, rotary positions with neighbours as pairs, the output layer tied
 * to the embedding. PaLM has one head of keys and values (multi-query) and logit_scale 1.
 */
import { z } from 'zod';
import { add, mul } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { selfAttention } from './blocks/attention.js';
import { swiglu } from './blocks/feed-forward.js';
import { layerNorm } from './blocks/norm.js';
import { normalizeRope } from './blocks/rotary.js';
import { extent, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily } from './family.js';
import {
  frame,
  fullRotary,
  llamaFields,
  llamaSize,
  plainAttention,
  plainFeedForward,
  withHeads,
} from './llama-like.js';

const schema = z
  .looseObject({
    model_type: z.literal('cohere'),
    ...llamaFields,
    head_dim: extent(MAX_WIDTH).nullish(),
    max_position_embeddings: llamaFields.max_position_embeddings.default(8192),
    layer_norm_eps: z.number().positive().default(1e-5),
    logit_scale: z.number().positive().default(0.0625),
    tie_word_embeddings: z.boolean().default(true),
    attention_bias: z.boolean().default(false),
    pad_token_id: z.number().int().nullable().default(0),
    use_qk_norm: z.literal(false).default(false),
  })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['CohereForCausalLM'] }));

export type CohereConfig = z.output<typeof schema>;

export const cohere: ModelFamily<CohereConfig> = {
  parse: (config) => parseWith(schema, normalizeRope(config)),
  size: llamaSize,

  decode(config, context, ids) {
    const attention = {
      ...plainAttention(config, fullRotary(config, context, true)),
      inputBias: config.attention_bias,
      outputBias: config.attention_bias,
    };
    const norm = (name: string, x: Tensor): Tensor =>
      layerNorm(context, name, x, config.layer_norm_eps, false);
    const output = frame(config, context, ids, {
      norm,
      layer(prefix, x) {
        const h = norm(`${prefix}.input_layernorm`, x);
        const attended = selfAttention(context, `${prefix}.self_attn`, h, attention);
        const fed = swiglu(context, `${prefix}.mlp`, h, plainFeedForward(config));
        return add(add(x, attended), fed);
      },
    });
    return { ...output, hidden: mul(output.hidden, config.logit_scale) };
  },
};
