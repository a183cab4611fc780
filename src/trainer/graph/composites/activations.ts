/** Activation functions whose derivative reuses what the forward pass computed. */
import { add, erf, exp, less, mul, neg, sigmoid, sub, tanh, where } from '../build.js';
import type { Tensor } from '../tensor.js';

/** x sigmoid(x) (Elfwing et al., 2017). With s = sigmoid(x) its derivative is s + y (1 - s). */
export function silu(x: Tensor): Tensor {
  const s = sigmoid(x);
  const y = mul(x, s);
  x.graph.setGradient(y, [x], (dy) => [mul(dy, add(s, sub(y, mul(y, s))))]);
  return y;
}

/** max(x, 0); the derivative at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return where(less(0, x), x, 0);
}

/** max(x, 0)^2 (So et al., 2021, Primer, section 4.2). */
export function reluSquared(x: Tensor): Tensor {
  const y = relu(x);
  return mul(y, y);
}

/** x times the normal distribution function of x (Hendrycks and Gimpel, 2016). */
export function gelu(x: Tensor): Tensor {
  const share = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const y = mul(x, share);
  x.graph.setGradient(y, [x], (dy) => {
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(dy, add(share, mul(x, density)))];
  });
  return y;
}

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715;

/**
 * GELU by its approximation with tanh (Hendrycks and Gimpel, 2016, section 2), which GPT-2 uses. With
 * t = tanh(a (x + b x^3)): y = x (1 + t) / 2, and its derivative (1 + t) / 2 + x (1 - t^2) a (1 + 3 b x^2) / 2.
 */
export function geluTanh(x: Tensor): Tensor {
  const square = mul(x, x);
  const t = tanh(mul(x, add(mul(square, TANH_SCALE * TANH_CUBE), TANH_SCALE)));
  const half = add(mul(t, 0.5), 0.5);
  const y = mul(x, half);
  x.graph.setGradient(y, [x], (dy) => {
    const slope = add(mul(square, 1.5 * TANH_SCALE * TANH_CUBE), 0.5 * TANH_SCALE);
    const bend = mul(mul(x, add(neg(mul(t, t)), 1)), slope);
    return [mul(dy, add(half, bend))];
  });
  return y;
}
