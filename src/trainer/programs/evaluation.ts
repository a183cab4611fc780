/** The loss of a model on batches, without an update: a forward pass and nothing else. */
import { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import type { Binding, Engine, Executable, Variable } from '../engines/engine.js';
import { type ModelConfig, parameterSpecs } from '../models/registry.js';
import { type Batch, batchInputs, buildForward } from './forward.js';
import { valuesOf } from './state.js';

export interface EvaluationOptions extends Batch {
  readonly engine: Engine;
  readonly threads?: number;
}

export interface EvaluationProgram {
  /**
   * Sum of the negative log-likelihoods in nats and the number of targets. ids and targets are [batch, context]; a
   * negative target (-100) is ignored.
   * @throws TokenmillError MODEL_INVALID for a token outside of the vocabulary, ENGINE_FAILED
   */
  evaluate(ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }>;
  dispose(): Promise<void>;
}

/** @throws TokenmillError MODEL_INVALID where the parameters do not fit the configuration, ENGINE_FAILED */
export async function compileEvaluation(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  options: EvaluationOptions,
): Promise<EvaluationProgram> {
  const variables = new Map(
    parameterSpecs(config).map((spec): [string, Variable] => [
      spec.name,
      options.engine.variable(valuesOf(parameters, spec), spec.shape, 'float32'),
    ]),
  );
  const program = await compileLoss(config, variables, options);
  return {
    evaluate: (ids, targets) => runLoss(program, config, options, ids, targets),
    dispose: () => program.dispose(),
  };
}

/** The program itself, over parameters that are an engine's already. */
export function compileLoss(
  config: ModelConfig,
  variables: ReadonlyMap<string, Variable>,
  options: EvaluationOptions,
): Promise<Executable> {
  const graph = new Graph();
  const { parameters, lossSum, targetCount } = buildForward(graph, config, options);
  const bindings = [...parameters].map(([name, input]: [string, Tensor]): Binding => ({
    input,
    variable: variables.get(name) as Variable,
  }));
  return options.engine.compile(
    { graph, outputs: { lossSum, targetCount }, bindings },
    { threads: options.threads },
  );
}

export async function runLoss(
  program: Executable,
  config: ModelConfig,
  batch: Batch,
  ids: Int32Array,
  targets: Int32Array,
): Promise<{ lossSum: number; targets: number }> {
  const { lossSum, targetCount } = await program.run(batchInputs(config, batch, ids, targets));
  return { lossSum: lossSum[0], targets: targetCount[0] };
}
