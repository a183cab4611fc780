/**
 * Training as one program: forward, backward, clipping by the global norm and AdamW, with weights and moments updated in
 * place.
 *
 * In-place updates are safe because every update depends on the global norm, the norm on every gradient, and each read of
 * a weight by forward or backward pass leads to a gradient: nothing can read a weight after it was written. What a model
 * updates by itself (a routing bias) depends on the norm, too, and on its own reader, the choice of experts.
 */
import { add, cast, div, where } from '../graph/build.js';
import { gradients } from '../graph/gradients.js';
import { Graph } from '../graph/graph.js';
import type { Binding, Engine, Executable, Variable } from '../engines/engine.js';
import type { Tensor } from '../graph/tensor.js';
import { type ModelConfig, parameterSpecs, trainedSpecs } from '../models/registry.js';
import { adamw, adamwFactors, type AdamwOptions, stepInputs } from '../optimizers/adamw.js';
import { clipGradients } from '../optimizers/clipping.js';
import { compileLoss, runLoss } from './evaluation.js';
import { type Batch, batchInputs, buildForward } from './forward.js';
import { type ModelState, valuesOf } from './state.js';

export interface TrainingOptions extends Batch {
  readonly optimizer: AdamwOptions;
  readonly engine: Engine;
  /** Taken over: the program updates these arrays in place where the engine works in host memory. */
  readonly state: ModelState;
  readonly threads?: number;
}

export interface StepResult {
  /** Mean over the targets of the negative log-likelihood in nats, before the update. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** False where loss or norm are not finite: the state is as it was before. */
  readonly applied: boolean;
}

export interface TrainingProgram {
  /**
   * One update. ids and targets are [batch, context]; a negative target (-100) is ignored.
   * @throws TokenmillError MODEL_INVALID for a token outside of the vocabulary, ENGINE_FAILED
   */
  step(ids: Int32Array, targets: Int32Array, options: { learningRate: number }): Promise<StepResult>;
  /** Sum of the negative log-likelihoods in nats and the number of targets, without an update. */
  evaluate(ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }>;
  /** The state now. Its arrays are views: the next step changes them. */
  state(): ModelState;
  dispose(): Promise<void>;
}

interface Slot {
  readonly parameter: Variable;
  /** Of parameters that are trained by gradient. */
  readonly moments?: { readonly first: Variable; readonly second: Variable };
}

/** @throws TokenmillError MODEL_INVALID where the state does not fit the configuration, ENGINE_FAILED */
export async function compileTraining(
  config: ModelConfig,
  options: TrainingOptions,
): Promise<TrainingProgram> {
  const { engine, state } = options;
  const slots = new Map<string, Slot>();
  for (const spec of parameterSpecs(config)) {
    const place = (arrays: ReadonlyMap<string, Float32Array>): Variable =>
      engine.variable(valuesOf(arrays, spec), spec.shape, 'float32');
    const moments = (): Slot['moments'] => ({ first: place(state.first), second: place(state.second) });
    slots.set(spec.name, {
      parameter: place(state.parameters),
      moments: spec.trained === false ? undefined : moments(),
    });
  }
  return new CompiledTraining(config, options, slots, await compileStep(config, options, slots));
}

function compileStep(
  config: ModelConfig,
  options: TrainingOptions,
  slots: ReadonlyMap<string, Slot>,
): Promise<Executable> {
  const graph = new Graph();
  const { parameters, lossSum, targetCount, auxiliaryLoss, updates } = buildForward(graph, config, options);
  const loss = div(lossSum, targetCount);
  const objective = auxiliaryLoss === undefined ? loss : add(loss, auxiliaryLoss);
  const trained = trainedSpecs(config);
  const tensorOf = (name: string): Tensor => parameters.get(name) as Tensor;
  const found = gradients(
    graph,
    objective,
    trained.map(({ name }) => tensorOf(name)),
  );
  const clipping = clipGradients(loss, found, options.optimizer.clipNorm);
  const factors = adamwFactors(graph, options.optimizer, clipping);
  const bindings = trained.flatMap(({ name, shape, decay }, at): Binding[] => {
    const { parameter, moments } = slots.get(name) as Slot;
    const { first, second } = moments as NonNullable<Slot['moments']>;
    const variables = { parameter, first, second };
    const before = {
      parameter: tensorOf(name),
      first: graph.input(`first:${name}`, shape, 'float32'),
      second: graph.input(`second:${name}`, shape, 'float32'),
    };
    const after = adamw(before, found[at], decay, factors);
    return (['parameter', 'first', 'second'] as const).map((part) => ({
      input: before[part],
      variable: variables[part],
      update: after[part],
    }));
  });
  for (const { name, trained: byGradient } of parameterSpecs(config)) {
    if (byGradient !== false) continue;
    const input = tensorOf(name);
    const changed = updates.get(name);
    const update = changed && where(clipping.applied, changed, input);
    bindings.push({ input, variable: (slots.get(name) as Slot).parameter, update });
  }
  const outputs = { loss, norm: clipping.norm, applied: cast(clipping.applied, 'float32') };
  return options.engine.compile({ graph, outputs, bindings }, { threads: options.threads });
}

class CompiledTraining implements TrainingProgram {
  private readonly config: ModelConfig;
  private readonly options: TrainingOptions;
  private readonly slots: ReadonlyMap<string, Slot>;
  private readonly stepper: Executable;
  /** Compiled when it is first asked for. */
  private evaluator: Promise<Executable> | undefined;
  private steps: number;

  constructor(
    config: ModelConfig,
    options: TrainingOptions,
    slots: ReadonlyMap<string, Slot>,
    stepper: Executable,
  ) {
    this.config = config;
    this.options = options;
    this.slots = slots;
    this.stepper = stepper;
    this.steps = options.state.step;
  }

  async step(
    ids: Int32Array,
    targets: Int32Array,
    { learningRate }: { learningRate: number },
  ): Promise<StepResult> {
    const { loss, norm, applied } = await this.stepper.run({
      ...batchInputs(this.config, this.options, ids, targets),
      ...stepInputs(this.options.optimizer, this.steps + 1, learningRate),
    });
    if (applied[0] === 1) this.steps += 1;
    return { loss: loss[0], gradientNorm: norm[0], applied: applied[0] === 1 };
  }

  async evaluate(ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }> {
    this.evaluator ??= compileLoss(
      this.config,
      new Map([...this.slots].map(([name, { parameter }]) => [name, parameter])),
      this.options,
    );
    return runLoss(await this.evaluator, this.config, this.options, ids, targets);
  }

  state(): ModelState {
    const read = (variableOf: (slot: Slot) => Variable | undefined): Map<string, Float32Array> =>
      new Map(
        [...this.slots].flatMap(([name, slot]) => {
          const variable = variableOf(slot);
          return variable === undefined ? [] : [[name, variable.read() as Float32Array]];
        }),
      );
    return {
      step: this.steps,
      parameters: read(({ parameter }) => parameter),
      first: read(({ moments }) => moments?.first),
      second: read(({ moments }) => moments?.second),
    };
  }

  async dispose(): Promise<void> {
    await this.stepper.dispose();
    if (this.evaluator !== undefined) await (await this.evaluator).dispose();
  }
}
