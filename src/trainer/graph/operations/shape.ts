/** Operations that move elements without changing their values. */
import { concat, fill, reshape, slice, sumTo, transpose } from '../build.js';
import { broadcastShapes, expectInputs, expectType, invalid } from '../shapes.js';
import { type Operation, sameShape, sizeOf, type Tensor } from '../tensor.js';

const reshapeOperation: Operation<'reshape'> = {
  infer(inputs, { shape }) {
    expectInputs('reshape', inputs, 1);
    const whole = shape.every((extent) => Number.isInteger(extent) && extent >= 1);
    if (!whole || sizeOf(shape) !== sizeOf(inputs[0].shape)) {
      invalid('reshape', inputs, `does not fit [${shape.join(', ')}]`);
    }
    return { shape, dtype: inputs[0].dtype };
  },
  gradient: ({ inputs: [x] }, dy) => [reshape(dy, x.shape)],
};

const transposeOperation: Operation<'transpose'> = {
  infer(inputs, { permutation }) {
    expectInputs('transpose', inputs, 1);
    const { shape, dtype } = inputs[0];
    if (permutation.length !== shape.length || !shape.every((_, axis) => permutation.includes(axis))) {
      invalid('transpose', inputs, `[${permutation.join(', ')}] is not a permutation of its axes`);
    }
    return { shape: permutation.map((axis) => shape[axis]), dtype };
  },
  gradient: ({ attributes: { permutation } }, dy) => [
    transpose(
      dy,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
};

const broadcastTo: Operation<'broadcastTo'> = {
  infer(inputs, { shape }) {
    expectInputs('broadcastTo', inputs, 1);
    const common = broadcastShapes(inputs[0].shape, shape);
    if (common === undefined || !sameShape(common, shape)) {
      invalid('broadcastTo', inputs, `does not broadcast to [${shape.join(', ')}]`);
    }
    return { shape, dtype: inputs[0].dtype };
  },
  gradient: ({ inputs: [x] }, dy) => [sumTo(dy, x.shape)],
};

const concatOperation: Operation<'concat'> = {
  infer(inputs, { axis }) {
    if (inputs.length === 0) invalid('concat', inputs, 'needs at least one input');
    const [first] = inputs;
    expectType('concat', inputs, first.dtype);
    const others = (x: Tensor): number[] => x.shape.map((extent, at) => (at === axis ? 1 : extent));
    if (inputs.some((input) => !sameShape(others(input), others(first)))) {
      invalid('concat', inputs, `shapes differ in another axis than ${axis}`);
    }
    const total = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
    return { shape: first.shape.map((extent, at) => (at === axis ? total : extent)), dtype: first.dtype };
  },
  gradient({ inputs, attributes: { axis } }, dy) {
    let start = 0;
    return inputs.map((input) => {
      const end = start + input.shape[axis];
      const part = slice(dy, axis, start, end);
      start = end;
      return part;
    });
  },
};

const sliceOperation: Operation<'slice'> = {
  infer(inputs, { axis, start, end }) {
    expectInputs('slice', inputs, 1);
    const { shape, dtype } = inputs[0];
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(end) ||
      start < 0 ||
      end <= start ||
      end > shape[axis]
    ) {
      invalid('slice', inputs, `${start} to ${end} is not a range of axis ${axis}`);
    }
    return { shape: shape.map((extent, at) => (at === axis ? end - start : extent)), dtype };
  },
  gradient({ inputs: [x], attributes: { axis, start, end } }, dy) {
    const zeros = (extent: number): Tensor[] =>
      extent === 0
        ? []
        : [
            fill(
              x.graph,
              0,
              x.shape.map((all, at) => (at === axis ? extent : all)),
              x.dtype,
            ),
          ];
    return [concat([...zeros(start), dy, ...zeros(x.shape[axis] - end)], axis)];
  },
};

export const SHAPE = {
  reshape: reshapeOperation,
  transpose: transposeOperation,
  broadcastTo,
  concat: concatOperation,
  slice: sliceOperation,
};
