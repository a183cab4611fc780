/**
 * XGLM (Lin et al., 2021): GPT-3's decoder with fixed positions of sine and cosine, and embeddings scaled by the root of the
 * width (Vaswani et al., 2017, section 3.4). Names as in Hugging Face's XGLMForCausalLM. There is no dropout: its
 * fields are kept and have no effect.
 */
import { z } from 'zod';
import { add, mul } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { activationSchema } from './blocks/activation.js';
import { selfAttention } from './blocks/attention.js';
import { outputLayer, tokenEmbedding } from './blocks/embedding.js';
import { feedForward } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { residualStd } from './blocks/linear.js';
import { layerNorm } from './blocks/norm.js';
import { sinusoidalPositions } from './blocks/sinusoidal.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily } from './family.js';

const schema = z
  .looseObject({
    model_type: z.literal('xglm'),
    vocab_size: extent(MAX_VOCABULARY).default(256008),
    max_position_embeddings: extent(MAX_POSITIONS).default(2048),
    d_model: extent(MAX_WIDTH).default(1024),
    ffn_dim: extent(MAX_WIDTH).default(4096),
    num_layers: extent(MAX_LAYERS).default(24),
    attention_heads: extent(MAX_WIDTH).default(16),
    activation_function: activationSchema.default('gelu'),
    init_std: z.number().positive().default(0.02),
    scale_embedding: z.boolean().default(true),
    add_cross_attention: z.literal(false).default(false),
    pad_token_id: z.number().int().nullable().default(1),
    tie_word_embeddings: z.boolean().default(true),
  })
  .refine((config) => config.d_model % config.attention_heads === 0, {
    path: ['attention_heads'],
    message: 'must divide d_model',
  })
  .refine((config) => config.d_model % 2 === 0, { path: ['d_model'], message: 'must be an even number' })
  .transform((config) => ({ ...config, architectures: ['XGLMForCausalLM'] }));

export type XglmConfig = z.output<typeof schema>;

const NORM_EPSILON = 1e-5;
const POSITION_OFFSET = 2;
const NAMES = { q: 'q_proj', k: 'k_proj', v: 'v_proj', out: 'out_proj' } as const;

export const xglm: ModelFamily<XglmConfig> = {
  parse: (config) => parseWith(schema, config),
  size: (config) => ({
    vocabulary: config.vocab_size,
    width: config.d_model,
    positions: config.max_position_embeddings,
    bounded: false,
  }),

  decode(config, context, ids) {
    const { d_model: width, attention_heads: heads, init_std: std } = config;
    const outputStd = residualStd(std, config.num_layers);
    const attention = {
      heads,
      keyValueHeads: heads,
      headWidth: width / heads,
      inputBias: true,
      outputBias: true,
      std,
      outputStd,
    };
    const inner = { innerWidth: config.ffn_dim, bias: true, std, outputStd };
    const norm = (name: string, x: Tensor): Tensor => layerNorm(context, name, x, NORM_EPSILON);
    const embedding = tokenEmbedding(context, 'model.embed_tokens', ids, {
      vocabulary: config.vocab_size,
      width,
      std,
      padding: config.pad_token_id,
    });
    const scaled = config.scale_embedding ? mul(embedding.rows, Math.sqrt(width)) : embedding.rows;
    const embedded = add(scaled, sinusoidalPositions(context, width, POSITION_OFFSET));
    const x = decoderLayers(context, config.num_layers, embedded, (before, index) => {
      const prefix = `model.layers.${index}`;
      const attended = norm(`${prefix}.self_attn_layer_norm`, before);
      const h = add(before, selfAttention(context, `${prefix}.self_attn`, attended, attention, NAMES));
      const names = { in: `${prefix}.fc1`, out: `${prefix}.fc2` };
      const fed = norm(`${prefix}.final_layer_norm`, h);
      return add(h, feedForward(context, names, fed, inner, config.activation_function));
    });
    const tied = config.tie_word_embeddings;
    return {
      hidden: norm('model.layer_norm', x),
      outputWeight: outputLayer(context, embedding, { name: 'lm_head', tied, std }),
    };
  },
};
