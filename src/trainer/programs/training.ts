/** Training as a program: forward, backward, clipping by the global norm and the optimizer, with weights and moments updated in place. */
import { TokenmillError } from '../../core/errors.js';
import type { Precision } from '../graph/mixed-precision.js';
import type { Engine, Executable, Variable } from '../engines/engine.js';
import { type ModelConfig } from '../models/registry.js';
import { stepInputs } from '../optimizers/adamw.js';
import { compileLoss, runLoss } from './evaluation.js';
import { type Batch, batchInputs, type PackedDocuments } from './forward.js';
import { INITIAL_SCALE, type LossScale, nextScale } from './loss-scale.js';
import type { ModelState } from './state.js';
import { compileAccumulatedStep, compileWholeStep, type Stepper } from './stepper.js';
import { type OptimizerOptions, placeState, type Slot, type Slots } from './update.js';

export interface TrainingOptions extends Batch {
  readonly optimizer: OptimizerOptions;
  /** Default: float32 */
  readonly precision?: Precision;
  /** Where scaling of the loss for float16 is. Default: at its beginning */
  readonly lossScale?: LossScale;
  readonly engine: Engine;
  /** Taken over: the program updates these arrays in place where the engine works in host memory. */
  readonly state: ModelState;
  readonly threads?: number;
  /** Batches whose gradients are added up to one step. Default: 1 */
  readonly accumulate?: number;
}

export interface StepResult {
  /** Mean over the targets of the negative log-likelihood in nats, before the update. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** False where loss or norm are not finite: the state is as it was before. */
  readonly applied: boolean;
  /** In float16 a step that is not applied may be due to the scale, which is halved; undefined in float32. */
  readonly lossScale?: number;
}

export interface StepOptions {
  readonly learningRate: number;
  /** Of a packed batch, as long as ids. */
  readonly layout?: PackedDocuments;
}

export interface TrainingProgram {
  /** Floating-point operations of the matrix products of a step. */
  readonly operations: number;
  /**
   * One update. ids and targets are [accumulate * batch, context]; a negative target (-100) is ignored.
   * @throws TokenmillError MODEL_INVALID for a token outside of the vocabulary, ENGINE_FAILED
   */
  step(ids: Int32Array, targets: Int32Array, options: StepOptions): Promise<StepResult>;
  /** Sum of the negative log-likelihoods in nats and the number of targets of [batch, context], without an update. */
  evaluate(ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }>;
  /** For the next step, where the precision is float16. */
  readonly lossScale: LossScale | undefined;
  /** The state now. Its arrays are views: the next step changes them. */
  state(): Promise<ModelState>;
  dispose(): Promise<void>;
}

/** @throws TokenmillError MODEL_INVALID where the state does not fit the configuration, ENGINE_FAILED */
export async function compileTraining(
  config: ModelConfig,
  options: TrainingOptions,
): Promise<TrainingProgram> {
  const { accumulate = 1 } = options;
  const slots = placeState(config, options.engine, options.state, options.optimizer);
  const stepper =
    accumulate === 1
      ? await compileWholeStep(config, options, slots)
      : await compileAccumulatedStep(config, options, slots, accumulate);
  return new CompiledTraining(config, options, slots, stepper);
}

class CompiledTraining implements TrainingProgram {
  private readonly config: ModelConfig;
  private readonly options: TrainingOptions;
  private readonly slots: Slots;
  private readonly stepper: Stepper;
  /** Compiled when it is first asked for. */
  private evaluator: Promise<Executable> | undefined;
  private steps: number;
  lossScale: LossScale | undefined;

  constructor(config: ModelConfig, options: TrainingOptions, slots: Slots, stepper: Stepper) {
    this.config = config;
    this.options = options;
    this.slots = slots;
    this.stepper = stepper;
    this.steps = options.state.step;
    if (options.precision === 'float16') this.lossScale = options.lossScale ?? INITIAL_SCALE;
  }

  get operations(): number {
    return this.stepper.operations;
  }

  async step(
    ids: Int32Array,
    targets: Int32Array,
    { learningRate, layout }: StepOptions,
  ): Promise<StepResult> {
    const { batch, context, optimizer, accumulate = 1 } = this.options;
    const rows = batch * context;
    if (ids.length !== accumulate * rows || targets.length !== ids.length) {
      throw new TokenmillError(
        'MODEL_INVALID',
        `a batch has ${ids.length} ids and ${targets.length} targets, the program wants ${accumulate * batch} x ${context}`,
      );
    }
    const parts = Array.from({ length: accumulate }, (_, part) => {
      const of = (values: Int32Array): Int32Array => values.subarray(part * rows, (part + 1) * rows);
      const places = layout && { documents: of(layout.documents), positions: of(layout.positions) };
      return batchInputs(this.config, this.options, of(ids), of(targets), places);
    });
    const scale = this.lossScale?.scale;
    const factors = {
      ...stepInputs(optimizer, this.steps + 1, learningRate),
      lossScale: Float32Array.of(scale ?? 1),
    };
    const figures = await this.stepper.step(parts, factors);
    const applied = figures.applied === 1;
    if (applied) this.steps += 1;
    this.lossScale = this.lossScale && nextScale(this.lossScale, applied);
    return { loss: figures.loss, gradientNorm: figures.norm, applied, lossScale: scale };
  }

  async evaluate(ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }> {
    this.evaluator ??= compileLoss(
      this.config,
      new Map([...this.slots].map(([name, { parameter }]) => [name, parameter])),
      { ...this.options, packed: false, zLoss: 0 },
    );
    return runLoss(await this.evaluator, this.config, this.options, ids, targets);
  }

  async state(): Promise<ModelState> {
    const read = async (
      variableOf: (slot: Slot) => Variable | undefined,
    ): Promise<Map<string, Float32Array>> => {
      const arrays = new Map<string, Float32Array>();
      for (const [name, slot] of this.slots) {
        const variable = variableOf(slot);
        if (variable !== undefined) arrays.set(name, (await variable.read()) as Float32Array);
      }
      return arrays;
    };
    return {
      step: this.steps,
      parameters: await read(({ parameter }) => parameter),
      first: await read(({ moments }) => moments?.first),
      second: await read(({ moments }) => moments?.second),
    };
  }

  async dispose(): Promise<void> {
    await this.stepper.dispose();
    if (this.evaluator !== undefined) await (await this.evaluator).dispose();
  }
}
