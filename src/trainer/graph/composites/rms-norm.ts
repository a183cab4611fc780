/** Root mean square normalisation. */
import { add, gemm, mul, reduceSum, reduceSumSquare, reshape, rsqrt, sub } from '../build.js';
import type { Tensor } from '../tensor.js';

/**
 * x / sqrt(mean(x^2) + epsilon) * weight over rows (Zhang and Sennrich, 2019). x [n, width], weight [width].
 *
 * With h = x r, r = 1 / rms: dx = r (dy w - h mean(dy w h)), dw = sum over rows of dy h. The mean is a product of
 * (dy h) with w, so that no further pass over [n, width] is needed for it.
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const width = x.shape[1];
  const r = rsqrt(add(mul(reduceSumSquare(x, [1], true), 1 / width), epsilon));
  const h = mul(x, r);
  const y = mul(h, weight);
  x.graph.setGradient(y, [x, weight], (dy) => {
    const product = mul(dy, h);
    const mean = gemm(product, reshape(weight, [width, 1]), { alpha: 1 / width });
    return [mul(r, sub(mul(dy, weight), mul(h, mean))), reduceSum(product, [0])];
  });
  return y;
}
