/** What the engines on onnxruntime share: tensors over host memory, and the names of updates. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { DType, HostArray, Shape } from '../../graph/tensor.js';

/** Name of the output that holds the new value of an input. No parameter of a model starts like this. */
export const UPDATE_PREFIX = 'updated:';

export function ortTensor(values: HostArray, shape: Shape, dtype: DType): OrtTensor {
  return new OrtTensor(dtype as 'float32', values as Float32Array, shape);
}
