/** Forward and backward pass of a batch in the precision of training, as a graph that an update or a sum is added to. */
import { mul } from '../graph/build.js';
import { gradients } from '../graph/gradients.js';
import { Graph } from '../graph/graph.js';
import { mixedPrecision, type Precision } from '../graph/mixed-precision.js';
import type { Tensor } from '../graph/tensor.js';
import type { OwnUpdate } from '../models/family.js';
import { type ModelConfig, trainedSpecs } from '../models/registry.js';
import { type Batch, buildForward, type Forward } from './forward.js';

export interface Differentiated {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly loss: Tensor;
  /** Of the trained parameters in their order, times the loss scale. */
  readonly gradients: readonly Tensor[];
  readonly own: ReadonlyMap<string, OwnUpdate>;
  /** What the loss was multiplied with before it was differentiated, an input; none in float32. */
  readonly lossScale?: Tensor;
}

export interface Objective {
  /** A scalar that the step reports. */
  readonly loss: Tensor;
  /** What is differentiated. */
  readonly objective: Tensor;
}

/** @throws TokenmillError MODEL_INVALID where the model has fewer positions than the context */
export function differentiate(
  config: ModelConfig,
  options: Batch & { readonly precision?: Precision },
  objectiveOf: (graph: Graph, forward: Forward) => Objective,
): Differentiated {
  const graph = new Graph();
  const forward = buildForward(graph, config, options);
  const { parameters, updates } = forward;
  const { loss, objective } = objectiveOf(graph, forward);
  const trained = trainedSpecs(config).map(({ name }) => parameters.get(name) as Tensor);
  if (options.precision !== 'float16') {
    return { graph, parameters, loss, gradients: gradients(graph, objective, trained), own: updates };
  }
  const lossScale = declareLossScale(graph);
  const found = gradients(graph, mul(objective, lossScale), trained);
  const statistics = [...updates.values()].map(({ statistic }) => statistic);
  const { graph: mixed, tensorOf } = mixedPrecision(graph, [loss, ...found, ...statistics]);
  return {
    graph: mixed,
    parameters: new Map([...parameters].map(([name, tensor]) => [name, tensorOf(tensor)])),
    loss: tensorOf(loss),
    gradients: found.map(tensorOf),
    own: new Map(
      [...updates].map(([name, { statistic, update }]) => [name, { statistic: tensorOf(statistic), update }]),
    ),
    lossScale: tensorOf(lossScale),
  };
}

export function declareLossScale(graph: Graph): Tensor {
  return graph.input('lossScale', [], 'float32');
}
