/** Checks and rules of shapes that several operations share. Every failure is GRAPH_INVALID with operation and shapes. */
import { TokenmillError } from '../../core/errors.js';
import type { DType, OperationName, Shape, Tensor } from './tensor.js';

/** @throws TokenmillError GRAPH_INVALID, always */
export function invalid(operation: OperationName, inputs: readonly Tensor[], why: string): never {
  const shapes = inputs.map((input) => `${input.dtype}[${input.shape.join(', ')}]`).join(' and ');
  throw new TokenmillError('GRAPH_INVALID', `${operation} of ${shapes === '' ? 'nothing' : shapes}: ${why}`);
}

/** @throws TokenmillError GRAPH_INVALID unless there are that many inputs */
export function expectInputs(operation: OperationName, inputs: readonly Tensor[], count: number): void {
  if (inputs.length !== count) invalid(operation, inputs, `takes ${count} input${count === 1 ? '' : 's'}`);
}

/** @throws TokenmillError GRAPH_INVALID unless every input has this type */
export function expectType(operation: OperationName, inputs: readonly Tensor[], dtype: DType): void {
  if (inputs.some((input) => input.dtype !== dtype))
    invalid(operation, inputs, `needs inputs of one type (${dtype})`);
}

/** @throws TokenmillError GRAPH_INVALID unless the input is of a floating type */
export function expectFloat(operation: OperationName, inputs: readonly Tensor[]): void {
  const { dtype } = inputs[0];
  if (!dtype.startsWith('float')) invalid(operation, inputs, 'needs floating-point values');
  expectType(operation, inputs, dtype);
}

/** The shape that both broadcast to, by NumPy's rule; undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/** Shape after reducing `axes` (not negative, ascending). */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims
    ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.includes(axis));
}
