/** Tensors that come from outside of the graph, or that are known when it is built. */
import { invalid } from '../shapes.js';
import { type DType, type Operation, type OperationName, type Shape, sizeOf } from '../tensor.js';

function check(name: OperationName, shape: Shape, dtype: DType): void {
  if (dtype === 'float16') invalid(name, [], 'float16 comes from casts alone');
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 1)) {
    invalid(name, [], `[${shape.join(', ')}] is not a shape`);
  }
}

function source(name: 'input' | 'fill'): Operation<'input'> & Operation<'fill'> {
  return {
    infer(_inputs, { shape, dtype }: { shape: Shape; dtype: DType }) {
      check(name, shape, dtype);
      return { shape, dtype };
    },
    gradient: null,
  };
}

const constant: Operation<'constant'> = {
  infer(_inputs, { data, shape, dtype }) {
    check('constant', shape, dtype);
    if (data.length !== sizeOf(shape)) {
      invalid('constant', [], `${data.length} values do not fill the shape [${shape.join(', ')}]`);
    }
    return { shape, dtype };
  },
  gradient: null,
};

export const SOURCES = { input: source('input'), constant, fill: source('fill') };
