/** Scaled dot-product attention on rows, without a transposed copy of queries, keys and values. */
import { add, matmul, mul, reduceSum, softmax, sub, sumTo, transpose } from '../build.js';
import type { Tensor } from '../tensor.js';

/**
 * softmax(scale q k^T + mask) v (Vaswani et al., 2017, section 3.2.1).
 *
 * Time comes first, all other axes but the last are batch: q [time, ...batch, width], k and v [source, ...batch, width],
 * where a batch axis of k and v may be 1 and then serves all of q's (grouped queries). `mask` broadcasts to
 * [...batch, time, source] and is added; the result is [time, ...batch, width].
 *
 * The derivative takes rowsum(P dP) as the dot product of output and its gradient (Dao et al., 2022, FlashAttention,
 * appendix B.2), which needs no pass over the [time, source] matrices.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Tensor {
  const options = { rowsFirstA: true, rowsFirstB: true, transposeB: true };
  const rank = q.shape.length;
  const timeFirst = [rank - 2, ...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1];
  const timeLast = [...Array.from({ length: rank - 2 }, (_, axis) => axis + 1), 0, rank - 1];
  /** [...batch, rows, width] -> [rows, ...batch, width], summed where the operand's batch axes are 1. */
  const toRows = (gradient: Tensor, operand: Tensor): Tensor =>
    transpose(
      sumTo(
        gradient,
        timeLast.map((axis) => operand.shape[axis]),
      ),
      timeFirst,
    );

  const probabilities = softmax(add(matmul(q, k, { ...options, alpha: scale }), mask));
  const output = transpose(matmul(probabilities, v, { rowsFirstB: true }), timeFirst);
  q.graph.setGradient(output, [q, k, v], (dy) => {
    const dp = matmul(dy, v, options);
    const rowSum = transpose(reduceSum(mul(dy, output), [-1], true), timeLast);
    const ds = mul(probabilities, sub(dp, rowSum));
    return [
      toRows(matmul(ds, k, { rowsFirstB: true, alpha: scale }), q),
      toRows(matmul(ds, q, { transposeA: true, rowsFirstB: true, alpha: scale }), k),
      toRows(matmul(probabilities, dy, { transposeA: true, rowsFirstB: true }), v),
    ];
  });
  return output;
}
