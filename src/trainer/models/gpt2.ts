/**
 * GPT-2 (Radford et al., 2019) and GPT-3 (Brown et al., 2020): pre-norm decoder with LayerNorm, learned positions and GELU.
 * Names as in Hugging Face's GPT2LMHeadModel, which stores linear layers [in, out] and queries, keys and values as one.
 * GPT-3's layers of locally banded attention are dense here. There is no dropout: its fields are kept and have no effect.
 */
import { z } from 'zod';
import { add, gemm, slice } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { activationSchema } from './blocks/activation.js';
import { causalAttention } from './blocks/attention.js';
import { learnedPositions, outputLayer, tokenEmbedding } from './blocks/embedding.js';
import { feedForward } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { biasVector, linearInputsFirst, matrix, residualStd } from './blocks/linear.js';
import { layerNorm } from './blocks/norm.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { DecoderContext, ModelFamily } from './family.js';

const schema = z
  .looseObject({
    model_type: z.literal('gpt2'),
    vocab_size: extent(MAX_VOCABULARY).default(50257),
    n_positions: extent(MAX_POSITIONS).default(1024),
    n_embd: extent(MAX_WIDTH).default(768),
    n_layer: extent(MAX_LAYERS).default(12),
    n_head: extent(MAX_WIDTH).default(12),
    n_inner: extent(MAX_WIDTH).nullable().default(null),
    activation_function: activationSchema.default('gelu_new'),
    layer_norm_epsilon: z.number().positive().default(1e-5),
    initializer_range: z.number().positive().default(0.02),
    scale_attn_weights: z.boolean().default(true),
    scale_attn_by_inverse_layer_idx: z.boolean().default(false),
    add_cross_attention: z.literal(false).default(false),
    tie_word_embeddings: z.boolean().default(true),
  })
  .refine((config) => config.n_embd % config.n_head === 0, {
    path: ['n_head'],
    message: 'must divide n_embd',
  })
  .transform((config) => ({ ...config, architectures: ['GPT2LMHeadModel'] }));

export type Gpt2Config = z.output<typeof schema>;

export const gpt2: ModelFamily<Gpt2Config> = {
  parse: (config) => parseWith(schema, config),
  size: (config) => ({
    vocabulary: config.vocab_size,
    width: config.n_embd,
    positions: config.n_positions,
    bounded: true,
  }),

  decode(config, context, ids) {
    const { n_embd: width, initializer_range: std } = config;
    const epsilon = config.layer_norm_epsilon;
    const inner = {
      innerWidth: config.n_inner ?? 4 * width,
      bias: true,
      std,
      outputStd: residualStd(std, config.n_layer),
    };
    const embedding = tokenEmbedding(context, 'transformer.wte', ids, {
      vocabulary: config.vocab_size,
      width,
      std,
    });
    const table = { positions: config.n_positions, offset: 0, width, std };
    const embedded = add(embedding.rows, learnedPositions(context, 'transformer.wpe', table));
    const x = decoderLayers(context, config.n_layer, embedded, (before, index) => {
      const prefix = `transformer.h.${index}`;
      const attended = layerNorm(context, `${prefix}.ln_1`, before, epsilon);
      const h = add(before, attentionLayer(context, `${prefix}.attn`, attended, config, index));
      const names = { in: `${prefix}.mlp.c_fc`, out: `${prefix}.mlp.c_proj` };
      const fed = layerNorm(context, `${prefix}.ln_2`, h, epsilon);
      return add(h, feedForward(context, names, fed, inner, config.activation_function, linearInputsFirst));
    });
    const hidden = layerNorm(context, 'transformer.ln_f', x, epsilon);
    const tied = config.tie_word_embeddings;
    return { hidden, outputWeight: outputLayer(context, embedding, { name: 'lm_head', tied, std }) };
  },
};

/** The fused weight is cut, not the rows that it makes: it is the smaller of the two wherever a batch is worth its name. */
function attentionLayer(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  config: Gpt2Config,
  index: number,
): Tensor {
  const { n_embd: width, n_head: heads, initializer_range: std } = config;
  const weight = matrix(context, `${prefix}.c_attn.weight`, [width, 3 * width], std);
  const bias = biasVector(context, `${prefix}.c_attn`, 3 * width);
  const project = (part: number): Tensor => {
    const [start, end] = [part * width, (part + 1) * width];
    return gemm(x, slice(weight, 1, start, end), { c: slice(bias, 0, start, end) });
  };
  const headWidth = width / heads;
  const scale = config.scale_attn_weights ? 1 / Math.sqrt(headWidth) : 1;
  const mixed = causalAttention(
    context,
    prefix,
    { q: project(0), k: project(1), v: project(2) },
    { heads, keyValueHeads: heads, headWidth },
    context.mask,
    config.scale_attn_by_inverse_layer_idx ? scale / (index + 1) : scale,
  );
  const outputStd = residualStd(std, config.n_layer);
  return linearInputsFirst(context, `${prefix}.c_proj`, mixed, {
    outputs: width,
    bias: true,
    std: outputStd,
  });
}
