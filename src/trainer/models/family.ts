/**
 * What a family of models is to the rest of the trainer: a validated configuration, its parameters by name, and a builder
 * of its forward pass.
 */
import type { GraphBuilder, Shape, Tensor } from '../graph/tensor.js';

export type Initialization =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'ones' }
  | { readonly kind: 'zeros' };

export interface ParameterSpec {
  /** As in a checkpoint of Hugging Face transformers. */
  readonly name: string;
  readonly shape: Shape;
  readonly init: Initialization;
  /** Whether weight decay applies: to matrices, not to vectors. */
  readonly decay: boolean;
}

/** One set of keys or values that a layer keeps of the past: [positions, width] */
export interface CacheSpec {
  readonly name: string;
  readonly width: number;
}

/**
 * Where a forward pass takes place. Activations are rows [time * batch, width], time-major: row t * batch + b is position
 * t of sequence b, so that attention's products need no transposed copies.
 */
export interface DecoderContext {
  readonly graph: GraphBuilder;
  /** Rows a sequence in this run. */
  readonly time: number;
  readonly batch: number;
  /** Positions that keys and values may have: `time`, or the length of the cache. */
  readonly source: number;
  /** Position of every row, int32 [time * batch] */
  readonly positions: Tensor;
  /** Added to attention scores, [time, source]: 0, or -infinity where a row must not look. */
  readonly mask: Tensor;
  parameter(name: string): Tensor;
  /** Rows of all positions, given those of this run: the same without a cache. */
  remember(cache: CacheSpec, rows: Tensor): Tensor;
}

export interface DecoderOutput {
  /** Rows after the last norm, [time * batch, width] */
  readonly hidden: Tensor;
  /** Output layer [vocabulary, width]: logits are hidden weight^T. */
  readonly outputWeight: Tensor;
}

export interface ModelFamily<Config> {
  /** @throws TokenmillError MODEL_INVALID naming the field */
  parse(config: unknown): Config;
  /** In the order of a checkpoint: embedding, layers, norm, output. */
  parameterSpecs(config: Config): ParameterSpec[];
  cacheSpecs(config: Config): CacheSpec[];
  /** ids int32 [time * batch], time-major */
  decode(config: Config, context: DecoderContext, ids: Tensor): DecoderOutput;
}
