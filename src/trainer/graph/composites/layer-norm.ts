/** Layer normalisation. */
import { add, gemm, mul, reduceMean, reduceSum, reduceSumSquare, reshape, rsqrt, sub } from '../build.js';
import type { Tensor } from '../tensor.js';

/**
 * (x - mean) / sqrt(variance + epsilon) * weight + bias over rows (Ba et al., 2016). x [n, width], weight and bias [width].
 *
 * With h the normalised rows, r = 1 / sqrt(variance + epsilon) and g = dy weight: dx = r (g - mean(g) - h mean(g h)). Both
 * means are products with `weight`, so that no further pass over [n, width] is needed for them.
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor | undefined, epsilon: number): Tensor {
  const width = x.shape[1];
  const centred = sub(x, reduceMean(x, [1], true));
  const r = rsqrt(add(mul(reduceSumSquare(centred, [1], true), 1 / width), epsilon));
  const h = mul(centred, r);
  const scaled = mul(h, weight);
  const y = bias === undefined ? scaled : add(scaled, bias);
  const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
  x.graph.setGradient(y, inputs, (dy) => {
    const product = mul(dy, h);
    const column = reshape(weight, [width, 1]);
    const meanOf = (rows: Tensor): Tensor => gemm(rows, column, { alpha: 1 / width });
    const dx = mul(r, sub(sub(mul(dy, weight), meanOf(dy)), mul(h, meanOf(product))));
    return [dx, reduceSum(product, [0]), reduceSum(dy, [0])];
  });
  return y;
}
