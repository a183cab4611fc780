/** Sums and maxima over axes, and softmax. Axes come normalised: not negative, ascending, without repetition. */
import { broadcastTo, div, mul, reduceSum, reshape, sub, where, less, fill } from '../build.js';
import { expectFloat, expectInputs, invalid, reducedShape } from '../shapes.js';
import type { Node, Operation, Shape, Tensor } from '../tensor.js';

type Reduction = 'reduceSum' | 'reduceMax' | 'reduceSumSquare';

/** The reduced value with its reduced axes kept, so that it broadcasts against the input. */
function keptShape(node: Node<Reduction>): Shape {
  return reducedShape(node.inputs[0].shape, node.attributes.axes, true);
}

function reduction<Name extends Reduction>(
  operation: Name,
  gradient: (x: Tensor, y: Tensor, dy: Tensor, axes: readonly number[]) => Tensor,
): Operation<Name> {
  return {
    infer(inputs, { axes, keepDims }) {
      expectInputs(operation, inputs, 1);
      expectFloat(operation, inputs);
      return { shape: reducedShape(inputs[0].shape, axes, keepDims), dtype: inputs[0].dtype };
    },
    gradient(node, dy) {
      const kept = keptShape(node);
      const { axes } = node.attributes;
      return [gradient(node.inputs[0], reshape(node.output, kept), reshape(dy, kept), axes)];
    },
  };
}

const softmax: Operation<'softmax'> = {
  infer(inputs) {
    expectInputs('softmax', inputs, 1);
    expectFloat('softmax', inputs);
    if (inputs[0].shape.length === 0) invalid('softmax', inputs, 'needs at least one axis');
    return inputs[0];
  },
  gradient({ output: y }, dy) {
    const product = mul(y, dy);
    return [sub(product, mul(y, reduceSum(product, [-1], true)))];
  },
};

/** A choice: what it chooses among has a gradient where it is used, the choice itself has none. */
const topK: Operation<'topK'> = {
  infer(inputs, { count }) {
    expectInputs('topK', inputs, 1);
    expectFloat('topK', inputs);
    const { shape } = inputs[0];
    const width = shape.at(-1) ?? 0;
    if (!Number.isInteger(count) || count < 1 || count > width)
      invalid('topK', inputs, `has no ${count} largest elements`);
    return { shape, dtype: 'bool' };
  },
  gradient: null,
};

export const REDUCTIONS = {
  reduceSum: reduction('reduceSum', (x, _y, dy) => broadcastTo(dy, x.shape)),
  reduceSumSquare: reduction('reduceSumSquare', (x, _y, dy) => mul(x, mul(dy, 2))),
  /** Several largest elements share the gradient equally. */
  reduceMax: reduction('reduceMax', (x, y, dy, axes) => {
    const largest = where(less(x, y), 0, fill(x.graph, 1, x.shape, x.dtype));
    return mul(largest, div(dy, reduceSum(largest, axes, true)));
  }),
  softmax,
  topK,
};
