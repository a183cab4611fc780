/** Scaled dot-product attention on rows, without a transposed copy of queries, keys and values. */
import { add, concat, matmul, mul, reduceSum, slice, softmax, sub, sumTo, transpose } from '../build.js';
import type { Tensor } from '../tensor.js';

export interface AttentionOptions {
  /** Added to the scores; broadcasts to [...batch, time, source], its last two axes are whole. */
  readonly mask: Tensor;
  /** Factor of the scores. */
  readonly scale: number;
  /**
   * Rows of a block, where row t sees nothing after position t: keys and values that lie behind a whole block of rows are
   * left out of its products. Default: one block, for a mask of any form.
   */
  readonly causalBlock?: number;
}

/**
 * softmax(scale q k^T + mask) v (Vaswani et al., 2017, section 3.2.1).
 *
 * Time comes first, all other axes but the last are batch: q [time, ...batch, width], k and v [source, ...batch, width],
 * where a batch axis of k and v may be 1 and then serves all of q's (grouped queries). The result is [time, ...batch, width].
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const time = q.shape[0];
  const { mask, scale, causalBlock: rows = time } = options;
  if (rows >= time) return attendAndDifferentiate(q, k, v, mask, scale);
  const ends = Array.from({ length: Math.ceil(time / rows) }, (_, block) =>
    Math.min(time, (block + 1) * rows),
  );
  const blocks = ends.map((end, block) =>
    attend(
      slice(q, 0, block * rows, end),
      prefix(k, end),
      prefix(v, end),
      prefix(slice(mask, -2, block * rows, end), end, -1),
      scale,
    ),
  );
  const output = concat(
    blocks.map((block) => block.output),
    0,
  );
  q.graph.setGradient(output, [q, k, v], (dy) => {
    const parts = blocks.map((block, at) => block.backward(slice(dy, 0, at * rows, ends[at])));
    /** Rows of a range have a part in the block of that range and in every later one. */
    const sum = (of: 1 | 2): Tensor =>
      concat(
        ends.map((end, range) =>
          parts
            .slice(range)
            .map((part) => slice(part[of], 0, range * rows, end))
            .reduce((total, part) => add(total, part)),
        ),
        0,
      );
    return [
      concat(
        parts.map(([dq]) => dq),
        0,
      ),
      sum(1),
      sum(2),
    ];
  });
  return output;
}

function prefix(x: Tensor, end: number, axis = 0): Tensor {
  return end === x.shape.at(axis) ? x : slice(x, axis, 0, end);
}

function attendAndDifferentiate(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Tensor {
  const { output, backward } = attend(q, k, v, mask, scale);
  q.graph.setGradient(output, [q, k, v], backward);
  return output;
}

interface Attended {
  readonly output: Tensor;
  /** Gradients of q, k and v. */
  readonly backward: (dy: Tensor) => readonly [Tensor, Tensor, Tensor];
}

/**
 * The derivative takes rowsum(P dP) as the dot product of output and its gradient (Dao et al., 2022, FlashAttention,
 * appendix B.2), which needs no pass over the [time, source] matrices.
 */
function attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Attended {
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
  return {
    output,
    backward(dy) {
      const dp = matmul(dy, v, options);
      const rowSum = transpose(reduceSum(mul(dy, output), [-1], true), timeLast);
      const ds = mul(probabilities, sub(dp, rowSum));
      return [
        toRows(matmul(ds, k, { rowsFirstB: true, alpha: scale }), q),
        toRows(matmul(ds, q, { transposeA: true, rowsFirstB: true, alpha: scale }), k),
        toRows(matmul(probabilities, dy, { transposeA: true, rowsFirstB: true }), v),
      ];
    },
  };
}
