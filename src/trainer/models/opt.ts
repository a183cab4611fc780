/**
 * OPT (Zhang et al., 2022): GPT-3's decoder with ReLU. Its size of 350M differs: norms behind the residual sum (post-norm), and
 * an embedding narrower than the layers. Names as in Hugging Face's OPTForCausalLM; the table of positions begins with two
 * rows that nothing uses. There is no dropout: its fields are kept and have no effect.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import { activationSchema } from './blocks/activation.js';
import { selfAttention } from './blocks/attention.js';
import { learnedPositions, outputLayer, tokenEmbedding } from './blocks/embedding.js';
import { feedForward } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { linear, residualStd } from './blocks/linear.js';
import { layerNorm } from './blocks/norm.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily } from './family.js';

const schema = z
  .looseObject({
    model_type: z.literal('opt'),
    vocab_size: extent(MAX_VOCABULARY).default(50272),
    hidden_size: extent(MAX_WIDTH).default(768),
    num_hidden_layers: extent(MAX_LAYERS).default(12),
    num_attention_heads: extent(MAX_WIDTH).default(12),
    ffn_dim: extent(MAX_WIDTH).default(3072),
    max_position_embeddings: extent(MAX_POSITIONS).default(2048),
    word_embed_proj_dim: extent(MAX_WIDTH).nullish(),
    do_layer_norm_before: z.boolean().default(true),
    _remove_final_layer_norm: z.boolean().default(false),
    activation_function: activationSchema.default('relu'),
    init_std: z.number().positive().default(0.02),
    enable_bias: z.boolean().default(true),
    layer_norm_elementwise_affine: z.literal(true).default(true),
    tie_word_embeddings: z.boolean().default(true),
    pad_token_id: z.number().int().nullable().default(1),
  })
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, {
    path: ['num_attention_heads'],
    message: 'must divide hidden_size',
  })
  .transform((config) => ({
    ...config,
    word_embed_proj_dim: config.word_embed_proj_dim ?? config.hidden_size,
    architectures: ['OPTForCausalLM'],
  }));

export type OptConfig = z.output<typeof schema>;

const NORM_EPSILON = 1e-5;
const POSITION_OFFSET = 2;
const NAMES = { q: 'q_proj', k: 'k_proj', v: 'v_proj', out: 'out_proj' } as const;

export const opt: ModelFamily<OptConfig> = {
  parse: (config) => parseWith(schema, config),
  size: (config) => ({
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    positions: config.max_position_embeddings,
    bounded: true,
  }),

  decode(config, context, ids) {
    const { hidden_size: width, word_embed_proj_dim: outerWidth, init_std: std } = config;
    const { num_attention_heads: heads, enable_bias: bias, do_layer_norm_before: preNorm } = config;
    const outputStd = residualStd(std, config.num_hidden_layers);
    const attention = {
      heads,
      keyValueHeads: heads,
      headWidth: width / heads,
      inputBias: bias,
      outputBias: bias,
      std,
      outputStd,
    };
    const inner = { innerWidth: config.ffn_dim, bias, std, outputStd };
    const norm = (name: string, x: Tensor): Tensor => layerNorm(context, name, x, NORM_EPSILON);
    /** A branch beside the residual stream, with its norm before or behind the sum. */
    const residual = (x: Tensor, name: string, branch: (x: Tensor) => Tensor): Tensor =>
      preNorm ? add(x, branch(norm(name, x))) : norm(name, add(x, branch(x)));

    const embedding = tokenEmbedding(context, 'model.decoder.embed_tokens', ids, {
      vocabulary: config.vocab_size,
      width: outerWidth,
      std,
      padding: config.pad_token_id,
    });
    const positions = { positions: config.max_position_embeddings, offset: POSITION_OFFSET, width, std };
    const places = learnedPositions(context, 'model.decoder.embed_positions', positions);
    const project = (name: string, rows: Tensor, outputs: number): Tensor =>
      outerWidth === width ? rows : linear(context, `model.decoder.${name}`, rows, { outputs, std });
    const embedded = add(project('project_in', embedding.rows, width), places);
    const x = decoderLayers(context, config.num_hidden_layers, embedded, (before, index) => {
      const prefix = `model.decoder.layers.${index}`;
      const h = residual(before, `${prefix}.self_attn_layer_norm`, (rows) =>
        selfAttention(context, `${prefix}.self_attn`, rows, attention, NAMES),
      );
      const names = { in: `${prefix}.fc1`, out: `${prefix}.fc2` };
      return residual(h, `${prefix}.final_layer_norm`, (rows) =>
        feedForward(context, names, rows, inner, config.activation_function),
      );
    });
    const last = preNorm && !config._remove_final_layer_norm;
    const normed = last ? norm('model.decoder.final_layer_norm', x) : x;
    const tied = config.tie_word_embeddings;
    return {
      hidden: project('project_out', normed, outerWidth),
      outputWeight: outputLayer(context, embedding, { name: 'lm_head', tied, std }),
    };
  },
};
