/** Operations on every element by itself. Binary ones broadcast by NumPy's rule, and their derivatives sum back. */
import { cast, div, exp, mul, neg, sub, sumTo, where } from '../build.js';
import { broadcastShapes, expectFloat, expectInputs, expectType, invalid } from '../shapes.js';
import type { Operation, Shape, Tensor } from '../tensor.js';

type Binary = 'add' | 'sub' | 'mul' | 'div' | 'less';
type Unary = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf';

function inferBinary(operation: Binary, inputs: readonly Tensor[]): Shape {
  expectInputs(operation, inputs, 2);
  expectType(operation, inputs, inputs[0].dtype);
  const shape = broadcastShapes(inputs[0].shape, inputs[1].shape);
  return shape ?? invalid(operation, inputs, 'shapes do not broadcast');
}

function binary<Name extends Exclude<Binary, 'less'>>(
  operation: Name,
  gradient: (a: Tensor, b: Tensor, dy: Tensor, y: Tensor) => readonly [Tensor, Tensor],
): Operation<Name> {
  return {
    infer: (inputs) => ({ shape: inferBinary(operation, inputs), dtype: inputs[0].dtype }),
    gradient({ inputs: [a, b], output }, dy) {
      const [da, db] = gradient(a, b, dy, output);
      return [sumTo(da, a.shape), sumTo(db, b.shape)];
    },
  };
}

function unary<Name extends Unary>(
  operation: Name,
  gradient: (x: Tensor, dy: Tensor, y: Tensor) => Tensor,
): Operation<Name> {
  return {
    infer(inputs) {
      expectInputs(operation, inputs, 1);
      expectFloat(operation, inputs);
      return inputs[0];
    },
    gradient: ({ inputs: [x], output }, dy) => [gradient(x, dy, output)],
  };
}

const less: Operation<'less'> = {
  infer: (inputs) => ({ shape: inferBinary('less', inputs), dtype: 'bool' }),
  gradient: null,
};

const whereOperation: Operation<'where'> = {
  infer(inputs) {
    expectInputs('where', inputs, 3);
    const [condition, a, b] = inputs;
    if (condition.dtype !== 'bool' || a.dtype !== b.dtype) {
      invalid('where', inputs, 'needs a condition and two values of one type');
    }
    const values = broadcastShapes(a.shape, b.shape);
    const shape = values && broadcastShapes(condition.shape, values);
    return { shape: shape ?? invalid('where', inputs, 'shapes do not broadcast'), dtype: a.dtype };
  },
  gradient: ({ inputs: [condition, a, b] }, dy) => [
    undefined,
    sumTo(where(condition, dy, 0), a.shape),
    sumTo(where(condition, 0, dy), b.shape),
  ],
};

const castOperation: Operation<'cast'> = {
  infer(inputs, { dtype }) {
    expectInputs('cast', inputs, 1);
    return { shape: inputs[0].shape, dtype };
  },
  gradient: ({ inputs: [x], attributes }, dy) => [
    attributes.dtype.startsWith('float') && x.dtype.startsWith('float') ? cast(dy, x.dtype) : undefined,
  ],
};

export const ELEMENTWISE = {
  add: binary('add', (_a, _b, dy) => [dy, dy]),
  sub: binary('sub', (_a, _b, dy) => [dy, neg(dy)]),
  mul: binary('mul', (a, b, dy) => [mul(dy, b), mul(dy, a)]),
  div: binary('div', (_a, b, dy, y) => {
    const quotient = div(dy, b);
    return [quotient, neg(mul(quotient, y))];
  }),
  less,
  where: whereOperation,
  neg: unary('neg', (_x, dy) => neg(dy)),
  exp: unary('exp', (_x, dy, y) => mul(dy, y)),
  log: unary('log', (x, dy) => div(dy, x)),
  sqrt: unary('sqrt', (_x, dy, y) => div(mul(dy, 0.5), y)),
  tanh: unary('tanh', (_x, dy, y) => mul(dy, sub(1, mul(y, y)))),
  sigmoid: unary('sigmoid', (_x, dy, y) => mul(dy, mul(y, sub(1, y)))),
  erf: unary('erf', (x, dy) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  cast: castOperation,
};
