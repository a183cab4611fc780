/**
 * What the WebGPU provider gets consists of operations of the standard alone, which the CPU provider has, too: so its rules
 * are checked on the CPU, against the interpreter.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { lower } from '../../../src/trainer/engines/onnx/lowering.js';
import {
  add,
  addSelectedRows,
  addToColumns,
  constant,
  fill,
  gemm,
  less,
  matmul,
  pickColumns,
  reshape,
  scatterAddRows,
  selectRows,
  slice,
  where,
} from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { type Shape, sizeOf, type Tensor } from '../../../src/trainer/graph/tensor.js';
import { deviation } from '../../support/gradient-check.js';
import { interpret } from '../../support/graph-interpreter.js';

/** Deviation of the lowered graph from the interpreter, over inputs of known values. */
async function check(
  shapes: readonly Shape[],
  build: (graph: Graph, ...inputs: Tensor[]) => Tensor,
): Promise<{ deviation: number; domains: string }> {
  const graph = new Graph();
  const inputs = shapes.map((shape, at) => graph.input(`x${at}`, shape, 'float32'));
  const y = build(graph, ...inputs);
  const values = Object.fromEntries(
    shapes.map((shape, at) => [
      `x${at}`,
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + at)),
    ]),
  );
  const { bytes } = lower(graph, { y }, { provider: 'webgpu' });
  const session = await InferenceSession.create(bytes);
  const results = await session.run(
    Object.fromEntries(
      shapes.map((shape, at) => [`x${at}`, new OrtTensor('float32', values[`x${at}`], shape)]),
    ),
  );
  await session.release();
  const [expected] = interpret(graph, [y], values);
  const text = Buffer.from(bytes).toString('latin1');
  return {
    deviation: deviation(results['y'].data as Float32Array, expected),
    domains: text.includes('FusedMatMul') ? 'com.microsoft' : '',
  };
}

const flags = [false, true];
const PRODUCTS = flags.flatMap((transposeA) =>
  flags.flatMap((transposeB) =>
    flags.flatMap((rowsFirstA) =>
      flags.map((rowsFirstB) => ({ transposeA, transposeB, rowsFirstA, rowsFirstB })),
    ),
  ),
);

function place([rows, columns]: Shape, batch: Shape, rowsFirst: boolean): Shape {
  return rowsFirst ? [rows, ...batch, columns] : [...batch, rows, columns];
}

describe('rules for WebGPU', () => {
  it.each(PRODUCTS)('multiply stacks of matrices: %o', async (options) => {
    const { transposeA, transposeB, rowsFirstA, rowsFirstB } = options;
    const a = place(transposeA ? [3, 2] : [2, 3], [2, 3], rowsFirstA);
    const b = place(transposeB ? [4, 3] : [3, 4], [2, 1], rowsFirstB);
    const result = await check([a, b], (_, left, right) => matmul(left, right, { ...options, alpha: 0.5 }));
    expect(result.deviation).toBeLessThan(1e-6);
    expect(result.domains).toBe('');
  });

  it('add rows by index, of which one occurs twice', async () => {
    const result = await check(
      [
        [4, 2],
        [3, 2],
      ],
      (graph, base, updates) => scatterAddRows(base, constant(graph, [3, 1, 3], [3], 'int32'), updates),
    );
    expect(result.deviation).toBeLessThan(1e-6);
  });

  it('select rows and add them, with those of others as 0', async () => {
    const shapes = [
      [4, 3],
      [2, 3],
    ];
    const result = await check(shapes, (graph, x, w) => {
      const chosen = constant(graph, [1, 0, 0, 1], [4], 'bool');
      const product = gemm(selectRows(x, chosen, 0.5), w, { transposeB: true });
      return addSelectedRows(fill(graph, 1, [4, 2], 'float32'), chosen, product, 0.5);
    });
    expect(result.deviation).toBeLessThan(1e-6);
  });

  it('cut columns out of a choice', async () => {
    const result = await check([[4, 3]], (graph, x) => {
      const chosen = less(constant(graph, [0], [1], 'float32'), x);
      const columns = [0, 1, 2].map((column) => reshape(slice(chosen, 1, column, column + 1), [4]));
      return columns
        .map((own, column) => where(own, fill(graph, column + 1, [4], 'float32'), -0.5))
        .reduce((sum, part) => add(sum, part));
    });
    expect(result.deviation).toBe(0);
  });

  it('pick elements by column and add to them', async () => {
    const result = await check([[3, 4], [3]], (graph, x, values) => {
      const index = constant(graph, [3, 0, 3], [3], 'int32');
      return pickColumns(addToColumns(x, index, values), index);
    });
    expect(result.deviation).toBeLessThan(1e-6);
  });
});
