/**
 * The update of a model's state from the gradients of a step: clipping by the global norm, the optimizer, and what a
 * model changes by itself.
 *
 * In-place updates are safe because every update depends on the global norm, the norm on every gradient, and each read of
 * a weight by a forward or backward pass in the same graph leads to a gradient: nothing can read a weight after it was
 * written. What a model updates by itself (a routing bias) depends on the norm, too, and on its own reader, the choice of
 * experts.
 */
import { cast, where } from '../graph/build.js';
import type { Graph } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import type { Binding, Engine, Variable } from '../engines/engine.js';
import type { OwnUpdate } from '../models/family.js';
import { type ModelConfig, parameterSpecs, trainedSpecs } from '../models/registry.js';
import { adamw, adamwFactors, type AdamwOptions } from '../optimizers/adamw.js';
import { isHiddenMatrix, muon } from '../optimizers/muon.js';
import { clipGradients } from '../optimizers/clipping.js';
import { type ModelState, valuesOf } from './state.js';

/** A parameter in the memory of the engine. */
export interface Slot {
  readonly parameter: Variable;
  /** Of parameters that are trained by gradient; Muon has no second. */
  readonly moments?: { readonly first: Variable; readonly second?: Variable };
}

export interface OptimizerOptions extends AdamwOptions {
  /** Muon for hidden matrices. Default: AdamW for everything */
  readonly muon?: boolean;
}

export type Slots = ReadonlyMap<string, Slot>;

/** @throws TokenmillError MODEL_INVALID where the state does not fit the configuration */
export function placeState(
  config: ModelConfig,
  engine: Engine,
  state: ModelState,
  { muon: withMuon = false }: OptimizerOptions,
): Slots {
  const slots = new Map<string, Slot>();
  for (const spec of parameterSpecs(config)) {
    const place = (arrays: ReadonlyMap<string, Float32Array>): Variable =>
      engine.variable(valuesOf(arrays, spec), spec.shape, 'float32');
    const moments = (): Slot['moments'] => ({
      first: place(state.first),
      ...(!(withMuon && isHiddenMatrix(spec)) && { second: place(state.second) }),
    });
    slots.set(spec.name, {
      parameter: place(state.parameters),
      moments: spec.trained === false ? undefined : moments(),
    });
  }
  return slots;
}

/** What a step has found, in the graph that is to hold the update. */
export interface Findings {
  /** A scalar. Where it is not finite nothing is changed. */
  readonly loss: Tensor;
  /** What the loss was multiplied with before it was differentiated. */
  readonly lossScale?: Tensor;
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Of the trained parameters, in their order. */
  readonly gradients: readonly Tensor[];
  /** Statistics of the whole step, of the parameters that are not trained by gradient and change. */
  readonly own: ReadonlyMap<string, OwnUpdate>;
}

export interface Update {
  readonly bindings: readonly Binding[];
  readonly outputs: { readonly norm: Tensor; readonly applied: Tensor };
}

/** Adds the update to the graph, which gets the inputs of `stepInputs` and one for each moment. */
export function buildUpdate(
  graph: Graph,
  config: ModelConfig,
  optimizer: OptimizerOptions,
  slots: Slots,
  { loss, lossScale, parameters, gradients, own }: Findings,
): Update {
  const clipping = clipGradients(loss, gradients, optimizer.clipNorm, lossScale);
  const factors = adamwFactors(graph, optimizer, clipping);
  const tensorOf = (name: string): Tensor => parameters.get(name) as Tensor;
  const bindings = trainedSpecs(config).flatMap(({ name, shape, decay }, at): Binding[] => {
    const { parameter, moments } = slots.get(name) as Slot;
    const { first, second } = moments as NonNullable<Slot['moments']>;
    const before = {
      parameter: tensorOf(name),
      first: graph.input(`first:${name}`, shape, 'float32'),
    };
    if (second === undefined) {
      const after = muon(before, gradients[at], factors);
      return [
        { input: before.parameter, variable: parameter, update: after.parameter },
        { input: before.first, variable: first, update: after.first },
      ];
    }
    const secondBefore = graph.input(`second:${name}`, shape, 'float32');
    const after = adamw({ ...before, second: secondBefore }, gradients[at], decay, factors);
    return [
      { input: before.parameter, variable: parameter, update: after.parameter },
      { input: before.first, variable: first, update: after.first },
      { input: secondBefore, variable: second, update: after.second },
    ];
  });
  for (const { name, trained } of parameterSpecs(config)) {
    if (trained !== false) continue;
    const input = tensorOf(name);
    const change = own.get(name);
    const update = change && where(clipping.applied, change.update(input, change.statistic), input);
    bindings.push({ input, variable: (slots.get(name) as Slot).parameter, update });
  }
  return {
    bindings,
    outputs: { norm: clipping.norm, applied: cast(clipping.applied, 'float32') },
  };
}
