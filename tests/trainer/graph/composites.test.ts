/**
 * Functions with a derivative of their own: against central differences, against PyTorch 2.13 in float64 (constants below,
 * made with torch.nn.functional's silu, relu, gelu, rms_norm, layer_norm, scaled_dot_product_attention and cross_entropy), and on the engine.
 */
import { describe, expect, it } from 'vitest';
import { constant, fill, less, mul, reduceSum, where } from '../../../src/trainer/graph/build.js';
import {
  gelu,
  geluTanh,
  relu,
  reluSquared,
  silu,
} from '../../../src/trainer/graph/composites/activations.js';
import { attention } from '../../../src/trainer/graph/composites/attention.js';
import { linearCrossEntropy } from '../../../src/trainer/graph/composites/cross-entropy.js';
import { layerNorm } from '../../../src/trainer/graph/composites/layer-norm.js';
import { rmsNorm } from '../../../src/trainer/graph/composites/rms-norm.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { type Shape, sizeOf, type Tensor } from '../../../src/trainer/graph/tensor.js';
import { type Case, caseDeviations, deviation, tolerances } from '../../support/gradient-check.js';
import { interpret } from '../../support/graph-interpreter.js';

/** Values between -1 and 1 that a line of Python makes as easily: ((i * factor + offset) % 11) / 5 - 1 */
function pattern(shape: Shape, factor: number, offset: number): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => ((i * factor + offset) % 11) / 5 - 1);
}

interface Input {
  readonly shape: Shape;
  readonly values: readonly number[];
}

/** Output and gradients of the inputs for the loss sum(output * weights). */
function differentiate(
  inputs: readonly Input[],
  weights: readonly number[],
  build: (graph: Graph, ...tensors: Tensor[]) => Tensor,
): Float64Array[] {
  const graph = new Graph();
  const tensors = inputs.map(({ shape }, at) => graph.input(`x${at}`, shape, 'float64'));
  const output = build(graph, ...tensors);
  const loss = reduceSum(mul(output, constant(graph, weights, output.shape, 'float64')));
  const feeds = Object.fromEntries(inputs.map(({ values }, at) => [`x${at}`, values]));
  return interpret(graph, [output, ...gradients(graph, loss, tensors)], feeds);
}

/** Largest deviation over several results from constants of eight digits. */
function worst(actual: readonly Float64Array[], expected: readonly (readonly number[])[]): number {
  return Math.max(...actual.map((values, at) => deviation(values, expected[at])));
}

const EIGHT_DIGITS = 2e-8;

const TARGETS = [3, -100, 0, 3];

describe('silu', () => {
  it("is PyTorch's", () => {
    const x = { shape: [4], values: [-2, 0, 0.5, 3] };
    expect(
      worst(
        differentiate([x], [1, 1, 1, 1], (_, input) => silu(input)),
        [
          [-0.23840584, 0, 0.31122967, 2.8577224],
          [-0.090784249, 0.5, 0.73996119, 1.0881041],
        ],
      ),
    ).toBeLessThan(EIGHT_DIGITS);
  });
});

describe('activations', () => {
  it.each([
    ['relu', relu, [0, 0, 0.5, 3], [0, 0, 1, 1]],
    ['squared relu', reluSquared, [0, 0, 0.25, 9], [0, 0, 1, 6]],
    ['gelu', gelu, [-0.045500264, 0, 0.34573123, 2.9959503], [-0.085231801, 0.5, 0.86749512, 1.0119456]],
    [
      'gelu with tanh',
      geluTanh,
      [-0.045402306, 0, 0.34571401, 2.9963626],
      [-0.086099257, 0.5, 0.8673699, 1.0115842],
    ],
  ])("%s is PyTorch's", (_name, activation, values, slopes) => {
    const x = { shape: [4], values: [-2, 0, 0.5, 3] };
    const actual = differentiate([x], [1, 1, 1, 1], (_, input) => activation(input));
    // Half of the last of eight digits, where the first is before the point.
    expect(worst(actual, [values, slopes])).toBeLessThan(5.1e-8);
  });
});

describe('LayerNorm', () => {
  it("is PyTorch's", () => {
    const inputs = [
      { shape: [2, 3], values: pattern([2, 3], 7, 1) },
      { shape: [3], values: pattern([3], 3, 7) },
      { shape: [3], values: pattern([3], 5, 2) },
    ];
    expect(
      worst(
        differentiate(inputs, pattern([2, 3], 4, 3), (_, x, weight, bias) =>
          layerNorm(x, weight, bias, 0.25),
        ),
        [
          [-0.95048636, 1.3638375, -0.74742705, -0.95048636, 1.3638375, -0.74742705],
          [-0.39666849, -0.042078545, 0.43874704, -0.31049325, 0.094449684, 0.21604356],
          [0.52572955, 0.9638375, 0.15771886],
          [-0.6, 1, -1.8],
        ],
      ),
    ).toBeLessThan(EIGHT_DIGITS);
  });
});

describe('RMSNorm', () => {
  it("is PyTorch's", () => {
    const x = { shape: [2, 3], values: pattern([2, 3], 7, 1) };
    const weight = { shape: [3], values: pattern([3], 3, 7) };
    expect(
      worst(
        differentiate([x, weight], pattern([2, 3], 4, 3), (_, a, b) => rmsNorm(a, b, 0.25)),
        [
          [-0.41427058, 0.77675733, 0.15535147, -0.48154341, 0.48154341, 0.28892605],
          [-0.063644921, 0.41022045, 0.81262993, -0.021867189, 0.69253852, 0.60762869],
          [0.65504228, 0.59962898, 0.64415384],
        ],
      ),
    ).toBeLessThan(EIGHT_DIGITS);
  });
});

/** -infinity above the diagonal. */
function causal(graph: Graph, time: number, dtype: 'float32' | 'float64'): Tensor {
  const places = Array.from({ length: time }, (_, at) => at);
  const future = less(
    constant(graph, places, [time, 1], 'int32'),
    constant(graph, places, [1, time], 'int32'),
  );
  return where(future, -Infinity, fill(graph, 0, [], dtype));
}

describe('attention', () => {
  it.each([3, 2, 1])(
    "is PyTorch's, with two heads of queries on one of keys and values, in blocks of %i",
    (causalBlock) => {
      const inputs = [
        { shape: [3, 2, 2], values: pattern([3, 2, 2], 7, 1) },
        { shape: [3, 1, 2], values: pattern([3, 1, 2], 5, 2) },
        { shape: [3, 1, 2], values: pattern([3, 1, 2], 3, 4) },
      ];
      const actual = differentiate(inputs, pattern([3, 2, 2], 4, 3), (graph, q, k, v) =>
        attention(q, k, v, { mask: causal(graph, 3, 'float64'), scale: 1 / Math.sqrt(2), causalBlock }),
      );
      expect(
        worst(actual, [
          [
            -0.2, 0.4, -0.2, 0.4, 0.4, -0.1, 0.34921015, -0.057675124, 0.26468354, 0.13154572, 0.27263364,
            0.14241921,
          ],
          [
            0, 0, 0, 0, -0.053740115, -0.053740115, 0.028081598, 0.028081598, 0.0045516375, 0.0045516375,
            -0.00018014867, -0.00018014867,
          ],
          [-0.015431075, 0.29656497, 0.050134997, -0.43864097, -0.034703922, 0.142076],
          [-1.0092727, 0.1838568, 0.43196897, -0.099977268, 0.17730375, -0.083879536],
        ]),
      ).toBeLessThan(EIGHT_DIGITS);
    },
  );
});

describe('cross-entropy of the output layer', () => {
  it("is PyTorch's, with an ignored target and one that occurs twice", () => {
    const inputs = [
      { shape: [4, 2], values: pattern([4, 2], 7, 1) },
      { shape: [5, 2], values: pattern([5, 2], 5, 2) },
    ];
    const third = 1 / 3;
    const actual = differentiate(
      inputs,
      [third, third, third, third],
      (graph, hidden, weight) =>
        linearCrossEntropy(hidden, weight, undefined, constant(graph, TARGETS, [4], 'int32')).losses,
    );
    expect(
      worst(actual, [
        [2.8984537, 0, 2.0569146, 0.84766499],
        [-0.53792179, 0.11293666, 0, 0, 0.28265871, -0.16940942, -0.16073838, 0.011289452],
        [
          -0.15953735, 0.1796071, -0.03623201, 0.047205328, -0.044906178, 0.048527522, 0.10253958,
          -0.26818115, 0.13813596, -0.0071587942,
        ],
      ]),
    ).toBeLessThan(EIGHT_DIGITS);
  });

  it("is PyTorch's with a bias", () => {
    const inputs = [
      { shape: [4, 2], values: pattern([4, 2], 7, 1) },
      { shape: [5, 2], values: pattern([5, 2], 5, 2) },
      { shape: [5], values: pattern([5], 3, 4) },
    ];
    const third = 1 / 3;
    const actual = differentiate(
      inputs,
      [third, third, third, third],
      (graph, hidden, weight, bias) =>
        linearCrossEntropy(hidden, weight, bias, constant(graph, TARGETS, [4], 'int32')).losses,
    );
    expect(
      worst(actual, [
        [3.9671272, 0, 2.3705231, 1.3755755],
        [-0.59469758, 0.098431627, 0, 0, 0.1562118, -0.15627592, -0.26124576, 0.02116967],
        [
          -0.1310887, 0.15570983, -0.0099177265, 0.04071332, -0.039485861, 0.075102166, 0.032649688,
          -0.26616722, 0.1478426, -0.0053580986,
        ],
        [-0.22506286, 0.18976869, 0.33668367, -0.52579511, 0.22440561],
      ]),
    ).toBeLessThan(EIGHT_DIGITS);
  });

  it('stays finite where the target has no probability left', () => {
    const graph = new Graph();
    const hidden = graph.input('hidden', [1, 1], 'float64');
    const weight = constant(graph, [0, 2000], [2, 1], 'float64');
    const { losses } = linearCrossEntropy(hidden, weight, undefined, constant(graph, [0], [1], 'int32'));
    expect([...interpret(graph, [losses], { hidden: [1] })[0]]).toEqual([2000]);
  });
});

const CASES: Record<string, Case> = {
  silu: { shapes: [[2, 5]], range: [-3, 3], build: (_, x) => silu(x) },
  'squared relu': { shapes: [[2, 5]], build: (_, x) => reluSquared(x) },
  // There is a kernel of Erf for float32 alone.
  gelu: { shapes: [[2, 5]], range: [-3, 3], build: (_, x) => gelu(x), dtype: 'float32' },
  'gelu with tanh': { shapes: [[2, 5]], range: [-3, 3], build: (_, x) => geluTanh(x) },
  LayerNorm: { shapes: [[3, 4], [4], [4]], build: (_, x, weight, bias) => layerNorm(x, weight, bias, 1e-3) },
  'LayerNorm without bias': {
    shapes: [[3, 4], [4]],
    build: (_, x, weight) => layerNorm(x, weight, undefined, 1e-3),
  },
  'cross-entropy with a bias': {
    shapes: [[4, 3], [5, 3], [5]],
    build: (graph, hidden, weight, bias) =>
      linearCrossEntropy(hidden, weight, bias, constant(graph, TARGETS, [4], 'int32')).losses,
  },
  RMSNorm: { shapes: [[3, 4], [4]], build: (_, x, weight) => rmsNorm(x, weight, 1e-3) },
  'attention, in batches': {
    shapes: [
      [3, 2, 2, 2, 4],
      [3, 2, 2, 1, 4],
      [3, 2, 2, 1, 4],
    ],
    build: (graph, q, k, v) => attention(q, k, v, { mask: causal(graph, 3, 'float64'), scale: 0.5 }),
  },
  'attention, in blocks of which the last is smaller': {
    shapes: [
      [5, 2, 2, 2, 3],
      [5, 2, 2, 1, 3],
      [5, 2, 2, 1, 3],
    ],
    build: (graph, q, k, v) =>
      attention(q, k, v, { mask: causal(graph, 5, 'float64'), scale: 0.5, causalBlock: 2 }),
  },
  'cross-entropy, in chunks and with a z-loss': {
    shapes: [[4, 3], [5, 3], [5]],
    build: (graph, hidden, weight, bias) =>
      linearCrossEntropy(hidden, weight, bias, constant(graph, TARGETS, [4], 'int32'), {
        chunkRows: 3,
        zLoss: 0.3,
      }).objective,
  },
  'attention, with more positions to look at than rows': {
    shapes: [
      [1, 2, 2],
      [3, 2, 2],
      [3, 2, 2],
    ],
    build: (graph, q, k, v) => attention(q, k, v, { mask: fill(graph, 0, [1, 3], 'float64'), scale: 1 }),
  },
  'cross-entropy': {
    shapes: [
      [4, 3],
      [5, 3],
    ],
    build: (graph, hidden, weight) =>
      linearCrossEntropy(hidden, weight, undefined, constant(graph, TARGETS, [4], 'int32')).losses,
  },
};

describe('derivatives against central differences, and the engine against the interpreter', () => {
  it.each(Object.entries(CASES))('%s', async (_name, checked) => {
    const { derivative, engine } = await caseDeviations(checked);
    expect(derivative).toBeLessThan(tolerances(checked).derivative);
    expect(engine).toBeLessThan(tolerances(checked).engine);
  });
});
