/**
 * GPT-J (Wang and Komatsuzaki, 2021): attention and feed-forward side by side behind one LayerNorm, rotary positions on the
 * first `rotary_dim` elements of each head with neighbours as pairs, and a bias of the output layer. Names as in
 * Hugging Face's GPTJForCausalLM. There is no dropout: its fields are kept and have no effect.
 */
import { z } from 'zod';
import { add } from '../graph/build.js';
import { activationSchema } from './blocks/activation.js';
import { selfAttention } from './blocks/attention.js';
import { outputLayer, tokenEmbedding } from './blocks/embedding.js';
import { feedForward } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { biasVector, residualStd } from './blocks/linear.js';
import { layerNorm } from './blocks/norm.js';
import { rotaryTables } from './blocks/rotary.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH, parseWith } from './config.js';
import type { ModelFamily } from './family.js';

const schema = z
  .looseObject({
    model_type: z.literal('gptj'),
    vocab_size: extent(MAX_VOCABULARY).default(50400),
    n_positions: extent(MAX_POSITIONS).default(2048),
    n_embd: extent(MAX_WIDTH).default(4096),
    n_layer: extent(MAX_LAYERS).default(28),
    n_head: extent(MAX_WIDTH).default(16),
    rotary_dim: extent(MAX_WIDTH).nullable().default(64),
    n_inner: extent(MAX_WIDTH).nullable().default(null),
    activation_function: activationSchema.default('gelu_new'),
    layer_norm_epsilon: z.number().positive().default(1e-5),
    initializer_range: z.number().positive().default(0.02),
    tie_word_embeddings: z.boolean().default(false),
  })
  .refine((config) => config.n_embd % config.n_head === 0, {
    path: ['n_head'],
    message: 'must divide n_embd',
  })
  .refine(
    ({ rotary_dim: rotated, n_embd: width, n_head: heads }) =>
      (rotated ?? width / heads) % 2 === 0 && (rotated ?? 0) <= width / heads,
    { path: ['rotary_dim'], message: 'must be an even number, at most n_embd / n_head' },
  )
  .transform((config) => ({ ...config, architectures: ['GPTJForCausalLM'] }));

export type GptjConfig = z.output<typeof schema>;

/** The base of the rotation is not part of the configuration. */
const ROPE = { rope_type: 'default', rope_theta: 10000 } as const;
const NAMES = { q: 'q_proj', k: 'k_proj', v: 'v_proj', out: 'out_proj' } as const;

export const gptj: ModelFamily<GptjConfig> = {
  parse: (config) => parseWith(schema, config),
  size: (config) => ({
    vocabulary: config.vocab_size,
    width: config.n_embd,
    positions: config.n_positions,
    bounded: false,
  }),

  decode(config, context, ids) {
    const { n_embd: width, n_head: heads, vocab_size: vocabulary, initializer_range: std } = config;
    const epsilon = config.layer_norm_epsilon;
    const outputStd = residualStd(std, config.n_layer);
    const headWidth = width / heads;
    const attention = {
      heads,
      keyValueHeads: heads,
      headWidth,
      inputBias: false,
      outputBias: false,
      std,
      outputStd,
      tables: rotaryTables(context.graph, context.source, config.rotary_dim ?? headWidth, ROPE, true),
    };
    const inner = { innerWidth: config.n_inner ?? 4 * width, bias: true, std, outputStd };
    const embedding = tokenEmbedding(context, 'transformer.wte', ids, { vocabulary, width, std });
    const x = decoderLayers(context, config.n_layer, embedding.rows, (before, index) => {
      const prefix = `transformer.h.${index}`;
      const h = layerNorm(context, `${prefix}.ln_1`, before, epsilon);
      const attended = selfAttention(context, `${prefix}.attn`, h, attention, NAMES);
      const names = { in: `${prefix}.mlp.fc_in`, out: `${prefix}.mlp.fc_out` };
      return add(add(before, attended), feedForward(context, names, h, inner, config.activation_function));
    });
    const hidden = layerNorm(context, 'transformer.ln_f', x, epsilon);
    const output = { name: 'lm_head', tied: config.tie_word_embeddings, std };
    return {
      hidden,
      outputWeight: outputLayer(context, embedding, output),
      outputBias: biasVector(context, 'lm_head', vocabulary),
    };
  },
};
