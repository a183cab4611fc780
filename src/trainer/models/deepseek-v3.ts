/**
 * DeepSeek V3 (DeepSeek-AI, 2024): multi-head latent attention, and after the first dense layers a mixture of experts with
 * sigmoid routing in groups, shared experts, and load balanced by a bias in place of a loss. Names as in checkpoints of Hugging
 * Face's DeepseekV3ForCausalLM. The layer that predicts a second token is left out, as there.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { balancedBias, expertLoad, sigmoidRouting, swigluExperts } from './blocks/experts.js';
import { swiglu } from './blocks/feed-forward.js';
import { latentAttention, type LatentAttentionSpec } from './blocks/latent-attention.js';
import { rmsNorm } from './blocks/norm.js';
import { normalizeRope, rotaryTables, yarnTemperature } from './blocks/rotary.js';
import { extent, MAX_EXPERTS, MAX_LAYERS, MAX_WIDTH, parseWith } from './config.js';
import type { DecoderContext, ModelFamily, OwnUpdate } from './family.js';
import { deviations, frame, llamaFields, llamaSize, plainFeedForward } from './llama-like.js';

const rank = extent(MAX_WIDTH);
const isDivisor = (part: number, whole: number): boolean => whole % part === 0;

const schema = z
  .looseObject({
    model_type: z.literal('deepseek_v3'),
    ...llamaFields,
    max_position_embeddings: llamaFields.max_position_embeddings.default(4096),
    rms_norm_eps: z.number().positive().default(1e-6),
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.boolean().default(false),
    pretraining_tp: z.literal(1).default(1),
    q_lora_rank: rank.nullable().default(1536),
    kv_lora_rank: rank.default(512),
    qk_rope_head_dim: rank.default(64),
    qk_nope_head_dim: rank.default(128),
    v_head_dim: rank.default(128),
    rope_interleave: z.boolean().default(true),
    moe_intermediate_size: extent(MAX_WIDTH).default(2048),
    n_routed_experts: extent(MAX_EXPERTS).default(256),
    n_shared_experts: extent(MAX_EXPERTS).default(1),
    num_experts_per_tok: extent(MAX_EXPERTS).default(8),
    n_group: extent(MAX_EXPERTS).default(8),
    topk_group: extent(MAX_EXPERTS).default(4),
    first_k_dense_replace: z.number().int().min(0).max(MAX_LAYERS).default(3),
    norm_topk_prob: z.boolean().default(true),
    routed_scaling_factor: z.number().positive().default(2.5),
    scoring_func: z.literal('sigmoid').optional(),
    topk_method: z.literal('noaux_tc').optional(),
    moe_layer_freq: z.literal(1).optional(),
  })
  .refine((config) => isDivisor(config.n_group, config.n_routed_experts), {
    path: ['n_group'],
    message: 'must divide n_routed_experts',
  })
  .refine((config) => config.topk_group <= config.n_group, {
    path: ['topk_group'],
    message: 'must be at most n_group',
  })
  .refine(
    (config) => config.num_experts_per_tok <= (config.topk_group * config.n_routed_experts) / config.n_group,
    { path: ['num_experts_per_tok'], message: 'must be at most the experts of topk_group groups' },
  )
  .refine((config) => isDivisor(2, config.qk_rope_head_dim), {
    path: ['qk_rope_head_dim'],
    message: 'must be an even number',
  })
  .transform((config) => ({
    ...config,
    num_key_value_heads: config.num_attention_heads,
    head_dim: config.qk_rope_head_dim,
    qk_head_dim: config.qk_nope_head_dim + config.qk_rope_head_dim,
    architectures: ['DeepseekV3ForCausalLM'],
  }));

export type DeepseekV3Config = z.output<typeof schema>;

const EXPERT_NAMES = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' } as const;
/** gamma of the balancing bias (section 4.2). */
const BALANCING_SPEED = 0.001;

export const deepseekV3: ModelFamily<DeepseekV3Config> = {
  parse: (config) => parseWith(schema, normalizeRope(config)),
  size: llamaSize,

  decode(config, context, ids) {
    const attention = attentionSpec(config, context);
    const norm = (name: string, x: Tensor): Tensor => rmsNorm(context, name, x, config.rms_norm_eps);
    const updates = new Map<string, OwnUpdate>();
    const output = frame(config, context, ids, {
      norm,
      layer(prefix, x, index) {
        const attended = norm(`${prefix}.input_layernorm`, x);
        const h = add(x, latentAttention(context, `${prefix}.self_attn`, attended, attention));
        const fed = norm(`${prefix}.post_attention_layernorm`, h);
        if (index < config.first_k_dense_replace) {
          return add(h, swiglu(context, `${prefix}.mlp`, fed, plainFeedForward(config)));
        }
        return add(h, mixture(config, context, `${prefix}.mlp`, fed, updates));
      },
    });
    return { ...output, updates };
  },
};

function attentionSpec(config: DeepseekV3Config, { graph, source }: DecoderContext): LatentAttentionSpec {
  const { rope_parameters: rope, qk_rope_head_dim: rotatedWidth } = config;
  const temperature =
    rope.rope_type === 'yarn' && rope.mscale_all_dim ? yarnTemperature(rope.factor, rope.mscale_all_dim) : 1;
  return {
    heads: config.num_attention_heads,
    queryRank: config.q_lora_rank,
    rank: config.kv_lora_rank,
    plainWidth: config.qk_nope_head_dim,
    rotatedWidth,
    valueWidth: config.v_head_dim,
    bias: config.attention_bias,
    tables: rotaryTables(graph, source, rotatedWidth, rope, config.rope_interleave),
    scale: temperature ** 2 / Math.sqrt(config.qk_head_dim),
    ...deviations(config),
  };
}

/** Routed experts and the shared ones, which are one wider feed-forward layer. */
function mixture(
  config: DeepseekV3Config,
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  updates: Map<string, OwnUpdate>,
): Tensor {
  const {
    n_routed_experts: experts,
    num_experts_per_tok: perToken,
    moe_intermediate_size: innerWidth,
  } = config;
  const biasName = `${prefix}.gate.e_score_correction_bias`;
  const bias = context.parameter({
    name: biasName,
    shape: [experts],
    init: { kind: 'zeros' },
    decay: false,
    trained: false,
  });
  const routing = sigmoidRouting(context, `${prefix}.gate`, x, bias, {
    experts,
    perToken,
    groups: config.n_group,
    chosenGroups: config.topk_group,
    normalize: config.norm_topk_prob,
    factor: config.routed_scaling_factor,
    std: config.initializer_range,
  });
  updates.set(biasName, {
    statistic: expertLoad(routing),
    update: (before, load) => balancedBias(before, load, BALANCING_SPEED),
  });
  const spec = { experts, perToken, innerWidth, ...deviations(config) };
  const routed = swigluExperts(context, `${prefix}.experts`, x, routing, spec, EXPERT_NAMES);
  const shared = swiglu(context, `${prefix}.shared_experts`, x, {
    ...plainFeedForward(config),
    innerWidth: innerWidth * config.n_shared_experts,
  });
  return add(routed, shared);
}
