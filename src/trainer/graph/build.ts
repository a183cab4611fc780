/**
 * Expressions: one function an operation, with its defaults, so that a model reads as its formulas do.
 * A number in place of a tensor is a constant of the other operand's type. Axes may be negative, counted from the end.
 */
import { invalid } from './shapes.js';
import type { DType, GraphBuilder, HostArray, OperationName, Shape, Tensor } from './tensor.js';
import { hostArray, sameShape, sizeOf } from './tensor.js';

export type Operand = Tensor | number;

/** A tensor with all values equal. */
export function fill(graph: GraphBuilder, value: number, shape: Shape, dtype: DType): Tensor {
  return graph.apply('fill', [], { value, shape, dtype });
}

/** A tensor of known values, in row-major order. */
export function constant(
  graph: GraphBuilder,
  values: HostArray | readonly number[],
  shape: Shape,
  dtype: DType,
): Tensor {
  const data = Array.isArray(values) ? hostArray(dtype, values) : (values as HostArray);
  return graph.apply('constant', [], { data, shape, dtype });
}

function binary(operation: 'add' | 'sub' | 'mul' | 'div' | 'less') {
  return (a: Operand, b: Operand): Tensor => {
    const like = typeof a === 'number' ? b : a;
    if (typeof like === 'number') return invalid(operation, [], 'needs at least one tensor');
    const { graph, dtype } = like;
    const operands = [a, b].map((operand) =>
      typeof operand === 'number' ? fill(graph, operand, [], dtype) : operand,
    );
    return graph.apply(operation, operands, {});
  };
}

export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const div = binary('div');
/** a < b, as bool. False where either is not a number. */
export const less = binary('less');

function unary(operation: 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf') {
  return (x: Tensor): Tensor => x.graph.apply(operation, [x], {});
}

export const neg = unary('neg');
export const exp = unary('exp');
export const log = unary('log');
export const sqrt = unary('sqrt');
export const tanh = unary('tanh');
export const sigmoid = unary('sigmoid');
/** 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = unary('erf');

export function rsqrt(x: Tensor): Tensor {
  return div(1, sqrt(x));
}

/** a where the condition holds, else b; all three broadcast. At least one of a and b is a tensor. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = typeof a === 'number' ? b : a;
  if (typeof like === 'number')
    return invalid('where', [condition], 'needs at least one tensor to choose from');
  const { graph, dtype } = like;
  const [left, right] = [a, b].map((operand) =>
    typeof operand === 'number' ? fill(graph, operand, [], dtype) : operand,
  );
  return graph.apply('where', [condition, left, right], {});
}

export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : x.graph.apply('cast', [x], { dtype });
}

function normalizeAxis(operation: OperationName, x: Tensor, axis: number): number {
  const rank = x.shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) invalid(operation, [x], `has no axis ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

function reduction(operation: 'reduceSum' | 'reduceMax' | 'reduceSumSquare') {
  return (x: Tensor, axes?: readonly number[], keepDims = false): Tensor => {
    const all = axes ?? x.shape.map((_, axis) => axis);
    const normal = [...new Set(all.map((axis) => normalizeAxis(operation, x, axis)))].sort((a, b) => a - b);
    if (normal.length > 0) return x.graph.apply(operation, [x], { axes: normal, keepDims });
    return operation === 'reduceSumSquare' ? mul(x, x) : x;
  };
}

/** Sum over the axes, all of them by default. */
export const reduceSum = reduction('reduceSum');
export const reduceMax = reduction('reduceMax');
/** Sum of the squares over the axes, all of them by default. */
export const reduceSumSquare = reduction('reduceSumSquare');

export function reduceMean(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  const sum = reduceSum(x, axes, keepDims);
  return mul(sum, sizeOf(sum.shape) / sizeOf(x.shape));
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return x.graph.apply('softmax', [x], {});
}

/** Whether an element is one of the `count` largest of the last axis, as bool; of equal ones the first are. */
export function topK(x: Tensor, count: number): Tensor {
  return x.graph.apply('topK', [x], { count });
}

/** One extent may be -1: it follows from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = -sizeOf(shape);
  const full = shape.includes(-1)
    ? shape.map((extent) => (extent === -1 ? sizeOf(x.shape) / known : extent))
    : shape;
  return sameShape(x.shape, full) ? x : x.graph.apply('reshape', [x], { shape: full });
}

/** Axis i of the result is axis permutation[i] of x. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return x.graph.apply('transpose', [x], { permutation });
}

export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : x.graph.apply('broadcastTo', [x], { shape });
}

/** The inverse of broadcasting in a derivative: sums x over the axes along which `shape` was broadcast to x's. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const padded = [...Array<number>(x.shape.length - shape.length).fill(1), ...shape];
  const axes = x.shape.flatMap((extent, axis) => (extent !== padded[axis] ? [axis] : []));
  return reshape(reduceSum(x, axes, true), shape);
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (parts.length === 1) return first;
  return first.graph.apply('concat', parts, { axis: normalizeAxis('concat', first, axis) });
}

/** Positions start to end (exclusive) of one axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  return x.graph.apply('slice', [x], { axis: normalizeAxis('slice', x, axis), start, end });
}

export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly alpha?: number;
  /** Added to the product; broadcasts to it. */
  readonly c?: Tensor;
}

/** alpha A' B' + C for matrices A and B. */
export function gemm(a: Tensor, b: Tensor, options: GemmOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1, c } = options;
  return a.graph.apply('gemm', c === undefined ? [a, b] : [a, b, c], { transposeA, transposeB, alpha });
}

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly rowsFirstA?: boolean;
  readonly rowsFirstB?: boolean;
  readonly alpha?: number;
}

/** alpha A' B' for stacks of matrices whose batch axes broadcast; the result is [...batch, rows, columns]. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const attributes = {
    transposeA: false,
    transposeB: false,
    rowsFirstA: false,
    rowsFirstB: false,
    alpha: 1,
    ...options,
  };
  return a.graph.apply('matmul', [a, b], attributes);
}

/** Rows of a matrix [rows, columns] by index [n]. */
export function gatherRows(table: Tensor, index: Tensor): Tensor {
  return table.graph.apply('gatherRows', [table, index], {});
}

/** `base` [rows, columns] with updates [n, columns] added to the rows of index [n]; an index may occur often. */
export function scatterAddRows(base: Tensor, index: Tensor, updates: Tensor): Tensor {
  return base.graph.apply('scatterAddRows', [base, index, updates], {});
}

/** `base` [rows, columns] with the rows of index [n] replaced by values [n, columns]; an index occurs once at most. */
export function setRows(base: Tensor, index: Tensor, values: Tensor): Tensor {
  return base.graph.apply('setRows', [base, index, values], {});
}

/**
 * The rows of x [n, columns] that are chosen (bool [n]), for work that the others do not need. An engine leaves the others out
 * or makes them 0, so the result, [n, columns] by its shape, goes only through operations that take rows of 0 to rows of 0, into
 * products that sum over the rows, and through `addSelectedRows` of the same choice.
 * @param share of the rows that are chosen, as far as it is known
 */
export function selectRows(x: Tensor, chosen: Tensor, share: number): Tensor {
  return x.graph.apply('selectRows', [x, chosen], { share });
}

/** `base` [n, columns] with rows that were computed from selected ones added where they come from. */
export function addSelectedRows(base: Tensor, chosen: Tensor, rows: Tensor, share: number): Tensor {
  return base.graph.apply('addSelectedRows', [base, chosen, rows], { share });
}

/** One element of every row of x [n, columns], by its column: index [n] -> [n]. */
export function pickColumns(x: Tensor, index: Tensor): Tensor {
  return x.graph.apply('pickColumns', [x, index], {});
}

/** `base` [n, columns] with one value [n] added to every row, in the column that index [n] says. */
export function addToColumns(base: Tensor, index: Tensor, values: Tensor): Tensor {
  return base.graph.apply('addToColumns', [base, index, values], {});
}

/**
 * Rotary position embedding (Su et al., 2021, RoFormer, section 3.4): (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin). Tables
 * narrower than half a head rotate its first elements and leave the rest (GPT-J).
 * x [n, heads * width], positions [n], cosine and sine [positions, at most width / 2].
 */
export function rotary(
  x: Tensor,
  positions: Tensor,
  cosine: Tensor,
  sine: Tensor,
  heads: number,
  interleaved = false,
): Tensor {
  return x.graph.apply('rotary', [x, positions, cosine, sine], { heads, interleaved });
}
