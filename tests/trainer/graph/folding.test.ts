import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import {
  add,
  broadcastTo,
  cast,
  constant,
  div,
  exp,
  fill,
  less,
  mul,
  neg,
  sqrt,
  sub,
  where,
} from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import type { DType, HostArray, Shape, Tensor } from '../../../src/trainer/graph/tensor.js';

type Build = (a: Tensor, b: Tensor) => Tensor;

const CASES: Record<string, Build> = {
  add,
  sub,
  mul,
  'div, by zero too': (a, b) => div(a, where(less(b, 0), 0, b)),
  'neg, of zero too': (a, b) => neg(where(less(a, b), a, 0)),
  'sqrt, of what is negative too': (a) => sqrt(a),
  broadcastTo: (a) => broadcastTo(a, [2, 2, 3]),
  'a sum that is rounded, times a number that is': (a, b) => mul(add(a, mul(b, 1e-7)), 0.1),
};

const A = { values: [1.1, -2.7, 3e-20, 16777217, -0.1, 1e30], shape: [2, 3] } as const;
const B = { values: [0.3, -7, 3e30], shape: [3] } as const;

async function run(graph: Graph, output: Tensor, inputs: Record<string, HostArray>): Promise<HostArray> {
  const program = await onnxEngine.compile({ graph, outputs: { output }, bindings: [] });
  const result = await program.run(inputs);
  await program.dispose();
  return result['output'];
}

function valuesOf(graph: Graph, tensor: Tensor): { operation: string; shape: Shape; data?: HostArray } {
  const { operation, attributes } = graph.nodeOf(tensor);
  return { operation, shape: tensor.shape, data: (attributes as { data?: HostArray }).data };
}

describe.each(['float32', 'float64'] as const)('constants of %s', (dtype) => {
  it.each(Object.entries(CASES))('are the values that the engine computes: %s', async (_name, build) => {
    const open = new Graph();
    const [a, b] = [A, B].map(({ shape }, at) => open.input(`x${at}`, shape, dtype));
    const expected = await run(open, build(a, b), {
      x0: dtype === 'float32' ? Float32Array.from(A.values) : Float64Array.from(A.values),
      x1: dtype === 'float32' ? Float32Array.from(B.values) : Float64Array.from(B.values),
    });
    const closed = new Graph();
    const folded = build(
      ...([A, B].map(({ values, shape }) => constant(closed, values, shape, dtype)) as [Tensor, Tensor]),
    );
    const { operation, data } = valuesOf(closed, folded);
    expect(operation).toBe('constant');
    // Signs of zeros count.
    expect(data).toEqual(expected);
  });
});

describe('constant folding', () => {
  const graph = new Graph();
  const scalar = (value: number, dtype: DType = 'float32'): Tensor => fill(graph, value, [], dtype);

  it('keeps tensors of one value filled, rounded to their type', () => {
    const node = graph.nodeOf(add(fill(graph, 0.1, [2, 1], 'float32'), fill(graph, 0.2, [3], 'float32')));
    expect(node.operation).toBe('fill');
    const value = Math.fround(Math.fround(0.1) + Math.fround(0.2));
    expect(node.attributes).toEqual({ value, shape: [2, 3], dtype: 'float32' });
    expect(mul(scalar(2), 3)).toBe(scalar(6));
    expect(graph.nodeOf(less(scalar(1), 2)).attributes).toEqual({ value: 1, shape: [], dtype: 'bool' });
  });

  it('compares and chooses whole numbers, and leaves their arithmetic to the engine', () => {
    const [a, b] = [constant(graph, [1, 5], [2], 'int32'), constant(graph, [4, 2], [2], 'int32')];
    expect(valuesOf(graph, where(less(a, b), a, b))).toEqual({
      operation: 'constant',
      shape: [2],
      data: Int32Array.of(1, 2),
    });
    expect(graph.nodeOf(add(a, b)).operation).toBe('add');
  });

  it('leaves what engines round differently, what depends on inputs, and what is large', () => {
    const x = graph.input('x', [2], 'float32');
    const large = constant(graph, new Float32Array(70000), [70000], 'float32');
    expect(graph.nodeOf(exp(scalar(1))).operation).toBe('exp');
    expect(graph.nodeOf(cast(scalar(1), 'float64')).operation).toBe('cast');
    expect(graph.nodeOf(mul(x, 0)).operation).toBe('mul');
    expect(graph.nodeOf(add(large, 1)).operation).toBe('add');
  });
});
