/**
 * OLMo 2 (OLMo team, 2024, section 2.1): Llama's layers with the norms moved to the outputs of attention and feed-forward,
 * inside of the residual branch, and RMSNorm of all heads of queries and keys as one row. Names as in Olmo2ForCausalLM.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { selfAttention } from './blocks/attention.js';
import { swiglu } from './blocks/feed-forward.js';
import { rmsNorm } from './blocks/norm.js';
import { normalizeRope } from './blocks/rotary.js';
import { parseWith } from './config.js';
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
    model_type: z.literal('olmo2'),
    ...llamaFields,
    rms_norm_eps: z.number().positive().default(1e-5),
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.boolean().default(false),
    pad_token_id: z.number().int().nullable().default(1),
  })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['Olmo2ForCausalLM'] }));

export type Olmo2Config = z.output<typeof schema>;

export const olmo2: ModelFamily<Olmo2Config> = {
  parse: (config) => parseWith(schema, normalizeRope(config)),
  size: llamaSize,

  decode(config, context, ids) {
    const epsilon = config.rms_norm_eps;
    const attention = {
      ...plainAttention(config, fullRotary(config, context)),
      inputBias: config.attention_bias,
      outputBias: config.attention_bias,
      normalization: { over: 'row', epsilon },
    } as const;
    const norm = (name: string, x: Tensor): Tensor => rmsNorm(context, name, x, epsilon);
    return frame(config, context, ids, {
      norm,
      layer(prefix, x) {
        const attended = selfAttention(context, `${prefix}.self_attn`, x, attention);
        const h = add(x, norm(`${prefix}.post_attention_layernorm`, attended));
        const fed = swiglu(context, `${prefix}.mlp`, h, plainFeedForward(config));
        return add(h, norm(`${prefix}.post_feedforward_layernorm`, fed));
      },
    });
  },
};
