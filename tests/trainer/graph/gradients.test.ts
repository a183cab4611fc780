import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  gatherRows,
  constant,
  fill,
  gemm,
  mul,
  neg,
  reduceSum,
  sigmoid,
  sub,
  tanh,
} from '../../../src/trainer/graph/build.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import type { Attributes, OperationName, Tensor } from '../../../src/trainer/graph/tensor.js';
import { type Case, caseDeviations, tolerances } from '../../support/gradient-check.js';
import { interpret } from '../../support/graph-interpreter.js';

/** How many nodes of each operation it takes to compute some tensors. */
function operationsFor(graph: Graph, outputs: Tensor[]): Partial<Record<OperationName, number>> {
  const counts: Partial<Record<OperationName, number>> = {};
  for (const { operation } of graph.live(outputs)) counts[operation] = (counts[operation] ?? 0) + 1;
  return counts;
}

describe('sums over several uses of a tensor', () => {
  it('go through the products that contribute, without an addition', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3], 'float32');
    const [a, b, c] = ['a', 'b', 'c'].map((name) => graph.input(name, [4, 3], 'float32'));
    const outputs = [a, b, c].map((weight) => gemm(x, weight, { transposeB: true }));
    const loss = outputs.map((output) => reduceSum(output)).reduce((sum, term) => add(sum, term));
    const [dx] = gradients(graph, loss, [x]);
    const { gemm: products, add: additions } = operationsFor(graph, [dx]);
    expect([products, additions]).toEqual([3, undefined]);
    // d/dx of the sum of all entries of x W^T is the sum of W's rows, in every row of x.
    const values = { x: Array(6).fill(0), a: Array(12).fill(1), b: Array(12).fill(2), c: Array(12).fill(3) };
    expect([...interpret(graph, [dx], values)[0]]).toEqual(Array(6).fill(4 * (1 + 2 + 3)));
  });

  it('go through a scatter, where a matrix is both embedding and output layer', () => {
    const graph = new Graph();
    const table = graph.input('table', [3, 2], 'float32');
    const rows = gatherRows(table, constant(graph, [2, 0, 2], [3], 'int32'));
    const loss = reduceSum(gemm(rows, table, { transposeB: true }));
    const [dtable] = gradients(graph, loss, [table]);
    const { scatterAddRows, add: additions } = operationsFor(graph, [dtable]);
    expect([scatterAddRows, additions]).toEqual([1, undefined]);
    // With rows r_n = E[i_n] the loss is (sum of r_n) . (sum of E's rows) = s . t; row j of its gradient is s + count(j) t.
    const [values] = interpret(graph, [dtable], { table: [1, 2, 3, 4, 5, 6] });
    const [s, t] = [
      [11, 14],
      [9, 12],
    ];
    expect([...values]).toEqual([s[0] + t[0], s[1] + t[1], s[0], s[1], s[0] + 2 * t[0], s[1] + 2 * t[1]]);
  });

  it('add a product that something else uses too, without computing it again', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 3], 'float32');
    const weight = graph.input('weight', [3, 3], 'float32');
    const y = add(x, tanh(x));
    const loss = reduceSum(gemm(add(y, x), weight));
    const [dx] = gradients(graph, loss, [x]);
    expect(operationsFor(graph, [dx]).gemm).toBe(1);
  });
});

/** A random expression of 2 x 2 tensors: each step applies an operation to earlier results. */
const steps = fc.array(fc.record({ operation: fc.nat(6), left: fc.nat(20), right: fc.nat(20) }), {
  minLength: 1,
  maxLength: 8,
});

function buildExpression(
  inputs: Tensor[],
  program: { operation: number; left: number; right: number }[],
): Tensor {
  const results = [...inputs];
  for (const { operation, left, right } of program) {
    const [a, b] = [results[left % results.length], results[right % results.length]];
    const choices = [
      () => add(a, b),
      () => mul(a, b),
      () => sub(a, b),
      () => tanh(a),
      () => gemm(a, b),
      () => gemm(a, b, { transposeA: true, c: a }),
      () => neg(sigmoid(b)),
    ];
    results.push(choices[operation]());
  }
  return results.reduce((sum, result) => add(sum, result));
}

describe('any expression', () => {
  it('has the derivative that central differences show', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (program) => {
        const checked: Case = {
          shapes: [
            [2, 2],
            [2, 2],
          ],
          build: (_, a, b) => buildExpression([a, b], program),
        };
        const { derivative, engine } = await caseDeviations(checked);
        expect(derivative).toBeLessThan(tolerances(checked).derivative);
        expect(engine).toBeLessThan(tolerances(checked).engine);
      }),
      { numRuns: 25, seed: 1 },
    );
  });
});

describe('a derivative of its own', () => {
  it('takes the place of the chain rule', () => {
    const graph = new Graph();
    const x = graph.input('x', [], 'float32');
    const y = mul(mul(x, x), x);
    graph.setGradient(y, [x], (dy) => [mul(dy, 42)]);
    const [dx] = gradients(graph, mul(y, 2), [x]);
    expect([...interpret(graph, [dx], { x: [5] })[0]]).toEqual([84]);
  });
});

describe('what cannot be differentiated', () => {
  const graph = new Graph();
  const x = graph.input('x', [2], 'float32');
  const other = graph.input('other', [2], 'float32');

  it('is a loss with axes', () => {
    expect(() => gradients(graph, x, [x])).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        message: 'the loss has shape [2], it must be a scalar',
      }),
    );
  });

  it('is a loss that does not depend on the tensor', () => {
    expect(() => gradients(graph, reduceSum(x), [other])).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        message: 'the loss does not depend on the input other',
      }),
    );
  });

  it('is a path through an operation without derivative', () => {
    const later = new Graph();
    const table = later.input('table', [2, 2], 'float32');
    const replaced = later.apply(
      'setRows',
      [table, constant(later, [0], [1], 'int32'), fill(later, 0, [1, 2], 'float32')],
      {},
    );
    expect(() => gradients(later, reduceSum(replaced), [table])).toThrow(
      expect.objectContaining({
        code: 'GRAPH_INVALID',
        message:
          'setRows of float32[2, 2] and int32[1] and float32[1, 2]: has no derivative, and the loss depends on it',
      }),
    );
  });
});

describe('equal expressions', () => {
  const graph = new Graph();
  const x = graph.input('x', [2, 2], 'float32');
  const y = graph.input('y', [2, 2], 'float32');

  it('are one node', () => {
    expect(mul(tanh(x), y)).toBe(mul(tanh(x), y));
    expect(gemm(x, y, { transposeA: true })).toBe(gemm(x, y, { transposeA: true }));
    expect(fill(graph, -Infinity, [], 'float32')).toBe(fill(graph, -Infinity, [], 'float32'));
  });

  it('are not those of other operands, other attributes or another order', () => {
    const product = gemm(x, y);
    for (const other of [gemm(y, x), gemm(x, y, { transposeB: true }), gemm(x, y, { alpha: -1 })]) {
      expect(other).not.toBe(product);
    }
    const scalars = [0, -0, Infinity, -Infinity, NaN].map((value) => fill(graph, value, [], 'float32'));
    expect(new Set(scalars).size).toBe(5);
  });

  it('are not tensors with axes that are filled, which may be written to', () => {
    expect(fill(graph, 0, [2], 'float32')).not.toBe(fill(graph, 0, [2], 'float32'));
  });
});

describe('the nodes that outputs need', () => {
  it('leave out what nobody asked for', () => {
    const graph = new Graph();
    const x = graph.input('x', [1], 'float32');
    const y = neg(x);
    tanh(x);
    const names = graph
      .live([y])
      .map(({ operation, attributes }) =>
        operation === 'input' ? (attributes as Attributes['input']).name : operation,
      );
    expect(names).toEqual(['x', 'neg']);
  });
});
