/**
 * The Llama family (Touvron et al., 2023): pre-norm decoder with RMSNorm, rotary positions, grouped-query attention and
 * SwiGLU. Configuration and parameter names are those of Hugging Face's LlamaForCausalLM.
 */
import { z } from 'zod';
import { add, gatherRows } from '../graph/build.js';
import { rmsNorm } from '../graph/composites/rms-norm.js';
import type { Tensor } from '../graph/tensor.js';
import { type AttentionSpec, attentionCaches, attentionSpecs, selfAttention } from './blocks/attention.js';
import { type FeedForwardSpec, swiglu, swigluSpecs } from './blocks/feed-forward.js';
import { rotaryTables } from './blocks/rotary.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily, ParameterSpec } from './family.js';

const rope = z.looseObject({
  rope_theta: z.number().positive().default(10000),
  rope_type: z.literal('default').default('default'),
});

const schema = z
  .looseObject({
    model_type: z.literal('llama'),
    vocab_size: extent(MAX_VOCABULARY),
    hidden_size: extent(MAX_WIDTH),
    intermediate_size: extent(MAX_WIDTH),
    num_hidden_layers: extent(MAX_LAYERS),
    num_attention_heads: extent(MAX_WIDTH),
    num_key_value_heads: extent(MAX_WIDTH).nullish(),
    head_dim: extent(MAX_WIDTH).nullish(),
    max_position_embeddings: extent(MAX_POSITIONS).default(2048),
    hidden_act: z.literal('silu').default('silu'),
    rms_norm_eps: z.number().positive().default(1e-6),
    initializer_range: z.number().positive().default(0.02),
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.boolean().default(false),
    mlp_bias: z.boolean().default(false),
    attention_dropout: z.literal(0).default(0),
    pretraining_tp: z.literal(1).default(1),
    // transformers 5 writes rope_parameters; before it there were rope_theta and, for stretched contexts, rope_scaling.
    rope_parameters: rope.nullish(),
    rope_theta: z.number().positive().nullish(),
    rope_scaling: z.null().optional(),
  })
  .transform(({ rope_theta: theta, rope_scaling: _none, ...config }) => {
    const heads = config.num_attention_heads;
    return {
      ...config,
      architectures: ['LlamaForCausalLM'],
      num_key_value_heads: config.num_key_value_heads ?? heads,
      head_dim: config.head_dim ?? config.hidden_size / heads,
      rope_parameters: config.rope_parameters ?? {
        rope_theta: theta ?? 10000,
        rope_type: 'default' as const,
      },
    };
  })
  .refine((config) => Number.isInteger(config.head_dim) && config.head_dim % 2 === 0, {
    path: ['head_dim'],
    message: 'must be an even number; its default is hidden_size / num_attention_heads',
  })
  .refine((config) => config.num_attention_heads % config.num_key_value_heads === 0, {
    path: ['num_key_value_heads'],
    message: 'must divide num_attention_heads',
  });

/** With every default filled in, as transformers 5 writes it. Fields that Tokenmill does not use are kept. */
export type LlamaConfig = z.output<typeof schema>;

const EMBEDDING = 'model.embed_tokens.weight';
const OUTPUT = 'lm_head.weight';
const NORM = 'model.norm.weight';
const layerName = (layer: number): string => `model.layers.${layer}`;

function attentionSpec(config: LlamaConfig): AttentionSpec {
  return {
    width: config.hidden_size,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headWidth: config.head_dim,
    bias: config.attention_bias,
  };
}

function feedForwardSpec(config: LlamaConfig): FeedForwardSpec {
  return { width: config.hidden_size, innerWidth: config.intermediate_size, bias: config.mlp_bias };
}

function layers(config: LlamaConfig): string[] {
  return Array.from({ length: config.num_hidden_layers }, (_, layer) => layerName(layer));
}

export const llama: ModelFamily<LlamaConfig> = {
  parse: (config) => parseWith(schema, config),

  /**
   * Initial weights are normal with `initializer_range`; the two projections that write to the residual stream are
   * smaller by sqrt(2 layers), so that its variance does not grow with depth (Radford et al., 2019, section 2.3).
   */
  parameterSpecs(config) {
    const { hidden_size: width, vocab_size: vocabulary, initializer_range: std } = config;
    const outputStd = std / Math.sqrt(2 * config.num_hidden_layers);
    const matrix = (name: string): ParameterSpec => ({
      name,
      shape: [vocabulary, width],
      init: { kind: 'normal', std },
      decay: true,
    });
    const norm = (name: string): ParameterSpec => ({
      name,
      shape: [width],
      init: { kind: 'ones' },
      decay: false,
    });
    return [
      matrix(EMBEDDING),
      ...layers(config).flatMap((layer) => [
        norm(`${layer}.input_layernorm.weight`),
        ...attentionSpecs(`${layer}.self_attn`, attentionSpec(config), std, outputStd),
        norm(`${layer}.post_attention_layernorm.weight`),
        ...swigluSpecs(`${layer}.mlp`, feedForwardSpec(config), std, outputStd),
      ]),
      norm(NORM),
      ...(config.tie_word_embeddings ? [] : [matrix(OUTPUT)]),
    ];
  },

  cacheSpecs: (config) =>
    layers(config).flatMap((layer) => attentionCaches(`${layer}.self_attn`, attentionSpec(config))),

  decode(config, context, ids) {
    const parameter = (name: string): Tensor => context.parameter(name);
    const norm = (x: Tensor, name: string): Tensor => rmsNorm(x, parameter(name), config.rms_norm_eps);
    const tables = rotaryTables(
      context.graph,
      context.source,
      config.head_dim,
      config.rope_parameters.rope_theta,
    );
    let x = gatherRows(parameter(EMBEDDING), ids);
    for (const layer of layers(config)) {
      const attended = norm(x, `${layer}.input_layernorm.weight`);
      x = add(x, selfAttention(context, `${layer}.self_attn`, attended, attentionSpec(config), tables));
      const fed = norm(x, `${layer}.post_attention_layernorm.weight`);
      x = add(x, swiglu(context, `${layer}.mlp`, fed, feedForwardSpec(config)));
    }
    return {
      hidden: norm(x, NORM),
      outputWeight: parameter(config.tie_word_embeddings ? EMBEDDING : OUTPUT),
    };
  },
};
