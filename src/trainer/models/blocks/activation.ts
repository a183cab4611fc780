/** Activation functions by the names that Hugging Face's configurations have. */
import { z } from 'zod';
import { gelu, geluTanh, relu, reluSquared, silu } from '../../graph/composites/activations.js';
import type { Tensor } from '../../graph/tensor.js';

const ACTIVATIONS = {
  relu,
  relu2: reluSquared,
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  silu,
  swish: silu,
} as const;

export type ActivationName = keyof typeof ACTIVATIONS;

export const activationSchema = z.enum(Object.keys(ACTIVATIONS) as [ActivationName, ...ActivationName[]]);

export function activate(name: ActivationName, x: Tensor): Tensor {
  return ACTIVATIONS[name](x);
}
