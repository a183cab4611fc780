/**
 * A model against a reference that another implementation computed from the same weights: logits, loss and the gradient
 * of every parameter.
 *
 * The reference is a safetensors file with `input_ids` and `labels` [batch, context], `logits` [batch, context,
 * vocabulary], `loss` and `grad.<name>` for every tensor of the checkpoint. Labels are those of transformers' causal
 * models: not shifted yet, -100 does not count.
 */
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import type { Workspace } from '../store/workspace.js';
import { toFloat32, toInt32 } from './elements.js';
import { openEngine, type EngineChoice } from './engine.js';
import { openModelFolder } from './model-folder.js';
import { trainedSpecs } from './models/registry.js';
import { IGNORED_TARGET } from './programs/forward.js';
import { compileReference } from './programs/reference.js';
import { readSafetensors, type SafetensorsFile, type Tensor } from './safetensors.js';

/** Absolute, for logits and loss. */
export const VALUE_TOLERANCE = 1e-4;
/** Relative to the largest entry of the reference's gradient of the same tensor. */
export const GRADIENT_TOLERANCE = 1e-4;

/**
 * Relative to the largest entry of all gradients, and allowed in any case. Some gradients are exactly 0, such as that of a bias of keys
 * without rotation, which moves all scores of a row alike: both sides then have nothing but rounding errors.
 */
export const GRADIENT_FLOOR = 1e-7;

export interface Deviation {
  /** `logits`, `loss` or `grad.<name>`. */
  readonly name: string;
  /** Largest absolute difference of an entry; infinite where it is not a number. */
  readonly largest: number;
  /** What it may be at most. */
  readonly allowed: number;
}

export interface Comparison {
  readonly deviations: readonly Deviation[];
  /** Whether every deviation is allowed. */
  readonly within: boolean;
}

/** What a deviation from these values may be at most. */
type Allowance = (expected: Float32Array) => number;

/**
 * @param path a folder with a model, or the name of a run
 * @throws TokenmillError MODEL_INVALID where the reference lacks something or has another shape
 */
export async function compareWithReference(
  path: string,
  reference: string,
  options: EngineChoice & { readonly threads?: number },
  context: { readonly workspace: Workspace; readonly log: Log },
): Promise<Comparison> {
  const model = await openModelFolder(path, context.workspace, context.log);
  const { config } = model;
  const file = await readSafetensors(reference);
  const take = (name: string): Tensor => tensorOf(file, name, reference);
  const shape = take('input_ids').shape;
  if (shape.length !== 2) throw misshapen(reference, 'input_ids', shape, '[batch, context]');
  const [batch, length] = shape;
  const ids = toInt32(take('input_ids'), 'input_ids');
  const labels = toInt32(take('labels'), 'labels');
  if (labels.length !== ids.length) {
    throw misshapen(reference, 'labels', take('labels').shape, `[${shape.join(', ')}]`);
  }
  const program = await compileReference(config, await model.parameters(), {
    batch,
    context: length,
    engine: await openEngine(options, context.log),
    threads: options.threads,
  });
  try {
    const result = await program.run(ids, shiftLabels(labels, length));
    const measure = (name: string, actual: Float32Array, allowedFor: Allowance): Deviation => {
      const expected = toFloat32(take(name), name);
      if (expected.length !== actual.length) {
        throw misshapen(reference, name, take(name).shape, `${actual.length} values`);
      }
      return { name, largest: largestDifference(actual, expected), allowed: allowedFor(expected) };
    };
    const names = trainedSpecs(config).map(({ name }) => name);
    const largest = names.map((name) => largestOf(toFloat32(take(`grad.${name}`), name)));
    const floor = GRADIENT_FLOOR * largest.reduce((most, value) => Math.max(most, value), 0);
    const forGradients: Allowance = (expected) => Math.max(GRADIENT_TOLERANCE * largestOf(expected), floor);
    const deviations = [
      measure('logits', result.logits, () => VALUE_TOLERANCE),
      measure('loss', Float32Array.of(result.loss), () => VALUE_TOLERANCE),
      ...names.map((name) =>
        measure(`grad.${name}`, result.gradients.get(name) as Float32Array, forGradients),
      ),
    ];
    return { deviations, within: deviations.every(({ largest, allowed }) => largest <= allowed) };
  } finally {
    await program.dispose();
  }
}

/** The target at a position is the label of the next one; the last position of a sequence has none. */
export function shiftLabels(labels: Int32Array, length: number): Int32Array {
  return labels.map((_label, index) => (index % length === length - 1 ? IGNORED_TARGET : labels[index + 1]));
}

/** Infinite where one is not a number, so that no tolerance lets it pass. */
export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return largest;
}

function largestOf(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function tensorOf({ tensors }: SafetensorsFile, name: string, path: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return tensor;
  throw new TokenmillError('MODEL_INVALID', `the reference ${path} has no tensor ${name}`, {
    hint: 'it needs input_ids, labels, logits, loss, and grad.<name> for every tensor of the model',
  });
}

function misshapen(path: string, name: string, shape: readonly number[], wanted: string): TokenmillError {
  return new TokenmillError(
    'MODEL_INVALID',
    `the reference ${path} has ${name} of shape [${shape.join(', ')}], not ${wanted}`,
  );
}
