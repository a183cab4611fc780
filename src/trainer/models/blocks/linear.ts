/** Linear layers as Hugging Face stores them: weight [out, in], bias [out] where there is one. */
import { gemm } from '../../graph/build.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';

export interface LinearSpec {
  readonly outputs: number;
  readonly bias?: boolean;
  /** Standard deviation of the initial weights. */
  readonly std: number;
}

/** x W^T + b for rows x [n, in] */
export function linear(
  context: DecoderContext,
  name: string,
  x: Tensor,
  { outputs, bias = false, std }: LinearSpec,
): Tensor {
  const weight = matrix(context, `${name}.weight`, [outputs, x.shape[1]], std);
  return gemm(x, weight, { transposeB: true, c: bias ? biasVector(context, name, outputs) : undefined });
}

/** The same with a weight that is stored [in, out], as GPT-2's are. */
export function linearInputsFirst(
  context: DecoderContext,
  name: string,
  x: Tensor,
  { outputs, bias = false, std }: LinearSpec,
): Tensor {
  const weight = matrix(context, `${name}.weight`, [x.shape[1], outputs], std);
  return gemm(x, weight, { c: bias ? biasVector(context, name, outputs) : undefined });
}

/** A matrix with normal initial values. */
export function matrix(
  context: DecoderContext,
  name: string,
  shape: readonly [number, number],
  std: number,
): Tensor {
  return context.parameter({ name, shape, init: { kind: 'normal', std }, decay: true });
}

/** A matrix whose rows stand for tokens or positions. */
export function table(
  context: DecoderContext,
  name: string,
  shape: readonly [number, number],
  std: number,
): Tensor {
  return context.parameter({ name, shape, init: { kind: 'normal', std }, decay: true, table: true });
}

export function biasVector(context: DecoderContext, name: string, width: number): Tensor {
  return context.parameter({
    name: `${name}.bias`,
    shape: [width],
    init: { kind: 'zeros' },
    decay: false,
  });
}

/**
 * Standard deviation for projections that write to the residual stream: smaller by sqrt(2 layers), so that its variance
 * does not grow with depth (Radford et al., 2019, section 2.3).
 */
export function residualStd(std: number, layers: number): number {
  return std / Math.sqrt(2 * layers);
}
