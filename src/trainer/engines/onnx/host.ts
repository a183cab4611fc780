/** What the engines on onnxruntime share: tensors over host memory, and the names of updates. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { TokenmillError } from '../../../core/errors.js';
import { type DType, type HostArray, type Shape, sizeOf } from '../../graph/tensor.js';

/** Name of the output that holds the new value of an input. No parameter of a model starts like this. */
export const UPDATE_PREFIX = 'updated:';

export function ortTensor(values: HostArray, shape: Shape, dtype: DType): OrtTensor {
  return new OrtTensor(dtype as 'float32', values as Float32Array, shape);
}

/** The values of an input. @throws TokenmillError ENGINE_FAILED where they are missing, or not as many as the graph wants */
export function given(inputs: Readonly<Record<string, HostArray>>, name: string, shape: Shape): HostArray {
  const values = inputs[name] as HostArray | undefined;
  if (values === undefined) throw new TokenmillError('ENGINE_FAILED', `the input ${name} is missing`);
  if (values.length === sizeOf(shape)) return values;
  throw new TokenmillError(
    'ENGINE_FAILED',
    `the input ${name} has ${values.length} values, the graph wants [${shape.join(', ')}]`,
  );
}
