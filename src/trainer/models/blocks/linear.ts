/** Linear layers as Hugging Face stores them: weight [out, in], bias [out] where there is one. */
import { gemm } from '../../graph/build.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext, ParameterSpec } from '../family.js';

export interface LinearSpec {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  /** Standard deviation of the initial weights. */
  readonly std: number;
}

export function linearSpecs(prefix: string, { inputs, outputs, bias, std }: LinearSpec): ParameterSpec[] {
  const weight: ParameterSpec = {
    name: `${prefix}.weight`,
    shape: [outputs, inputs],
    init: { kind: 'normal', std },
    decay: true,
  };
  if (!bias) return [weight];
  return [weight, { name: `${prefix}.bias`, shape: [outputs], init: { kind: 'zeros' }, decay: false }];
}

/** x W^T + b for rows x [n, in] */
export function linear(context: DecoderContext, prefix: string, x: Tensor, bias: boolean): Tensor {
  return gemm(x, context.parameter(`${prefix}.weight`), {
    transposeB: true,
    c: bias ? context.parameter(`${prefix}.bias`) : undefined,
  });
}
