/**
 * BLOOM (Le Scao et al., 2022, section 3.2): pre-norm decoder with LayerNorm also behind the embedding, linear biases in place of
 * positions (ALiBi), and GELU. Names as in Hugging Face's BloomForCausalLM, which stores queries, keys and values as
 * one, head by head.
 */
import { z } from 'zod';
import { add, gemm, reshape, slice } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { alibiMask } from './blocks/alibi.js';
import { causalAttention } from './blocks/attention.js';
import { outputLayer, tokenEmbedding } from './blocks/embedding.js';
import { feedForward } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { biasVector, linear, matrix, residualStd } from './blocks/linear.js';
import { layerNorm } from './blocks/norm.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { DecoderContext, ModelFamily } from './family.js';

const schema = z
  .looseObject({
    model_type: z.literal('bloom'),
    vocab_size: extent(MAX_VOCABULARY).default(250880),
    hidden_size: extent(MAX_WIDTH).optional(),
    // The first checkpoints have the name of an older version.
    n_embed: extent(MAX_WIDTH).optional(),
    n_layer: extent(MAX_LAYERS).default(2),
    n_head: extent(MAX_WIDTH).default(8),
    /** What it was trained with; attention itself knows no end. */
    seq_length: extent(MAX_POSITIONS).default(2048),
    layer_norm_epsilon: z.number().positive().default(1e-5),
    initializer_range: z.number().positive().default(0.02),
    apply_residual_connection_post_layernorm: z.boolean().default(false),
    tie_word_embeddings: z.boolean().default(true),
  })
  .transform(({ n_embed: old, ...config }) => ({
    ...config,
    hidden_size: config.hidden_size ?? old ?? 64,
    architectures: ['BloomForCausalLM'],
  }))
  .refine((config) => config.hidden_size % config.n_head === 0, {
    path: ['n_head'],
    message: 'must divide hidden_size',
  });

export type BloomConfig = z.output<typeof schema>;

export const bloom: ModelFamily<BloomConfig> = {
  parse: (config) => parseWith(schema, config),
  size: (config) => ({
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    positions: config.seq_length,
    bounded: false,
  }),

  decode(config, context, ids) {
    const { hidden_size: width, initializer_range: std } = config;
    const outputStd = residualStd(std, config.n_layer);
    const inner = { innerWidth: 4 * width, bias: true, std, outputStd };
    const norm = (name: string, x: Tensor): Tensor => layerNorm(context, name, x, config.layer_norm_epsilon);
    const mask = alibiMask(context, config.n_head);
    const embedding = tokenEmbedding(context, 'transformer.word_embeddings', ids, {
      vocabulary: config.vocab_size,
      width,
      std,
    });
    const embedded = norm('transformer.word_embeddings_layernorm', embedding.rows);
    const x = decoderLayers(context, config.n_layer, embedded, (before, index) => {
      const prefix = `transformer.h.${index}`;
      const attended = norm(`${prefix}.input_layernorm`, before);
      const carried = config.apply_residual_connection_post_layernorm ? attended : before;
      const h = add(carried, attentionLayer(context, `${prefix}.self_attention`, attended, mask, config));
      const fed = norm(`${prefix}.post_attention_layernorm`, h);
      const names = { in: `${prefix}.mlp.dense_h_to_4h`, out: `${prefix}.mlp.dense_4h_to_h` };
      const beside = config.apply_residual_connection_post_layernorm ? fed : h;
      return add(beside, feedForward(context, names, fed, inner, 'gelu_new'));
    });
    const hidden = norm('transformer.ln_f', x);
    const tied = config.tie_word_embeddings;
    return { hidden, outputWeight: outputLayer(context, embedding, { name: 'lm_head', tied, std }) };
  },
};

/** The fused weight is [heads, 3, head width] by [width]; it is cut rather than the rows that it makes, which are more. */
function attentionLayer(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  mask: Tensor,
  { hidden_size: width, n_head: heads, n_layer: layers, initializer_range: std }: BloomConfig,
): Tensor {
  const headWidth = width / heads;
  const weight = matrix(context, `${prefix}.query_key_value.weight`, [3 * width, width], std);
  const bias = biasVector(context, `${prefix}.query_key_value`, 3 * width);
  const project = (part: number): Tensor => {
    const cut = (stored: Tensor, columns: number): Tensor =>
      slice(reshape(stored, [heads, 3, headWidth * columns]), 1, part, part + 1);
    const partWeight = reshape(cut(weight, width), [width, width]);
    return gemm(x, partWeight, { transposeB: true, c: reshape(cut(bias, 1), [width]) });
  };
  const mixed = causalAttention(
    context,
    prefix,
    { q: project(0), k: project(1), v: project(2) },
    { heads, keyValueHeads: heads, headWidth },
    mask,
  );
  const outputStd = residualStd(std, layers);
  return linear(context, `${prefix}.dense`, mixed, { outputs: width, bias: true, std: outputStd });
}
