/**
 * Muon (Jordan et al., 2024, Muon: An optimizer for hidden layers in neural networks): Nesterov momentum whose direction is
 * replaced by the nearest semi-orthogonal matrix, found by five steps of a quintic Newton-Schulz iteration.
 *
 * With mu the momentum and g the clipped gradient: m = mu m + (1 - mu) g, d = mu m + (1 - mu) g, and
 * w = w (1 - lr decay) - lr 0.2 sqrt(max(rows, columns)) orthogonal(d). The factor gives updates the size that AdamW's have
 * (Liu et al., 2025, Muon is Scalable for LLM Training, section 2.2), so one learning rate serves both. It is for hidden
 * matrices; embeddings, the output layer and vectors stay with AdamW.
 */
import { add, div, fill, gemm, mul, reduceSumSquare, sqrt, sub, where } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';
import type { ParameterSpec } from '../models/family.js';
import type { AdamwFactors } from './adamw.js';

/** Jordan's coefficients of X -> a X + (b A + c A A) X with A = X X^T: the steepest slope at 0. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;
const MOMENTUM = 0.95;
const NORM_EPSILON = 1e-7;

/** Whether a parameter is a matrix that maps activations to activations. */
export function isHiddenMatrix({ shape, decay, table, trained }: ParameterSpec): boolean {
  return shape.length === 2 && decay && table !== true && trained !== false;
}

/** U V^T up to singular values between about 0.7 and 1.2, for a matrix U S V^T that is not 0. */
export function orthogonalized(matrix: Tensor): Tensor {
  const [rows, columns] = matrix.shape;
  let x = div(matrix, add(sqrt(reduceSumSquare(matrix)), NORM_EPSILON));
  // The smaller of the two products of the matrix with itself: X X^T, or X^T X for one that is tall.
  const tall = rows > columns;
  for (let step = 0; step < ITERATIONS; step++) {
    const square = gemm(x, x, tall ? { transposeA: true } : { transposeB: true });
    const polynomial = gemm(square, square, { alpha: C, c: mul(square, B) });
    const c = mul(x, A);
    x = tall ? gemm(x, polynomial, { c }) : gemm(polynomial, x, { c });
  }
  return x;
}

export interface MuonState {
  readonly parameter: Tensor;
  /** The momentum. */
  readonly first: Tensor;
}

/** The state of one matrix after the step; as it was where the step is not applied. */
export function muon(state: MuonState, gradient: Tensor, factors: AdamwFactors): MuonState {
  const { applied, scale, rate, keep } = factors;
  const momentum = fill(scale.graph, MOMENTUM, [], scale.dtype);
  const g = where(applied, mul(mul(gradient, scale), 1 - MOMENTUM), 0);
  const first = add(mul(state.first, where(applied, momentum, 1)), g);
  const direction = orthogonalized(add(mul(first, MOMENTUM), g));
  const size = 0.2 * Math.sqrt(Math.max(...state.parameter.shape));
  return { parameter: sub(mul(state.parameter, keep), mul(direction, mul(rate, size))), first };
}
