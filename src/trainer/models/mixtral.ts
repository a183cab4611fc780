/**
 * Mixtral (Jiang et al., 2024): Llama's layers with a mixture of experts in place of each feed-forward layer. Names as in
 * checkpoints of Hugging Face's MixtralForCausalLM. As there, the load-balancing loss counts where `output_router_logits` is true.
 */
import { z } from 'zod';
import { add, mul } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { selfAttention } from './blocks/attention.js';
import { loadBalancingLoss, type Routing, softmaxRouting, swigluExperts } from './blocks/experts.js';
import { rmsNorm } from './blocks/norm.js';
import { normalizeRope } from './blocks/rotary.js';
import { extent, MAX_EXPERTS, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily } from './family.js';
import {
  deviations,
  frame,
  fullRotary,
  llamaFields,
  llamaSize,
  plainAttention,
  withHeads,
} from './llama-like.js';

const schema = z
  .looseObject({
    model_type: z.literal('mixtral'),
    ...llamaFields,
    num_key_value_heads: extent(MAX_WIDTH).default(8),
    head_dim: extent(MAX_WIDTH).nullish(),
    max_position_embeddings: llamaFields.max_position_embeddings.default(131072),
    rms_norm_eps: z.number().positive().default(1e-5),
    tie_word_embeddings: z.boolean().default(false),
    num_local_experts: extent(MAX_EXPERTS).default(8),
    num_experts_per_tok: extent(MAX_EXPERTS).default(2),
    output_router_logits: z.boolean().default(false),
    router_aux_loss_coef: z.number().min(0).default(0.001),
    router_jitter_noise: z.literal(0).default(0),
    sliding_window: z.null().default(null),
  })
  .refine((config) => config.num_experts_per_tok <= config.num_local_experts, {
    path: ['num_experts_per_tok'],
    message: 'must be at most num_local_experts',
  })
  .transform(withHeads)
  .transform((config) => ({ ...config, architectures: ['MixtralForCausalLM'] }));

export type MixtralConfig = z.output<typeof schema>;

const EXPERT_NAMES = { gate: 'w1', up: 'w3', down: 'w2' } as const;

export const mixtral: ModelFamily<MixtralConfig> = {
  parse: (config) => parseWith(schema, normalizeRope(config)),
  size: llamaSize,

  decode(config, context, ids) {
    const attention = plainAttention(config, fullRotary(config, context));
    const experts = config.num_local_experts;
    const perToken = config.num_experts_per_tok;
    const inner = { experts, perToken, innerWidth: config.intermediate_size, ...deviations(config) };
    const router = { experts, perToken, std: config.initializer_range };
    const norm = (name: string, x: Tensor): Tensor => rmsNorm(context, name, x, config.rms_norm_eps);
    const routings: Routing[] = [];
    const output = frame(config, context, ids, {
      norm,
      layer(prefix, x) {
        const attended = norm(`${prefix}.input_layernorm`, x);
        const h = add(x, selfAttention(context, `${prefix}.self_attn`, attended, attention));
        const fed = norm(`${prefix}.post_attention_layernorm`, h);
        const mixture = `${prefix}.block_sparse_moe`;
        const routing = softmaxRouting(context, `${mixture}.gate`, fed, router);
        routings.push(routing);
        return add(h, swigluExperts(context, `${mixture}.experts`, fed, routing, inner, EXPERT_NAMES));
      },
    });
    if (!config.output_router_logits || config.router_aux_loss_coef === 0) return output;
    return { ...output, auxiliaryLoss: mul(loadBalancingLoss(routings), config.router_aux_loss_coef) };
  },
};
