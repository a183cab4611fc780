/** Root mean square normalisation. */
import { add, gemm, mul, reduceSumSquare, reshape, rsqrt, sub } from '../build.js';
import type { Tensor } from '../tensor.js';

/**
 * x / sqrt(mean(x^2) + epsilon) * weight over rows (Zhang and Sennrich, 2019). x [n, width], weight [width].
 *
 * With r = 1 / rms and p = dy x: dx = r (dy w - x r^2 mean(p w)), dw = sum over rows of p r. Both sums are products with a
 * vector, so that no further pass over [n, width] is needed for them, and nothing of that size is kept from the forward pass.
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const width = x.shape[1];
  const r = rsqrt(add(mul(reduceSumSquare(x, [1], true), 1 / width), epsilon));
  const y = mul(mul(x, r), weight);
  x.graph.setGradient(y, [x, weight], (dy) => {
    const product = mul(dy, x);
    const mean = gemm(product, reshape(weight, [width, 1]), { alpha: 1 / width });
    const dx = mul(r, sub(mul(dy, weight), mul(x, mul(mul(r, r), mean))));
    return [dx, reshape(gemm(product, r, { transposeA: true }), [width])];
  });
  return y;
}
