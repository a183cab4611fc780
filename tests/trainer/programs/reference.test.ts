/** Whole models: against transformers on the engine, and their gradients against central differences in float64. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { add, div } from '../../../src/trainer/graph/build.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import type { Tensor } from '../../../src/trainer/graph/tensor.js';
import { parseModelConfig, trainedSpecs } from '../../../src/trainer/models/registry.js';
import { batchInputs, buildForward } from '../../../src/trainer/programs/forward.js';
import { compileReference } from '../../../src/trainer/programs/reference.js';
import { deviation } from '../../support/gradient-check.js';
import { interpret } from '../../support/graph-interpreter.js';
import { loadReferenceModel, REFERENCE_MODELS } from '../../support/reference-model.js';

function largestOf(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** In units of the largest entry, but of `least` at least: a gradient that is 0 comes out as rounding errors. */
function relativeDeviation(actual: Float32Array, expected: Float32Array, least: number): number {
  const largest = Math.max(least, largestOf(expected));
  const scaled = (values: Float32Array): Float64Array =>
    Float64Array.from(values, (value) => value / largest);
  return deviation(scaled(actual), scaled(expected));
}

describe.each(REFERENCE_MODELS)('%s', (name) => {
  it('has the logits, the loss and the gradients of transformers', async () => {
    const model = await loadReferenceModel(name);
    const program = await compileReference(model.config, model.parameters, { ...model, engine: onnxEngine });
    const result = await program.run(model.ids, model.targets);
    await program.dispose();
    expect(deviation(result.logits, model.logits)).toBeLessThan(2e-6);
    expect(deviation([result.loss], [model.loss])).toBeLessThan(2e-6);
    const names = trainedSpecs(model.config).map((spec) => spec.name);
    expect([...result.gradients.keys()]).toEqual(names);
    expect(model.gradients.size).toBe(names.length);
    // 1e-5 of this is 2e-7 of the largest gradient: one rounding of float32.
    const least = 0.02 * Math.max(...[...model.gradients.values()].map(largestOf));
    const far = names.filter((key) => {
      const expected = model.gradients.get(key) as Float32Array;
      return !(relativeDeviation(result.gradients.get(key) as Float32Array, expected, least) < 1e-5);
    });
    expect(far).toEqual([]);
  });

  it('has the derivative that central differences show, in a random direction of every parameter', async () => {
    const { config: stored, parameters, batch, context, ids, targets } = await loadReferenceModel(name);
    // The row of padding is held fast as an input, which is no derivative.
    const config = parseModelConfig({ ...stored, pad_token_id: null });
    const graph = new Graph();
    const forward = buildForward(graph, config, { batch, context });
    const mean = div(forward.lossSum, forward.targetCount);
    const loss = forward.auxiliaryLoss === undefined ? mean : add(mean, forward.auxiliaryLoss);
    const names = trainedSpecs(config).map((spec) => spec.name);
    const wanted = names.map((key) => forward.parameters.get(key) as Tensor);
    const inputs: Record<string, ArrayLike<number>> = {
      ...batchInputs(config, { batch, context }, ids, targets),
      ...Object.fromEntries(parameters),
    };
    const found = interpret(graph, gradients(graph, loss, wanted), inputs);
    const random = new Random(3);
    for (const [at, parameter] of names.entries()) {
      const direction = Float64Array.from(found[at], () => random.normal());
      const lossAt = (distance: number): number => {
        const moved = Float64Array.from(inputs[parameter], (value, i) => value + distance * direction[i]);
        return interpret(graph, [loss], { ...inputs, [parameter]: moved })[0][0];
      };
      const step = 1e-6;
      const slope = (lossAt(step) - lossAt(-step)) / (2 * step);
      const exact = found[at].reduce((sum, value, i) => sum + value * direction[i], 0);
      expect(deviation([exact], [slope])).toBeLessThan(1e-7);
    }
  });
});

describe('a program', () => {
  it('names the tensor that is missing or of the wrong size', async () => {
    const { config, parameters } = await loadReferenceModel('llama');
    const options = { batch: 1, context: 4, engine: onnxEngine };
    const without = new Map(parameters);
    without.delete('model.norm.weight');
    await expect(compileReference(config, without, options)).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: 'the tensor model.norm.weight is missing' }),
    );
    const wrong = new Map(parameters).set('model.norm.weight', new Float32Array(3));
    await expect(compileReference(config, wrong, options)).rejects.toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: 'the tensor model.norm.weight has 3 values, the configuration wants [8]',
      }),
    );
  });
});
