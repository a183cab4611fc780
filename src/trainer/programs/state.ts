/** What training carries from step to step, on the host. */
import { Random } from '../../core/random.js';
import { TokenmillError } from '../../core/errors.js';
import { sizeOf } from '../graph/tensor.js';
import type { ParameterSpec } from '../models/family.js';
import { type ModelConfig, parameterSpecs, trainedSpecs } from '../models/registry.js';
import { isHiddenMatrix } from '../optimizers/muon.js';

export interface ModelState {
  /** Updates that were applied: the t of AdamW's bias correction. */
  step: number;
  /** Weights by their Hugging Face name, row-major; first and second moments of the trained ones under the same names. */
  parameters: Map<string, Float32Array>;
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
}

/** Fresh weights, the same for the same seed on every machine up to the last bit of `Math.log` and `Math.cos`. */
export function initialState(config: ModelConfig, seed: number, muon = false): ModelState {
  const random = new Random(seed);
  const specs = parameterSpecs(config);
  const parameters = zeros(specs);
  for (const { name, init } of specs) {
    const values = parameters.get(name) as Float32Array;
    if (init.kind === 'ones') values.fill(1);
    if (init.kind === 'normal')
      for (let i = 0; i < values.length; i++) values[i] = random.normal() * init.std;
  }
  return { step: 0, parameters, ...freshMoments(config, muon) };
}

/** @param muon whether hidden matrices are Muon's, which has no second moment */
export function freshMoments(config: ModelConfig, muon = false): Pick<ModelState, 'first' | 'second'> {
  const specs = trainedSpecs(config);
  return { first: zeros(specs), second: zeros(specs.filter((spec) => !(muon && isHiddenMatrix(spec)))) };
}

function zeros(specs: readonly ParameterSpec[]): Map<string, Float32Array> {
  return new Map(specs.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
}

/**
 * The array of a parameter, checked against its specification.
 * @throws TokenmillError MODEL_INVALID naming the tensor
 */
export function valuesOf(
  arrays: ReadonlyMap<string, Float32Array>,
  { name, shape }: ParameterSpec,
): Float32Array {
  const values = arrays.get(name);
  if (values === undefined) throw new TokenmillError('MODEL_INVALID', `the tensor ${name} is missing`);
  if (values.length === sizeOf(shape)) return values;
  throw new TokenmillError(
    'MODEL_INVALID',
    `the tensor ${name} has ${values.length} values, the configuration wants [${shape.join(', ')}]`,
  );
}
