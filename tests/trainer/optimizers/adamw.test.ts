import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { add, constant, mul, reduceSumSquare } from '../../../src/trainer/graph/build.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { sizeOf, type Shape, type Tensor } from '../../../src/trainer/graph/tensor.js';
import { adamw, adamwFactors, type AdamwOptions, stepInputs } from '../../../src/trainer/optimizers/adamw.js';
import { clipGradients } from '../../../src/trainer/optimizers/clipping.js';
import { deviation } from '../../support/gradient-check.js';

interface Parameter {
  readonly shape: Shape;
  readonly values: Float32Array;
  readonly decay: boolean;
}

/** A program that takes steps on a loss of parameters; the arrays show the state. */
async function optimize(
  parameters: readonly Parameter[],
  options: AdamwOptions,
  lossOf: (graph: Graph, tensors: Tensor[]) => Tensor,
): Promise<{
  first: Float32Array[];
  second: Float32Array[];
  step: (
    t: number,
    learningRate: number,
    scale?: number,
  ) => Promise<{ loss: number; norm: number; applied: number }>;
}> {
  const graph = new Graph();
  const tensors = parameters.map(({ shape }, at) => graph.input(`p${at}`, shape, 'float32'));
  const loss = lossOf(graph, tensors);
  const found = gradients(graph, loss, tensors);
  const clipping = clipGradients(loss, found, options.clipNorm);
  const factors = adamwFactors(graph, options, clipping);
  const zeros = (): Float32Array[] => parameters.map(({ shape }) => new Float32Array(sizeOf(shape)));
  const [first, second] = [zeros(), zeros()];
  const bindings = parameters.flatMap(({ shape, values, decay }, at) => {
    const inputs = {
      parameter: tensors[at],
      first: graph.input(`m${at}`, shape, 'float32'),
      second: graph.input(`v${at}`, shape, 'float32'),
    };
    const after = adamw(inputs, found[at], decay, factors);
    const arrays = { parameter: values, first: first[at], second: second[at] };
    return (['parameter', 'first', 'second'] as const).map((part) => ({
      input: inputs[part],
      variable: onnxEngine.variable(arrays[part], shape, 'float32'),
      update: after[part],
    }));
  });
  const applied = mul(factors.stepSize, 1);
  const program = await onnxEngine.compile({
    graph,
    outputs: { loss, norm: clipping.norm, applied },
    bindings,
  });
  return {
    first,
    second,
    async step(t, learningRate, scale = 1) {
      const results = await program.run({
        ...stepInputs(options, t, learningRate),
        scale: Float32Array.of(scale),
        t: Float32Array.of(t),
      });
      return { loss: results.loss[0], norm: results.norm[0], applied: results.applied[0] };
    },
  };
}

const BETAS = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

/** scale * sum(p^2) / 2: the gradient of p is scale * p. */
function quadratic(graph: Graph, [p]: Tensor[]): Tensor {
  return mul(reduceSumSquare(p), mul(graph.input('scale', [], 'float32'), 0.5));
}

describe('AdamW', () => {
  it('moves by the learning rate in its first step, whatever the gradient is', async () => {
    const values = Float32Array.of(2, -0.5);
    const options = { ...BETAS, weightDecay: 0.1, clipNorm: null };
    const { first, second, step } = await optimize([{ shape: [2], values, decay: true }], options, quadratic);
    await step(1, 0.1);
    // w (1 - 0.1 * 0.1) - 0.1 sign(w); m = 0.1 g; v = 0.05 g^2
    expect(deviation(values, [2 * 0.99 - 0.1, -0.5 * 0.99 + 0.1])).toBeLessThan(1e-6);
    expect(deviation(first[0], [0.2, -0.05])).toBeLessThan(1e-6);
    expect(deviation(second[0], [0.2, 0.0125])).toBeLessThan(1e-6);
  });

  it('does not decay what is not to be decayed', async () => {
    const values = Float32Array.of(2, -0.5);
    const options = { ...BETAS, weightDecay: 0.1, clipNorm: null };
    const { step } = await optimize([{ shape: [2], values, decay: false }], options, quadratic);
    await step(1, 0.1);
    expect(deviation(values, [1.9, -0.4])).toBeLessThan(1e-6);
  });

  /**
   * PyTorch 2.13 in float64: torch.optim.AdamW(lr = 0.01 t, betas = (0.9, 0.95), eps = 1e-8) with weight decay 0.1 for w and 0
   * for b, and clip_grad_norm_(10), on loss = sum((w c)^2) / 2 + sum((3 b + t)^2) / 2 with c = 1 .. 6.
   */
  it("is PyTorch's over four steps with clipping", async () => {
    const w = Float32Array.of(0.5, -1, 2, 0.25, 0, -3);
    const b = Float32Array.of(1, -0.5);
    const { first, second, step } = await optimize(
      [
        { shape: [2, 3], values: w, decay: true },
        { shape: [2], values: b, decay: false },
      ],
      { ...BETAS, weightDecay: 0.1, clipNorm: 10 },
      (graph, [wTensor, bTensor]) => {
        const c = constant(graph, [1, 2, 3, 4, 5, 6], [2, 3], 'float32');
        const shifted = add(mul(bTensor, 3), graph.input('t', [], 'float32'));
        return mul(add(reduceSumSquare(mul(wTensor, c)), reduceSumSquare(shifted)), 0.5);
      },
    );
    const expected = [
      [190.75, 110.301859],
      [193.410478, 110.175747],
      [196.169244, 109.718541],
      [198.871891, 108.924569],
    ];
    for (const [at, [loss, norm]] of expected.entries()) {
      const result = await step(at + 1, 0.01 * (at + 1));
      expect(deviation([result.loss, result.norm], [loss, norm])).toBeLessThan(1e-6);
    }
    expect(deviation(w, [0.395567463, -0.890463979, 1.88045156, 0.14842204, 0, -2.87047253])).toBeLessThan(
      1e-6,
    );
    expect(deviation(b, [0.900504381, -0.53898612])).toBeLessThan(1e-6);
    expect(
      deviation(first[0], [0.0147600096, -0.121554047, 0.554813679, 0.111142131, 0, -3.34452597]),
    ).toBeLessThan(1e-6);
    expect(
      deviation(second[0], [0.000344317654, 0.0232430339, 0.483357324, 0.0198080829, 0, 17.5555877]),
    ).toBeLessThan(1e-6);
    expect(deviation(first[1], [0.522221001, 0.107379646])).toBeLessThan(1e-6);
    expect(deviation(second[1], [0.433871503, 0.0331626947])).toBeLessThan(1e-6);
  });
});

describe('clipping', () => {
  it.each([
    [1, [0.6, 0.8]],
    [5.5, [3, 4]],
    [null, [3, 4]],
  ])('to %s', async (clipNorm, clipped) => {
    const values = Float32Array.of(3, 4);
    const options = { ...BETAS, weightDecay: 0, clipNorm };
    const { first, step } = await optimize([{ shape: [2], values, decay: false }], options, quadratic);
    expect((await step(1, 0.1)).norm).toBe(5);
    expect(
      deviation(
        first[0],
        clipped.map((g) => g * 0.1),
      ),
    ).toBeLessThan(1e-6);
  });
});

describe('a step whose gradients are not finite', () => {
  it.each([Infinity, NaN, 1e38])('leaves everything as it was (gradients times %s)', async (scale) => {
    const values = Float32Array.of(3, 4, -5);
    const options = { ...BETAS, weightDecay: 0.1, clipNorm: 1 };
    const { first, second, step } = await optimize([{ shape: [3], values, decay: true }], options, quadratic);
    expect((await step(1, 0.1)).applied).toBeGreaterThan(0);
    const before = [values, first[0], second[0]].map((array) => array.slice());
    const { norm, applied } = await step(2, 0.1, scale);
    expect(Number.isFinite(norm)).toBe(false);
    expect(applied).toBe(0);
    expect([values, first[0], second[0]]).toEqual(before);
    expect((await step(2, 0.1)).applied).toBeGreaterThan(0);
    expect([...values].every(Number.isFinite)).toBe(true);
  });
});
