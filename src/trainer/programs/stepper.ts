/**
 * One step of training as programs: all in one where the batch is whole, or one that adds up the gradients of parts of it
 * and one that updates, so that a batch may be larger than memory.
 *
 * The parts are weighted by their targets: the gradient is that of the mean over all targets of the step, whatever parts
 * they lie in. An auxiliary loss is the mean of the parts'.
 */
import { add, div, less, mul, where } from '../graph/build.js';
import { gradients } from '../graph/gradients.js';
import { matrixOperations } from '../graph/work.js';
import { Graph } from '../graph/graph.js';
import { sizeOf, type Shape, type Tensor } from '../graph/tensor.js';
import type { Binding, Engine, Executable, Variable } from '../engines/engine.js';
import { type ModelConfig, trainedSpecs } from '../models/registry.js';
import type { StepInputs } from '../optimizers/adamw.js';
import { type Batch, type BatchInputs, buildForward, declareParameters, type Forward } from './forward.js';
import { buildUpdate, type OptimizerOptions, type Slot, type Slots } from './update.js';

/** Of a step: loss (mean over its targets, in nats), gradient norm, and 1 where the update was applied. */
export interface StepFigures {
  readonly loss: number;
  readonly norm: number;
  readonly applied: number;
}

export interface Stepper {
  /** Floating-point operations of the matrix products of a step. */
  readonly operations: number;
  step(parts: readonly BatchInputs[], factors: StepInputs): Promise<StepFigures>;
  dispose(): Promise<void>;
}

export interface StepperOptions extends Batch {
  readonly optimizer: OptimizerOptions;
  readonly engine: Engine;
  readonly threads?: number;
}

/** A step of one part. @throws TokenmillError ENGINE_FAILED */
export async function compileWholeStep(
  config: ModelConfig,
  options: StepperOptions,
  slots: Slots,
): Promise<Stepper> {
  const graph = new Graph();
  const forward = buildForward(graph, config, options);
  const loss = div(forward.lossSum, forward.targetCount);
  const mean = div(forward.objectiveSum, forward.targetCount);
  const objective = forward.auxiliaryLoss === undefined ? mean : add(mean, forward.auxiliaryLoss);
  const found = gradients(graph, objective, trainedTensors(config, forward));
  const { bindings, outputs } = buildUpdate(graph, config, options.optimizer, slots, {
    loss,
    parameters: forward.parameters,
    gradients: found,
    own: forward.updates,
  });
  const program = await options.engine.compile(
    { graph, outputs: { loss, ...outputs }, bindings },
    { threads: options.threads },
  );
  return {
    async step([part], factors) {
      const {
        loss: [mean],
        norm,
        applied,
      } = await program.run({ ...part, ...factors });
      return { loss: mean, norm: norm[0], applied: applied[0] };
    },
    dispose: () => program.dispose(),
    operations: operationsOf(graph, [loss, ...Object.values(outputs)], bindings),
  };
}

function operationsOf(graph: Graph, outputs: readonly Tensor[], bindings: readonly Binding[]): number {
  const updates = bindings.flatMap(({ update }) => (update === undefined ? [] : [update]));
  return matrixOperations(graph.live([...outputs, ...updates]));
}

/** A step of `parts` parts. @throws TokenmillError ENGINE_FAILED */
export async function compileAccumulatedStep(
  config: ModelConfig,
  options: StepperOptions,
  slots: Slots,
  parts: number,
): Promise<Stepper> {
  const graph = new Graph();
  const forward = buildForward(graph, config, options);
  const sums = new Map<string, Sum>();
  const found = gradients(graph, partObjective(graph, forward, parts), trainedTensors(config, forward));
  const terms = new Map(trainedSpecs(config).map(({ name }, at) => [name, found[at]]));
  for (const [name, { statistic }] of forward.updates) terms.set(name, statistic);
  for (const [name, { shape }] of terms) {
    const zeros = new Float32Array(sizeOf(shape));
    sums.set(name, { shape, variable: options.engine.variable(zeros, shape, 'float32') });
  }
  const isFirst = less(0, graph.input('first', [], 'int32'));
  const bindings = [...terms].map(([name, term]): Binding => {
    const input = graph.input(`sum:${name}`, term.shape, 'float32');
    const { variable } = sums.get(name) as Sum;
    return { input, variable, update: add(where(isFirst, 0, input), term) };
  });
  for (const [name, input] of forward.parameters) {
    bindings.push({ input, variable: (slots.get(name) as Slot).parameter });
  }
  const adder = await options.engine.compile(
    { graph, outputs: { lossSum: forward.lossSum }, bindings },
    { threads: options.threads },
  );
  const updater = await compileUpdate(config, options, slots, sums, forward.updates);
  return {
    async step(batches, factors) {
      const targets = batches.reduce((sum, batch) => sum + countTargets(batch), 0);
      let lossSum = 0;
      for (const [at, batch] of batches.entries()) {
        const share = { first: Int32Array.of(at === 0 ? 1 : 0), weight: Float32Array.of(1 / targets) };
        const result = await adder.run({ ...batch, ...share });
        lossSum += result['lossSum'][0];
      }
      const loss = lossSum / targets;
      const { norm, applied } = await updater.run({ loss: Float32Array.of(loss), ...factors });
      return { loss, norm: norm[0], applied: applied[0] };
    },
    // Those of the update are few beside them.
    operations: parts * operationsOf(graph, [forward.lossSum], bindings),
    async dispose() {
      await adder.dispose();
      await updater.dispose();
    },
  };
}

/** A gradient or a statistic, added up over the parts of a step. */
interface Sum {
  readonly shape: Shape;
  readonly variable: Variable;
}

/** What a part adds to the mean over the targets of the whole step. `weight` is 1 / their number. */
function partObjective(graph: Graph, { objectiveSum, auxiliaryLoss }: Forward, parts: number): Tensor {
  const share = mul(objectiveSum, graph.input('weight', [], 'float32'));
  return auxiliaryLoss === undefined ? share : add(share, mul(auxiliaryLoss, 1 / parts));
}

function compileUpdate(
  config: ModelConfig,
  { engine, optimizer, threads }: StepperOptions,
  slots: Slots,
  sums: ReadonlyMap<string, Sum>,
  updates: Forward['updates'],
): Promise<Executable> {
  const graph = new Graph();
  const parameters = declareParameters(graph, config);
  const loss = graph.input('loss', [], 'float32');
  const inputs = new Map(
    [...sums].map(([name, { shape }]) => [name, graph.input(`sum:${name}`, shape, 'float32')]),
  );
  const inputOf = (name: string): Tensor => inputs.get(name) as Tensor;
  const { bindings, outputs } = buildUpdate(graph, config, optimizer, slots, {
    loss,
    parameters,
    gradients: trainedSpecs(config).map(({ name }) => inputOf(name)),
    own: new Map([...updates].map(([name, { update }]) => [name, { statistic: inputOf(name), update }])),
  });
  const sumBindings = [...sums].map(([name, { variable }]) => ({ input: inputOf(name), variable }));
  return engine.compile({ graph, outputs, bindings: [...bindings, ...sumBindings] }, { threads });
}

function trainedTensors(config: ModelConfig, { parameters }: Forward): Tensor[] {
  return trainedSpecs(config).map(({ name }) => parameters.get(name) as Tensor);
}

function countTargets({ targets }: BatchInputs): number {
  return targets.reduce((count, target) => count + (target < 0 ? 0 : 1), 0);
}
