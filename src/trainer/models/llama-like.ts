/** What Llama and the families that follow it share: fields of the configuration, heads, and the frame around the layers. */
import { z } from 'zod';
import type { Tensor } from '../graph/tensor.js';
import type { SelfAttentionSpec } from './blocks/attention.js';
import { outputLayer, tokenEmbedding } from './blocks/embedding.js';
import type { FeedForwardSpec } from './blocks/feed-forward.js';
import { decoderLayers } from './blocks/layers.js';
import { residualStd } from './blocks/linear.js';
import { ropeField, type RopeParameters, type RotaryTables, rotaryTables } from './blocks/rotary.js';
import { extent, MAX_LAYERS, MAX_POSITIONS, MAX_VOCABULARY, MAX_WIDTH } from './config.js';
import type { DecoderContext, DecoderOutput, ModelSize } from './family.js';

export const llamaFields = {
  vocab_size: extent(MAX_VOCABULARY),
  hidden_size: extent(MAX_WIDTH),
  intermediate_size: extent(MAX_WIDTH),
  num_hidden_layers: extent(MAX_LAYERS),
  num_attention_heads: extent(MAX_WIDTH),
  num_key_value_heads: extent(MAX_WIDTH).nullish(),
  max_position_embeddings: extent(MAX_POSITIONS).default(2048),
  hidden_act: z.literal('silu').default('silu'),
  initializer_range: z.number().positive().default(0.02),
  attention_dropout: z.literal(0).default(0),
  pad_token_id: z.number().int().nullish(),
  ...ropeField,
} as const;

/** Fields with their defaults, as the builders take them. */
export interface LlamaLikeConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  readonly initializer_range: number;
  readonly tie_word_embeddings: boolean;
  readonly pad_token_id?: number | null;
  readonly rope_parameters: RopeParameters;
}

interface HeadFields {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null;
  readonly head_dim?: number | null;
}

/** Fills in the number of heads of keys and values, and the width of a head; reports what does not fit. */
export function withHeads<Config extends HeadFields>(
  config: Config,
  context: z.RefinementCtx,
): Config & { num_key_value_heads: number; head_dim: number } {
  const heads = config.num_attention_heads;
  const keyValueHeads = config.num_key_value_heads ?? heads;
  const headWidth = config.head_dim ?? config.hidden_size / heads;
  const report = (field: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message });
  };
  if (!Number.isInteger(headWidth) || headWidth % 2 !== 0) {
    report('head_dim', 'must be an even number; its default is hidden_size / num_attention_heads');
  }
  if (heads % keyValueHeads !== 0) report('num_key_value_heads', 'must divide num_attention_heads');
  return { ...config, num_key_value_heads: keyValueHeads, head_dim: headWidth };
}

export function llamaSize(config: LlamaLikeConfig): ModelSize {
  return {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    positions: config.max_position_embeddings,
    bounded: false,
  };
}

/** Standard deviations of initial weights: see `residualStd`. */
export function deviations({ initializer_range: std, num_hidden_layers: layers }: LlamaLikeConfig): {
  std: number;
  outputStd: number;
} {
  return { std, outputStd: residualStd(std, layers) };
}

/** Attention without biases and QK-norm. */
export function plainAttention(config: LlamaLikeConfig, tables: RotaryTables): SelfAttentionSpec {
  return {
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headWidth: config.head_dim,
    inputBias: false,
    outputBias: false,
    tables,
    ...deviations(config),
  };
}

export function plainFeedForward(config: LlamaLikeConfig): FeedForwardSpec {
  return { innerWidth: config.intermediate_size, bias: false, ...deviations(config) };
}

export function fullRotary(
  config: LlamaLikeConfig,
  { graph, source }: DecoderContext,
  interleaved = false,
): RotaryTables {
  return rotaryTables(graph, source, config.head_dim, config.rope_parameters, interleaved);
}

export interface Frame {
  /** One layer: rows of the residual stream to rows of the residual stream. */
  readonly layer: (prefix: string, x: Tensor, index: number) => Tensor;
  readonly norm: (name: string, x: Tensor) => Tensor;
}

/** Embedding, layers, norm and output layer, by the names of LlamaForCausalLM. */
export function frame(
  config: LlamaLikeConfig,
  context: DecoderContext,
  ids: Tensor,
  { layer, norm }: Frame,
): DecoderOutput {
  const std = config.initializer_range;
  const embedding = tokenEmbedding(context, 'model.embed_tokens', ids, {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    std,
    padding: config.pad_token_id,
  });
  const x = decoderLayers(context, config.num_hidden_layers, embedding.rows, (before, index) =>
    layer(`model.layers.${index}`, before, index),
  );
  const hidden = norm('model.norm', x);
  const tied = config.tie_word_embeddings;
  return { hidden, outputWeight: outputLayer(context, embedding, { name: 'lm_head', tied, std }) };
}
