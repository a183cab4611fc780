import { describe, expect, it } from 'vitest';
import {
  add,
  addSelectedRows,
  addToColumns,
  broadcastTo,
  cast,
  concat,
  constant,
  div,
  erf,
  exp,
  fill,
  gatherRows,
  gemm,
  less,
  log,
  matmul,
  mul,
  neg,
  pickColumns,
  reduceMax,
  reduceMean,
  reduceSum,
  reduceSumSquare,
  reshape,
  rotary,
  rsqrt,
  scatterAddRows,
  selectRows,
  setRows,
  sigmoid,
  slice,
  softmax,
  sqrt,
  sub,
  tanh,
  topK,
  transpose,
  where,
} from '../../../src/trainer/graph/build.js';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { loadTensorflow } from '../../../src/trainer/engines/tensorflow/load.js';
import { tensorflowEngine } from '../../../src/trainer/engines/tensorflow/tensorflow-engine.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { OPERATIONS } from '../../../src/trainer/graph/operations.js';
import type { Tensor } from '../../../src/trainer/graph/tensor.js';
import { type Case, caseDeviations, tolerances } from '../../support/gradient-check.js';
import { interpret } from '../../support/graph-interpreter.js';

const positive = [0.5, 2] as const;
const index = (graph: Graph, rows: number[]): Tensor => constant(graph, rows, [rows.length], 'int32');
const flags = (graph: Graph, values: number[]): Tensor => constant(graph, values, [values.length], 'bool');

/** By operation; every one that has a derivative is here, which the last test makes sure of. */
const CASES: Record<string, Case> = {
  add: { shapes: [[2, 3], [3]], build: (_, a, b) => add(a, b) },
  'add, both broadcast': {
    shapes: [
      [2, 1],
      [1, 3],
    ],
    build: (_, a, b) => add(a, b),
  },
  'add, a number': { shapes: [[2]], build: (_, a) => add(3, a) },
  sub: { shapes: [[3], [2, 3]], build: (_, a, b) => sub(a, b) },
  mul: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: (_, a, b) => mul(a, b),
  },
  'mul, one tensor twice': { shapes: [[4]], build: (_, a) => mul(a, a) },
  div: { shapes: [[2, 3], [3]], build: (_, a, b) => div(a, b), range: positive },
  where: {
    shapes: [[2, 3], [3], [2, 3]],
    build: (_, a, b, c) => where(less(c, 0), a, b),
    differentiable: [0, 1],
  },
  neg: { shapes: [[3]], build: (_, x) => neg(x) },
  exp: { shapes: [[3]], build: (_, x) => exp(x) },
  log: { shapes: [[3]], build: (_, x) => log(x), range: positive },
  sqrt: { shapes: [[3]], build: (_, x) => sqrt(x), range: positive },
  'sqrt, its reciprocal': { shapes: [[3]], build: (_, x) => rsqrt(x), range: positive },
  tanh: { shapes: [[3]], build: (_, x) => tanh(x) },
  sigmoid: { shapes: [[3]], build: (_, x) => sigmoid(x) },
  // The kernel is for float32 alone.
  erf: { shapes: [[5]], range: [-2, 2], build: (_, x) => erf(x), dtype: 'float32' },
  cast: { shapes: [[3]], build: (_, x) => cast(cast(x, 'float32'), 'float64'), dtype: 'float32' },
  reduceSum: { shapes: [[2, 3, 4]], build: (_, x) => reduceSum(x, [0, -1]) },
  'reduceSum, all': { shapes: [[2, 3]], build: (_, x) => reduceSum(x) },
  'reduceSum, mean': { shapes: [[2, 3]], build: (_, x) => reduceMean(x, [1], true) },
  reduceMax: { shapes: [[3, 4]], build: (_, x) => reduceMax(x, [1]) },
  reduceSumSquare: { shapes: [[3, 4]], build: (_, x) => reduceSumSquare(x, [0], true) },
  softmax: { shapes: [[3, 4]], build: (_, x) => softmax(x) },
  reshape: { shapes: [[2, 6]], build: (_, x) => mul(reshape(x, [3, -1]), reshape(x, [3, 4])) },
  transpose: { shapes: [[2, 3, 4]], build: (_, x) => transpose(x, [2, 0, 1]) },
  broadcastTo: { shapes: [[3, 1]], build: (_, x) => broadcastTo(x, [2, 3, 4]) },
  concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    build: (_, a, b) => concat([a, b, a], 1),
  },
  slice: { shapes: [[2, 5]], build: (_, x) => slice(x, 1, 1, 3) },
  'slice, from the start': { shapes: [[4]], build: (_, x) => slice(x, -1, 0, 3) },
  gatherRows: { shapes: [[4, 2]], build: (graph, x) => gatherRows(x, index(graph, [3, 1, 3])) },
  scatterAddRows: {
    shapes: [
      [4, 2],
      [3, 2],
    ],
    build: (graph, base, updates) => scatterAddRows(base, index(graph, [3, 1, 3]), updates),
  },
  selectRows: {
    shapes: [
      [4, 3],
      [2, 3],
    ],
    build: (graph, x, w) => {
      const chosen = flags(graph, [1, 0, 1, 0]);
      const product = gemm(selectRows(x, chosen, 0.5), w, { transposeB: true });
      const zeros = fill(graph, 0, [4, 2], x.dtype);
      return addSelectedRows(zeros, chosen, mul(product, product), 0.5);
    },
  },
  'selectRows, none': {
    shapes: [
      [4, 3],
      [2, 3],
    ],
    build: (graph, x, w) => {
      const chosen = flags(graph, [0, 0, 0, 0]);
      const product = gemm(selectRows(x, chosen, 0.5), w, { transposeB: true });
      return add(
        addSelectedRows(fill(graph, 0, [4, 2], x.dtype), chosen, product, 0.5),
        gemm(x, w, { transposeB: true }),
      );
    },
  },
  addSelectedRows: {
    shapes: [
      [4, 2],
      [4, 2],
    ],
    build: (graph, base, x) => {
      const chosen = flags(graph, [0, 1, 1, 1]);
      return addSelectedRows(base, chosen, tanh(selectRows(x, chosen, 0.75)), 0.75);
    },
  },
  pickColumns: { shapes: [[3, 4]], build: (graph, x) => pickColumns(x, index(graph, [3, 0, 3])) },
  addToColumns: {
    shapes: [[3, 4], [3]],
    build: (graph, base, values) => addToColumns(base, index(graph, [3, 0, 3]), values),
  },
  rotary: rotaryCase(8, false),
  'rotary, neighbours as pairs': rotaryCase(8, true),
  'rotary, the first part of a head': rotaryCase(12, false),
  'rotary, the first part, neighbours': rotaryCase(12, true),
};

/** Two heads, of which four elements each are rotated. The kernel is for float32 alone. */
function rotaryCase(width: number, interleaved: boolean): Case {
  return {
    shapes: [[3, width]],
    build: (graph, x) => {
      const angles = [0, 0, 0.5, 1.5, 1, 3];
      const table = (f: (angle: number) => number): Tensor =>
        constant(graph, angles.map(f), [3, 2], 'float32');
      return rotary(x, index(graph, [2, 0, 1]), table(Math.cos), table(Math.sin), 2, interleaved);
    },
    dtype: 'float32',
  };
}

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const name = `${transposeA ? 'A^T' : 'A'} ${transposeB ? 'B^T' : 'B'}`;
    const shapes = [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4], [4]];
    CASES[`gemm, ${name}`] = {
      shapes,
      build: (_, a, b, c) => gemm(a, b, { transposeA, transposeB, alpha: 0.5, c }),
    };
    for (const rowsFirstA of [false, true]) {
      for (const rowsFirstB of [false, true]) {
        const place = ([rows, columns]: number[], batch: number[], first: boolean): number[] =>
          first ? [rows, ...batch, columns] : [...batch, rows, columns];
        CASES[`matmul, ${name}, rows first ${rowsFirstA} and ${rowsFirstB}`] = {
          shapes: [place(shapes[0], [2, 3], rowsFirstA), place(shapes[1], [2, 1], rowsFirstB)],
          build: (_, a, b) => matmul(a, b, { transposeA, transposeB, rowsFirstA, rowsFirstB, alpha: 0.5 }),
        };
      }
    }
  }
}

describe('derivatives against central differences, and the engine against the interpreter', () => {
  it.each(Object.entries(CASES))('%s', async (_name, checked) => {
    const { derivative, engine } = await caseDeviations(checked);
    expect(derivative).toBeLessThan(tolerances(checked).derivative);
    expect(engine).toBeLessThan(tolerances(checked).engine);
  });

  it('has a case for every operation that has a derivative', () => {
    const differentiable = Object.entries(OPERATIONS).flatMap(([name, { gradient }]) =>
      gradient === null ? [] : [name],
    );
    const covered = new Set(Object.keys(CASES).map((name) => name.split(',')[0]));
    expect([...covered].sort()).toEqual(differentiable.sort());
  });
});

const tensorflow = tensorflowEngine(await loadTensorflow('cpu', () => undefined));

describe('TensorFlow.js against the interpreter, in float32', () => {
  // The case of cast is for a type that the library lacks.
  it.each(Object.entries(CASES).filter(([name]) => name !== 'cast'))('%s', async (_name, checked) => {
    const single = { ...checked, dtype: 'float32' } as const;
    expect((await caseDeviations(single, tensorflow)).engine).toBeLessThan(tolerances(single).engine);
  });
});

describe.each([onnxEngine, tensorflow])('operations without a derivative on $name', (engine) => {
  it('puts rows in place of others', async () => {
    const graph = new Graph();
    const base = graph.input('base', [3, 2], 'float32');
    const output = setRows(base, index(graph, [2, 0]), graph.input('values', [2, 2], 'float32'));
    const inputs = { base: Float32Array.of(1, 2, 3, 4, 5, 6), values: Float32Array.of(7, 8, 9, 10) };
    expect([...interpret(graph, [output], inputs)[0]]).toEqual([9, 10, 3, 4, 7, 8]);
    const program = await engine.compile({ graph, outputs: { output }, bindings: [] });
    expect([...(await program.run(inputs)).output]).toEqual([9, 10, 3, 4, 7, 8]);
  });

  it('finds the largest, the first of equal ones', async () => {
    const graph = new Graph();
    const x = graph.input('x', [3, 4], 'float32');
    const output = cast(topK(x, 2), 'float32');
    const inputs = { x: Float32Array.of(1, 3, 2, 3, 5, 5, 5, 5, -1, -Infinity, -2, -Infinity) };
    const expected = [0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0];
    expect([...interpret(graph, [output], inputs)[0]]).toEqual(expected);
    const program = await engine.compile({ graph, outputs: { output }, bindings: [] });
    expect([...(await program.run(inputs)).output]).toEqual(expected);
  });

  it('compares; a value that is not a number is less than nothing', async () => {
    const graph = new Graph();
    const x = graph.input('x', [4], 'float32');
    const output = cast(less(x, Infinity), 'float32');
    const program = await engine.compile({ graph, outputs: { output }, bindings: [] });
    const inputs = { x: Float32Array.of(1, Infinity, -Infinity, NaN) };
    expect([...(await program.run(inputs)).output]).toEqual([1, 0, 1, 0]);
    expect([...interpret(graph, [output], inputs)[0]]).toEqual([1, 0, 1, 0]);
  });

  it('shares the gradient of a maximum among equal elements', () => {
    const graph = new Graph();
    const x = graph.input('x', [3], 'float32');
    const y = reduceMax(x);
    const rule = OPERATIONS.reduceMax.gradient;
    const [dx] = rule?.(graph.nodeOf(y) as Parameters<typeof rule>[0], fill(graph, 1, [], 'float32')) ?? [];
    expect([...interpret(graph, [dx as Tensor], { x: [2, 1, 2] })[0]]).toEqual([0.5, 0, 0.5]);
  });
});

describe('shapes that do not fit', () => {
  const graph = new Graph();
  const x = graph.input('x', [2, 3], 'float32');
  const y = graph.input('y', [2, 4], 'float32');
  const v = graph.input('v', [3], 'float32');
  const ids = graph.input('ids', [5], 'int32');
  const bad: Record<string, [() => Tensor, string]> = {
    add: [() => add(x, y), 'add of float32[2, 3] and float32[2, 4]: shapes do not broadcast'],
    types: [() => add(ids, v), 'add of int32[5] and float32[3]: needs inputs of one type (int32)'],
    exp: [() => exp(ids), 'exp of int32[5]: needs floating-point values'],
    where: [
      () => where(x, x, x),
      'where of float32[2, 3] and float32[2, 3] and float32[2, 3]: needs a condition',
    ],
    axis: [() => reduceSum(x, [2]), 'reduceSum of float32[2, 3]: has no axis 2'],
    reshape: [() => reshape(x, [4, -1]), 'reshape of float32[2, 3]: does not fit [4, 1.5]'],
    transpose: [
      () => transpose(x, [0, 0]),
      'transpose of float32[2, 3]: [0, 0] is not a permutation of its axes',
    ],
    broadcastTo: [() => broadcastTo(x, [3, 2]), 'broadcastTo of float32[2, 3]: does not broadcast to [3, 2]'],
    concat: [
      () => concat([x, y], 0),
      'concat of float32[2, 3] and float32[2, 4]: shapes differ in another axis than 0',
    ],
    slice: [() => slice(x, 1, 2, 4), 'slice of float32[2, 3]: 2 to 4 is not a range of axis 1'],
    gemm: [() => gemm(x, y), 'gemm of float32[2, 3] and float32[2, 4]: inner extents 3 and 2 differ'],
    'gemm of a vector': [() => gemm(x, v), 'gemm of float32[2, 3] and float32[3]: needs matrices'],
    'gemm, added': [
      () => gemm(x, y, { transposeA: true, c: y }),
      'gemm of float32[2, 3] and float32[2, 4] and float32[2, 4]: what is added does not broadcast',
    ],
    matmul: [() => matmul(x, y), 'matmul of float32[2, 3] and float32[2, 4]: inner extents 3 and 2 differ'],
    gatherRows: [() => gatherRows(v, ids), 'gatherRows of float32[3] and int32[5]: needs a matrix'],
    'gatherRows, index': [
      () => gatherRows(x, v),
      'gatherRows of float32[2, 3] and float32[3]: needs an int32 vector',
    ],
    scatterAddRows: [() => scatterAddRows(x, ids, y), 'needs two matrices of one width'],
    topK: [() => topK(x, 4), 'topK of float32[2, 3]: has no 4 largest elements'],
    selectRows: [() => selectRows(x, v, 1), 'selectRows of float32[2, 3] and float32[3]: needs a bool'],
    addSelectedRows: [
      () => addSelectedRows(x, less(reduceSum(x, [1]), 0), y, 1),
      'needs matrices of one shape',
    ],
    setRows: [() => setRows(x, ids, x), 'needs an int32 index for every row'],
    rotary: [() => rotary(x, ids, x, x, 1), 'needs rows and an int32 position for each'],
    fill: [() => fill(graph, 0, [0], 'float32'), 'fill of nothing: [0] is not a shape'],
    constant: [
      () => constant(graph, [1, 2], [3], 'float32'),
      'constant of nothing: 2 values do not fill the shape [3]',
    ],
    input: [() => graph.input('x', [1], 'float32'), 'the graph has an input x already'],
    graphs: [
      () => add(x, new Graph().input('x', [2, 3], 'float32')),
      'add: an input belongs to another graph',
    ],
  };
  it.each(Object.entries(bad))('%s', (_name, [build, message]) => {
    expect(build).toThrow(
      expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
