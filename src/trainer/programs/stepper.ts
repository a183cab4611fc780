/**
 * One step of training as programs: all in one where the batch is whole, or one that adds up the gradients of parts of it
 * and one that updates, so that a batch may be larger than memory.
 *
 * The parts are weighted by their targets: the gradient is that of the mean over all targets of the step, whatever parts
 * they lie in. An auxiliary loss is the mean of the parts'.
 */
import { add, div, less, mul, where } from '../graph/build.js';
import type { Precision } from '../graph/mixed-precision.js';
import { matrixOperations } from '../graph/work.js';
import { Graph } from '../graph/graph.js';
import { sizeOf, type Shape, type Tensor } from '../graph/tensor.js';
import type { Binding, Engine, Executable, Variable } from '../engines/engine.js';
import { type ModelConfig, trainedSpecs } from '../models/registry.js';
import type { StepInputs } from '../optimizers/adamw.js';
import { declareLossScale, differentiate, type Differentiated } from './differentiation.js';
import { type Batch, type BatchInputs, declareParameters, type Forward } from './forward.js';
import { buildUpdate, type OptimizerOptions, type Slot, type Slots } from './update.js';

/** Of a step: loss (mean over its targets, in nats), gradient norm, and 1 where the update was applied. */
export interface StepFigures {
  readonly loss: number;
  readonly norm: number;
  readonly applied: number;
}

/** The scalars of a step. The loss scale counts in float16 alone. */
export type StepFactors = StepInputs & { readonly lossScale: Float32Array };

export interface Stepper {
  /** Floating-point operations of the matrix products of a step. */
  readonly operations: number;
  step(parts: readonly BatchInputs[], factors: StepFactors): Promise<StepFigures>;
  dispose(): Promise<void>;
}

export interface StepperOptions extends Batch {
  readonly optimizer: OptimizerOptions;
  /** Default: float32 */
  readonly precision?: Precision;
  readonly engine: Engine;
  readonly threads?: number;
}

/** A step of one part. @throws TokenmillError ENGINE_FAILED */
export async function compileWholeStep(
  config: ModelConfig,
  options: StepperOptions,
  slots: Slots,
): Promise<Stepper> {
  const found = differentiate(config, options, (_graph, forward) => {
    const mean = div(forward.objectiveSum, forward.targetCount);
    const { auxiliaryLoss } = forward;
    return {
      loss: div(forward.lossSum, forward.targetCount),
      objective: auxiliaryLoss === undefined ? mean : add(mean, auxiliaryLoss),
    };
  });
  const { graph, loss } = found;
  const { bindings, outputs } = buildUpdate(graph, config, options.optimizer, slots, found);
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
  const found = differentiate(config, options, (source, forward) => ({
    loss: forward.lossSum,
    objective: partObjective(source, forward, parts),
  }));
  const { graph, loss: lossOfPart } = found;
  const sums = new Map<string, Sum>();
  const terms = new Map(trainedSpecs(config).map(({ name }, at) => [name, found.gradients[at]]));
  for (const [name, { statistic }] of found.own) terms.set(name, statistic);
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
  for (const [name, input] of found.parameters) {
    bindings.push({ input, variable: (slots.get(name) as Slot).parameter });
  }
  const adder = await options.engine.compile(
    { graph, outputs: { lossSum: lossOfPart }, bindings },
    { threads: options.threads },
  );
  const updater = await compileUpdate(config, options, slots, sums, found.own);
  return {
    async step(batches, factors) {
      const targets = batches.reduce((sum, batch) => sum + countTargets(batch), 0);
      let lossSum = 0;
      for (const [at, batch] of batches.entries()) {
        const share = { first: Int32Array.of(at === 0 ? 1 : 0), weight: Float32Array.of(1 / targets) };
        const result = await adder.run({ ...batch, ...share, ...factors });
        lossSum += result['lossSum'][0];
      }
      const loss = lossSum / targets;
      const { norm, applied } = await updater.run({ loss: Float32Array.of(loss), ...factors });
      return { loss, norm: norm[0], applied: applied[0] };
    },
    // Those of the update are few beside them.
    operations: parts * operationsOf(graph, [lossOfPart], bindings),
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
  { engine, optimizer, precision, threads }: StepperOptions,
  slots: Slots,
  sums: ReadonlyMap<string, Sum>,
  updates: Differentiated['own'],
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
    lossScale: precision === 'float16' ? declareLossScale(graph) : undefined,
    parameters,
    gradients: trainedSpecs(config).map(({ name }) => inputOf(name)),
    own: new Map([...updates].map(([name, { update }]) => [name, { statistic: inputOf(name), update }])),
  });
  const sumBindings = [...sums].map(([name, { variable }]) => ({ input: inputOf(name), variable }));
  return engine.compile({ graph, outputs, bindings: [...bindings, ...sumBindings] }, { threads });
}

function countTargets({ targets }: BatchInputs): number {
  return targets.reduce((count, target) => count + (target < 0 ? 0 : 1), 0);
}
