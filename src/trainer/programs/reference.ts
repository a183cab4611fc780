/** One forward and backward pass that returns everything: logits, loss and the gradient of every parameter. */
import { add, div, reshape, transpose } from '../graph/build.js';
import { gradients } from '../graph/gradients.js';
import { Graph } from '../graph/graph.js';
import type { Engine } from '../engines/engine.js';
import type { Tensor } from '../graph/tensor.js';
import { type ModelConfig, parameterSpecs, trainedSpecs } from '../models/registry.js';
import { type Batch, batchInputs, buildForward } from './forward.js';
import { valuesOf } from './state.js';

export interface ReferenceOptions extends Batch {
  readonly engine: Engine;
  readonly threads?: number;
}

export interface ReferenceResult {
  /** [batch, context, vocabulary] */
  readonly logits: Float32Array;
  /** Mean over the targets, in nats, with the auxiliary loss where the model has one. */
  readonly loss: number;
  /** Of the trained parameters by name, in the order of a checkpoint. */
  readonly gradients: Map<string, Float32Array>;
}

export interface ReferenceProgram {
  /**
   * ids and targets are [batch, context]; a negative target (-100) is ignored. Labels as transformers takes them have to be
   * shifted: the target at a position is the label of the next.
   */
  run(ids: Int32Array, targets: Int32Array): Promise<ReferenceResult>;
  dispose(): Promise<void>;
}

/** @throws TokenmillError MODEL_INVALID where the parameters do not fit the configuration, ENGINE_FAILED */
export async function compileReference(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  options: ReferenceOptions,
): Promise<ReferenceProgram> {
  const { batch, context, engine, threads } = options;
  const graph = new Graph();
  const forward = buildForward(graph, config, options);
  const mean = div(forward.lossSum, forward.targetCount);
  const loss = forward.auxiliaryLoss === undefined ? mean : add(mean, forward.auxiliaryLoss);
  const names = trainedSpecs(config).map(({ name }) => name);
  const found = gradients(
    graph,
    loss,
    names.map((name) => forward.parameters.get(name) as Tensor),
  );
  const byTime = reshape(forward.logits, [context, batch, config.vocab_size]);
  const program = await engine.compile(
    {
      graph,
      outputs: {
        ':loss': loss,
        ':logits': transpose(byTime, [1, 0, 2]),
        ...Object.fromEntries(names.map((name, at) => [`:gradient:${name}`, found[at]])),
      },
      bindings: parameterSpecs(config).map((spec) => ({
        input: forward.parameters.get(spec.name) as Tensor,
        variable: engine.variable(valuesOf(parameters, spec), spec.shape, 'float32'),
      })),
    },
    { threads },
  );
  return {
    async run(ids, targets) {
      const results = await program.run(batchInputs(config, options, ids, targets));
      return {
        logits: results[':logits'] as Float32Array,
        loss: results[':loss'][0],
        gradients: new Map(names.map((name) => [name, results[`:gradient:${name}`] as Float32Array])),
      };
    },
    dispose: () => program.dispose(),
  };
}
