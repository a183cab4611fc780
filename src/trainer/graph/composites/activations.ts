/** Activation functions whose derivative reuses what the forward pass computed. */
import { add, mul, sigmoid, sub } from '../build.js';
import type { Tensor } from '../tensor.js';

/** x sigmoid(x) (Elfwing et al., 2017). With s = sigmoid(x) its derivative is s + y (1 - s). */
export function silu(x: Tensor): Tensor {
  const s = sigmoid(x);
  const y = mul(x, s);
  x.graph.setGradient(y, [x], (dy) => [mul(dy, add(s, sub(y, mul(y, s))))]);
  return y;
}
