/**
 * The Llama family (Touvron et al., 2023): pre-norm decoder with RMSNorm, rotary positions, grouped-query attention and
 * SwiGLU. Configuration and parameter names are those of Hugging Face's LlamaForCausalLM.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { selfAttention } from './blocks/attention.js';
import { swiglu } from './blocks/feed-forward.js';
import { rmsNorm } from './blocks/norm.js';
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
    model_type: z.literal('llama'),
    ...llamaFields,
    head_dim: extent(MAX_WIDTH).nullish(),
    rms_norm_eps: z.number().positive().default(1e-6),
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.boolean().default(false),
    mlp_bias: z.boolean().default(false),
    pretraining_tp: z.literal(1).default(1),
  })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['LlamaForCausalLM'] }));

/** With every default filled in, as transformers 5 writes it. Fields that Tokenmill does not use are kept. */
export type LlamaConfig = z.output<typeof schema>;

export const llama: ModelFamily<LlamaConfig> = {
  parse: (config) => parseWith(schema, normalizeRope(config)),
  size: llamaSize,

  decode(config, context, ids) {
    const { attention_bias: bias, mlp_bias: innerBias } = config;
    const attention = {
      ...plainAttention(config, fullRotary(config, context)),
      inputBias: bias,
      outputBias: bias,
    };
    const inner = { ...plainFeedForward(config), bias: innerBias };
    const norm = (name: string, x: Tensor): Tensor => rmsNorm(context, name, x, config.rms_norm_eps);
    return frame(config, context, ids, {
      norm,
      layer(prefix, x) {
        const attended = norm(`${prefix}.input_layernorm`, x);
        const h = add(x, selfAttention(context, `${prefix}.self_attn`, attended, attention));
        const fed = norm(`${prefix}.post_attention_layernorm`, h);
        return add(h, swiglu(context, `${prefix}.mlp`, fed, inner));
      },
    });
  },
};
