/** Normalisation layers with their parameters. Rows x [n, width] -> the same. */
import { layerNorm as layerNormOf } from '../../graph/composites/layer-norm.js';
import { rmsNorm as rmsNormOf } from '../../graph/composites/rms-norm.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { biasVector } from './linear.js';

function scale(context: DecoderContext, name: string, width: number): Tensor {
  return context.parameter({
    name: `${name}.weight`,
    shape: [width],
    init: { kind: 'ones' },
    decay: false,
  });
}

export function rmsNorm(context: DecoderContext, name: string, x: Tensor, epsilon: number): Tensor {
  return rmsNormOf(x, scale(context, name, x.shape[1]), epsilon);
}

export function layerNorm(
  context: DecoderContext,
  name: string,
  x: Tensor,
  epsilon: number,
  bias = true,
): Tensor {
  const width = x.shape[1];
  const weight = scale(context, name, width);
  return layerNormOf(x, weight, bias ? biasVector(context, name, width) : undefined, epsilon);
}
