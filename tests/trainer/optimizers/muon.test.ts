/**
 * Muon against torch.optim.Muon of PyTorch 2.13 with its Newton-Schulz iteration in float64 instead of bfloat16
 * (adjust_lr_fn match_rms_adamw, momentum 0.95, Nesterov, five steps).
 */
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { add, constant, mul, reduceSumSquare } from '../../../src/trainer/graph/build.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { parseModelConfig, trainedSpecs } from '../../../src/trainer/models/registry.js';
import { presetConfig } from '../../../src/trainer/models/presets.js';
import { adamw, adamwFactors, stepInputs } from '../../../src/trainer/optimizers/adamw.js';
import { clipGradients } from '../../../src/trainer/optimizers/clipping.js';
import { isHiddenMatrix, muon, orthogonalized } from '../../../src/trainer/optimizers/muon.js';
import { deviation } from '../../support/gradient-check.js';

const OPTIONS = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 10 };

describe('the orthogonal matrix', () => {
  it.each([
    [
      [2, 3],
      [1, 2, 3, 4, 5, 6],
      [-0.5682900921, 0.0577419433, 0.6837739786, 0.5633546843, 0.4056128236, 0.2478709628],
    ],
    // Tall, with a row of zeros; of singular values 3 and 4, both come near 1.
    [
      [3, 2],
      [3, 0, 0, 4, 0, 0],
      [0.7228761686, 0, 0, 1.11920393, 0, 0],
    ],
  ])('of one of shape %o', async (shape, values, expected) => {
    const graph = new Graph();
    const outputs = { x: orthogonalized(graph.input('m', shape, 'float32')) };
    const program = await onnxEngine.compile({ graph, outputs, bindings: [] }, { threads: 1 });
    const { x } = await program.run({ m: Float32Array.from(values) });
    expect(deviation(x, expected)).toBeLessThan(3e-6);
    await program.dispose();
  });
});

describe('Muon', () => {
  it("is PyTorch's over four steps, beside AdamW and with clipping", async () => {
    const graph = new Graph();
    const shapes = { w: [2, 3], u: [3, 2], b: [2] };
    const values = {
      w: Float32Array.of(0.5, -1, 2, 0.25, 0, -3),
      u: Float32Array.of(1, -2, 0.5, 3, -1, 0.25),
      b: Float32Array.of(1, -0.5),
    };
    const [w, u, b] = (['w', 'u', 'b'] as const).map((name) => graph.input(name, shapes[name], 'float32'));
    const c = (shape: number[], factors: number[]) => constant(graph, factors, shape, 'float32');
    const shifted = add(mul(b, 3), graph.input('t', [], 'float32'));
    const squares = [mul(w, c([2, 3], [1, 2, 3, 4, 5, 6])), mul(u, c([3, 2], [1, 4, 2, 5, 3, 6])), shifted];
    const loss = mul(
      squares.map((x) => reduceSumSquare(x)).reduce((sum, x) => add(sum, x)),
      0.5,
    );
    const found = gradients(graph, loss, [w, u, b]);
    const clipping = clipGradients(loss, found, OPTIONS.clipNorm);
    const factors = adamwFactors(graph, OPTIONS, clipping);
    const momenta = { w: new Float32Array(6), u: new Float32Array(6), b: new Float32Array(2) };
    const second = new Float32Array(2);
    const bindings = (['w', 'u'] as const).flatMap((name, at) => {
      const before = { parameter: [w, u][at], first: graph.input(`m${name}`, shapes[name], 'float32') };
      const after = muon(before, found[at], factors);
      const variable = (array: Float32Array) => onnxEngine.variable(array, shapes[name], 'float32');
      return [
        { input: before.parameter, variable: variable(values[name]), update: after.parameter },
        { input: before.first, variable: variable(momenta[name]), update: after.first },
      ];
    });
    const before = {
      parameter: b,
      first: graph.input('mb', [2], 'float32'),
      second: graph.input('vb', [2], 'float32'),
    };
    const after = adamw(before, found[2], false, factors);
    const arrays = { parameter: values.b, first: momenta.b, second };
    for (const part of ['parameter', 'first', 'second'] as const) {
      const variable = onnxEngine.variable(arrays[part], [2], 'float32');
      bindings.push({ input: before[part], variable, update: after[part] });
    }
    const outputs = { loss, norm: clipping.norm };
    const program = await onnxEngine.compile({ graph, outputs, bindings }, { threads: 1 });
    const expected = [
      [341.875, 137.776994],
      [345.070957, 137.821547],
      [348.876879, 137.742948],
      [353.090094, 137.530287],
    ];
    for (const [at, figures] of expected.entries()) {
      const inputs = { ...stepInputs(OPTIONS, at + 1, 0.01 * (at + 1)), t: Float32Array.of(at + 1) };
      const result = await program.run(inputs);
      expect(deviation([result['loss'][0], result['norm'][0]], figures)).toBeLessThan(1e-6);
    }
    const close = (array: Float32Array, figures: number[]) =>
      expect(deviation(array, figures)).toBeLessThan(2e-6);
    close(values.w, [0.485087911, -0.955677896, 1.97597373, 0.244993349, 0.00557592716, -2.9464053]);
    close(values.u, [0.986771479, -1.97057452, 0.49045695, 2.94792335, -0.964713084, 0.244719253]);
    close(values.b, [0.90047641, -0.538956624]);
    close(momenta.w, [0.00668212735, -0.0532508369, 0.24168558, 0.0535948401, 0.00049300271, -1.44786929]);
    close(momenta.u, [0.0134227041, -0.429356634, 0.0268038101, 1.00559938, -0.120099371, 0.120551542]);
    await program.dispose();
  });

  it.each(['llama', 'gpt2'])('is for hidden matrices, not for tables and vectors: %s', (family) => {
    const preset = family === 'llama' ? 'tiny' : 'gpt2';
    const config = parseModelConfig(presetConfig(preset, 300));
    const names = trainedSpecs(config)
      .filter(isHiddenMatrix)
      .map(({ name }) => name);
    const others = trainedSpecs(config)
      .filter((spec) => !isHiddenMatrix(spec))
      .map(({ name }) => name);
    expect(names.every((name) => /(attn|mlp).*(weight)$/.test(name))).toBe(true);
    expect(others.filter((name) => !/norm|ln_|bias/.test(name)).sort()).toEqual(
      family === 'llama'
        ? ['model.embed_tokens.weight']
        : ['transformer.wpe.weight', 'transformer.wte.weight'],
    );
  });
});
