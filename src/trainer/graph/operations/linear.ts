/**
 * Matrix products. `gemm` is for matrices (linear layers), `matmul` for stacks of them (attention).
 *
 * Derivatives of Y = A B: dA = dY B^T, dB = A^T dY; a transposed operand swaps the factors of its derivative.
 * No operand is copied to transpose it: the flags of the products do that.
 */
import { gemm, matmul, sumTo, transpose } from '../build.js';
import { broadcastShapes, expectFloat, expectInputs, invalid } from '../shapes.js';
import { type Operation, sameShape, type Shape, type Tensor } from '../tensor.js';

const gemmOperation: Operation<'gemm'> = {
  infer(inputs, { transposeA, transposeB }) {
    if (inputs.length !== 3) expectInputs('gemm', inputs, 2);
    expectFloat('gemm', inputs);
    const [a, b, c] = inputs as readonly (Tensor | undefined)[];
    if (a?.shape.length !== 2 || b?.shape.length !== 2) return invalid('gemm', inputs, 'needs matrices');
    const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const [innerB, columns] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
    if (inner !== innerB) invalid('gemm', inputs, `inner extents ${inner} and ${innerB} differ`);
    const shape = [rows, columns];
    if (c !== undefined) {
      const common = broadcastShapes(c.shape, shape);
      if (common === undefined || !sameShape(common, shape))
        invalid('gemm', inputs, 'what is added does not broadcast');
    }
    return { shape, dtype: a.dtype };
  },
  gradient({ inputs: [a, b, c], attributes: { transposeA, transposeB, alpha } }, dy) {
    const da = transposeA
      ? gemm(b, dy, { transposeA: transposeB, transposeB: true, alpha })
      : gemm(dy, b, { transposeB: !transposeB, alpha });
    const db = transposeB
      ? gemm(dy, a, { transposeA: true, transposeB: transposeA, alpha })
      : gemm(a, dy, { transposeA: !transposeA, alpha });
    return (c as Tensor | undefined) === undefined ? [da, db] : [da, db, sumTo(dy, c.shape)];
  },
};

/** [rows, ...batch, columns] -> [...batch, rows, columns] */
function rowsFirstToLast(shape: Shape): Shape {
  return [...shape.slice(1, -1), shape[0], shape[shape.length - 1]];
}

/** Puts rows first again in a derivative, if its operand had them there. */
function restore(gradient: Tensor, operand: Tensor, rowsFirst: boolean): Tensor {
  const last = operand.shape.length - 1;
  if (!rowsFirst) return sumTo(gradient, operand.shape);
  const summed = sumTo(gradient, rowsFirstToLast(operand.shape));
  return transpose(summed, [last - 1, ...Array.from({ length: last - 1 }, (_, axis) => axis), last]);
}

const matmulOperation: Operation<'matmul'> = {
  infer(inputs, { transposeA, transposeB, rowsFirstA, rowsFirstB }) {
    expectInputs('matmul', inputs, 2);
    expectFloat('matmul', inputs);
    const [a, b] = inputs;
    if (a.shape.length < 2 || b.shape.length < 2) invalid('matmul', inputs, 'needs matrices');
    const left = rowsFirstA ? rowsFirstToLast(a.shape) : a.shape;
    const right = rowsFirstB ? rowsFirstToLast(b.shape) : b.shape;
    const [rows, inner] = transposeA ? [left.at(-1), left.at(-2)] : left.slice(-2);
    const [innerB, columns] = transposeB ? [right.at(-1), right.at(-2)] : right.slice(-2);
    if (inner !== innerB) invalid('matmul', inputs, `inner extents ${inner} and ${innerB} differ`);
    const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
    if (batch === undefined) return invalid('matmul', inputs, 'batch axes do not broadcast');
    return { shape: [...batch, rows as number, columns as number], dtype: a.dtype };
  },
  gradient({ inputs: [a, b], attributes }, dy) {
    const { transposeA, transposeB, rowsFirstA, rowsFirstB, alpha } = attributes;
    const da = transposeA
      ? matmul(b, dy, { transposeA: transposeB, transposeB: true, rowsFirstA: rowsFirstB, alpha })
      : matmul(dy, b, { transposeB: !transposeB, rowsFirstB, alpha });
    const db = transposeB
      ? matmul(dy, a, { transposeA: true, transposeB: transposeA, rowsFirstB: rowsFirstA, alpha })
      : matmul(a, dy, { transposeA: !transposeA, rowsFirstA, alpha });
    return [restore(da, a, rowsFirstA), restore(db, b, rowsFirstB)];
  },
};

export const LINEAR = { gemm: gemmOperation, matmul: matmulOperation };
