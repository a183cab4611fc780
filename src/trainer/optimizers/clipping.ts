/** Clipping by the global norm (Pascanu et al., 2013, section 3.2), and the guard against gradients that are not finite. */
import { add, div, fill, less, reduceSumSquare, sqrt, where } from '../graph/build.js';
import type { Tensor } from '../graph/tensor.js';

export interface Clipping {
  /** Euclidean norm of all gradients together, before clipping. */
  readonly norm: Tensor;
  /** Factor of every gradient: at most 1, over the loss scale. */
  readonly scale: Tensor;
  /** bool: loss and norm are finite. */
  readonly applied: Tensor;
}

/** As in PyTorch's clip_grad_norm_: it keeps the quotient finite for a norm of 0. */
const NORM_EPSILON = 1e-6;

/**
 * The squares are summed in the order in which differentiation produced the gradients: engines that run a graph depth-first
 * from its outputs then run every gradient's product when its factors are at hand, and free the activations.
 * @param lossScale what the loss was multiplied with before it was differentiated
 */
export function clipGradients(
  loss: Tensor,
  gradients: readonly Tensor[],
  clipNorm: number | null,
  lossScale?: Tensor,
): Clipping {
  const [first, ...rest] = [...gradients].sort((a, b) => a.id - b.id);
  let squares = reduceSumSquare(first);
  for (const gradient of rest) squares = add(squares, reduceSumSquare(gradient));
  const scaledNorm = sqrt(squares);
  const norm = lossScale === undefined ? scaledNorm : div(scaledNorm, lossScale);
  const one = fill(norm.graph, 1, [], norm.dtype);
  const clip =
    clipNorm === null ? one : where(less(clipNorm, norm), div(clipNorm, add(norm, NORM_EPSILON)), one);
  return {
    norm,
    scale: lossScale === undefined ? clip : div(clip, lossScale),
    applied: less(add(norm, loss), Infinity),
  };
}
