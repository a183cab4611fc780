import { expect, it } from 'vitest';
import {
  add,
  addSelectedRows,
  fill,
  gemm,
  matmul,
  mul,
  reduceSum,
  selectRows,
} from '../../../src/trainer/graph/build.js';
import { gradients } from '../../../src/trainer/graph/gradients.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { matrixOperations } from '../../../src/trainer/graph/work.js';

it('counts two operations for each product in matrix products, and nothing else', () => {
  const graph = new Graph();
  const input = (name: string, ...shape: number[]) => graph.input(name, shape, 'float32');
  const plain = gemm(input('a', 2, 3), input('b', 3, 5));
  const turned = gemm(input('c', 7, 2), input('d', 5, 7), { transposeA: true, transposeB: true });
  // [4 batch] of [2, 6] x [6, 3]; and of [3, 2]^T x [3, 5] with rows first.
  const stacked = matmul(input('e', 4, 2, 6), input('f', 4, 6, 3));
  const rowsFirst = matmul(input('g', 3, 4, 2), input('h', 3, 4, 5), {
    transposeA: true,
    rowsFirstA: true,
    rowsFirstB: true,
  });
  const sum = add(plain, turned);
  const counted = (...outputs: Parameters<Graph['live']>[0]): number => matrixOperations(graph.live(outputs));
  expect(counted(plain)).toBe(2 * 2 * 5 * 3);
  expect(counted(turned)).toBe(2 * 2 * 5 * 7);
  expect(counted(sum)).toBe(2 * 2 * 5 * (3 + 7));
  // A quarter of eight rows: a product and its derivatives, of which one sums over the rows.
  const rows = input('rows', 8, 3);
  const weight = input('weight', 5, 3);
  const chosen = graph.input('chosen', [8], 'bool');
  const selected = gemm(selectRows(rows, chosen, 0.25), weight, { transposeB: true });
  const base = fill(graph, 0, [8, 5], 'float32');
  const placed = addSelectedRows(base, chosen, selected, 0.25);
  expect(counted(placed)).toBe(2 * 2 * 5 * 3);
  expect(counted(gemm(placed, weight))).toBe(2 * 2 * 5 * 3 + 2 * 8 * 5 * 3);
  const [dRows, dWeight] = gradients(graph, reduceSum(mul(placed, placed)), [rows, weight]);
  expect(counted(dRows, dWeight)).toBe(3 * 2 * 2 * 5 * 3);
  expect(counted(gemm(dWeight, weight, { transposeA: true }))).toBe(2 * 2 * 2 * 5 * 3 + 2 * 3 * 3 * 5);
  expect(stacked.shape).toEqual([4, 2, 3]);
  expect(counted(stacked)).toBe(2 * 4 * 2 * 3 * 6);
  expect(rowsFirst.shape).toEqual([4, 2, 5]);
  expect(counted(rowsFirst)).toBe(2 * 4 * 2 * 5 * 3);
});
