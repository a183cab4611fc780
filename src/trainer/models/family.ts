/**
 * What a family of models is to the rest of the trainer: a validated configuration and a builder of its forward pass.
 *
 * The builder names each parameter and cache where it uses it. Which a configuration has, in which order and of which
 * shape, is found by building once and looking (trace.ts), so that there is one description of a model, not three.
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
  /** Whether each row stands for a token or a position: embeddings and output layers. */
  readonly table?: true;
  /** False: no gradient reaches it; the model itself says how it changes (`DecoderOutput.updates`). Default: true. */
  readonly trained?: false;
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
  /**
   * Added to attention scores, [time, source] or [batch, 1, 1, time, source]: 0, or -infinity where a row must not look.
   */
  readonly mask: Tensor;
  /** Rows of a block of attention where row t is at position t and sees nothing after it; see `AttentionOptions`. */
  readonly causalBlock?: number;
  /** Builds a layer whose activations are not kept for the backward pass; without it they are. */
  readonly recompute?: (x: Tensor, layer: (x: Tensor) => Tensor) => Tensor;
  parameter(spec: ParameterSpec): Tensor;
  /** Rows of all positions, given those of this run: the same without a cache. */
  remember(cache: CacheSpec, rows: Tensor): Tensor;
}

/** How a parameter that no gradient reaches changes in a step. */
export interface OwnUpdate {
  /** A sum over the rows of a batch; the batches of one step are added. */
  readonly statistic: Tensor;
  /** The value after the step, from the one before it and the statistic of the whole step. */
  readonly update: (before: Tensor, statistic: Tensor) => Tensor;
}

export interface DecoderOutput {
  /** Rows that the output layer takes, [time * batch, width] */
  readonly hidden: Tensor;
  /** Output layer [vocabulary, width] and its bias [vocabulary]: logits are hidden weight^T + bias. */
  readonly outputWeight: Tensor;
  readonly outputBias?: Tensor;
  /** A scalar that training adds to the mean loss. */
  readonly auxiliaryLoss?: Tensor;
  /** Of the parameters that are not trained by gradient, by name. */
  readonly updates?: ReadonlyMap<string, OwnUpdate>;
}

/** What the rest of the trainer has to know of a model's shape. */
export interface ModelSize {
  readonly vocabulary: number;
  /** Of the residual stream. */
  readonly width: number;
  /** Positions that the model is made for. */
  readonly positions: number;
  /** Whether it has no more positions than that: they are a table. */
  readonly bounded: boolean;
}

export interface ModelFamily<Config> {
  /** @throws TokenmillError MODEL_INVALID naming the field */
  parse(config: unknown): Config;
  size(config: Config): ModelSize;
  /** Names each parameter in the order of a checkpoint. ids int32 [time * batch], time-major */
  decode(config: Config, context: DecoderContext, ids: Tensor): DecoderOutput;
}
