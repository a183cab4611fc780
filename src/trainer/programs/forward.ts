/** The forward pass of a model over whole sequences with its loss, which training, evaluation and reference share. */
import { TokenmillError } from '../../core/errors.js';
import { add, constant, fill, less, reduceSum, reshape, transpose, where } from '../graph/build.js';
import { linearCrossEntropy } from '../graph/composites/cross-entropy.js';
import type { Graph } from '../graph/graph.js';
import { recomputed } from '../graph/recomputation.js';
import type { Tensor } from '../graph/tensor.js';
import type { OwnUpdate, ParameterSpec } from '../models/family.js';
import { familyOf, modelSize, type ModelConfig, parameterSpecs } from '../models/registry.js';

/** A target that does not count, as in PyTorch's cross_entropy. */
export const IGNORED_TARGET = -100;

/** Rows. Smaller blocks skip more of the masked half of attention, and make its products less efficient. */
const CAUSAL_BLOCK = 256;

export interface Batch {
  /** Sequences, and positions in each. */
  readonly batch: number;
  readonly context: number;
  /** Whether sequences are packed with documents that do not see each other. Default: false */
  readonly packed?: boolean;
  /** Of the square of the log of the softmax' normaliser in the objective (z-loss). Default: 0 */
  readonly zLoss?: number;
  /** Whether layers compute their activations a second time for the backward pass in place of keeping them. Default: false */
  readonly recompute?: boolean;
}

/** Of packed sequences, [batch, context] each. */
export interface PackedDocuments {
  /** Number of each token's document in its sequence; it does not fall from left to right. */
  readonly documents: Int32Array;
  /** Position of each token in its document. */
  readonly positions: Int32Array;
}

export interface Forward {
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** [context * batch, vocabulary], time-major */
  readonly logits: Tensor;
  /** Sum of the negative log-likelihoods in nats, and the number of targets. */
  readonly lossSum: Tensor;
  readonly targetCount: Tensor;
  /** Sum over the targets of what training makes smaller: `lossSum`, with the z-loss where there is one. */
  readonly objectiveSum: Tensor;
  /** A scalar that training adds to the mean loss. */
  readonly auxiliaryLoss?: Tensor;
  /** Of the parameters that are not trained by gradient, by name. */
  readonly updates: ReadonlyMap<string, OwnUpdate>;
}

/**
 * Adds the model to a graph with the inputs of `batchInputs` and one input a parameter.
 * @throws TokenmillError MODEL_INVALID where the model has fewer positions than the context
 */
export function buildForward(graph: Graph, config: ModelConfig, shape: Batch): Forward {
  const { batch, context } = shape;
  const rows = batch * context;
  checkContext(config, context);
  const ids = graph.input('ids', [rows], 'int32');
  const targets = graph.input('targets', [rows], 'int32');
  const parameters = declareParameters(graph, config);
  const { hidden, outputWeight, outputBias, auxiliaryLoss, updates } = familyOf(config).decode(
    config,
    {
      graph,
      time: context,
      batch,
      source: context,
      ...placement(graph, shape),
      causalBlock: CAUSAL_BLOCK,
      ...(shape.recompute === true && { recompute: (x, layer) => recomputed(graph, x, layer) }),
      parameter: lookup(parameters),
      remember: (_cache, present) => present,
    },
    ids,
  );
  const { logits, losses, objective, ignored } = linearCrossEntropy(
    hidden,
    outputWeight,
    outputBias,
    targets,
    { zLoss: shape.zLoss },
  );
  const counted = where(ignored, 0, fill(graph, 1, [], 'float32'));
  return {
    parameters,
    logits,
    lossSum: reduceSum(losses),
    objectiveSum: reduceSum(objective),
    targetCount: reduceSum(counted),
    auxiliaryLoss,
    updates: updates ?? new Map(),
  };
}

/** Where rows are and what they may look at: a sequence is one text, or documents that begin at position 0 each. */
function placement(graph: Graph, { batch, context, packed }: Batch): { positions: Tensor; mask: Tensor } {
  const rows = batch * context;
  const times = Int32Array.from({ length: context }, (_, time) => time);
  const causal = causalMask(constant(graph, times, [context], 'int32'), context);
  if (packed !== true) {
    const positions = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / batch));
    return { positions: constant(graph, positions, [rows], 'int32'), mask: causal };
  }
  const documents = transpose(reshape(graph.input('documents', [rows], 'int32'), [context, batch]), [1, 0]);
  // Numbers do not fall: what has another one and is not in the future has a lower one.
  const other = less(
    reshape(documents, [batch, 1, 1, 1, context]),
    reshape(documents, [batch, 1, 1, context, 1]),
  );
  return {
    positions: graph.input('positions', [rows], 'int32'),
    mask: add(where(other, -Infinity, fill(graph, 0, [], 'float32')), causal),
  };
}

export function declareParameters(graph: Graph, config: ModelConfig): Map<string, Tensor> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => [name, graph.input(name, shape, 'float32')]),
  );
}

export function lookup(parameters: ReadonlyMap<string, Tensor>): (spec: ParameterSpec) => Tensor {
  return ({ name }) => {
    const tensor = parameters.get(name);
    if (tensor !== undefined) return tensor;
    throw new TokenmillError('GRAPH_INVALID', `the model uses ${name}, which its parameters lack`);
  };
}

/** @throws TokenmillError MODEL_INVALID where a table of positions is shorter than the context */
export function checkContext(config: ModelConfig, context: number): void {
  const { positions, bounded } = modelSize(config);
  if (!bounded || context <= positions) return;
  throw new TokenmillError(
    'MODEL_INVALID',
    `the model has ${positions} positions, a context of ${context} needs more`,
    { hint: `give a context of at most ${positions}` },
  );
}

/** 0 where a row may look at a position and -infinity where that lies in its future. [times, source] */
export function causalMask(times: Tensor, source: number): Tensor {
  const { graph } = times;
  const positions = Int32Array.from({ length: source }, (_, position) => position);
  const future = less(reshape(times, [-1, 1]), constant(graph, positions, [1, source], 'int32'));
  return where(future, -Infinity, fill(graph, 0, [], 'float32'));
}

/** Reorders [batch, context] to time-major rows. */
export function timeMajor(values: Int32Array, { batch, context }: Batch): Int32Array {
  const rows = new Int32Array(values.length);
  for (let sequence = 0; sequence < batch; sequence++) {
    for (let time = 0; time < context; time++)
      rows[time * batch + sequence] = values[sequence * context + time];
  }
  return rows;
}

export interface BatchInputs extends Record<string, Int32Array> {
  readonly ids: Int32Array;
  readonly targets: Int32Array;
}

/**
 * The inputs of a forward pass. ids and targets are [batch, context]; a negative target is ignored. `layout` is for a
 * packed batch.
 * @throws TokenmillError MODEL_INVALID where there are not as many, or an id is outside of the vocabulary
 */
export function batchInputs(
  { vocab_size: vocabulary }: ModelConfig,
  batch: Batch,
  ids: Int32Array,
  targets: Int32Array,
  layout?: PackedDocuments,
): BatchInputs {
  const rows = batch.batch * batch.context;
  if (ids.length !== rows || targets.length !== rows) {
    throw new TokenmillError(
      'MODEL_INVALID',
      `a batch has ${ids.length} ids and ${targets.length} targets, the program wants ${batch.batch} x ${batch.context}`,
    );
  }
  checkIds(ids, vocabulary, 0);
  checkIds(targets, vocabulary, -Infinity);
  return {
    ids: timeMajor(ids, batch),
    targets: timeMajor(targets, batch),
    ...(layout && {
      documents: timeMajor(layout.documents, batch),
      positions: timeMajor(layout.positions, batch),
    }),
  };
}

/** @throws TokenmillError MODEL_INVALID naming the first id that is not in [minimum, vocabulary) */
export function checkIds(ids: Int32Array, vocabulary: number, minimum: number): void {
  const at = ids.findIndex((id) => id < minimum || id >= vocabulary);
  if (at === -1) return;
  throw new TokenmillError(
    'MODEL_INVALID',
    `token ${ids[at]} at position ${at} is outside of the model's vocabulary of ${vocabulary}`,
    { hint: 'the tokens were made with another tokenizer than the one the model is for' },
  );
}
