/**
 * The operations of a graph in those of TensorFlow.js: one rule each, by the definition and without fused kernels, so that
 * what it computes is an independent check of the other engine.
 *
 * Every rule runs inside of a scope that frees what it makes but the result. Types are float32, int32 and bool alone.
 */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { Attributes, DType, Node, OperationName, Shape } from '../../graph/tensor.js';

/** The library, whichever package it comes from. */
export type TensorFlow = typeof tfjs;
export type Value = tfjs.Tensor;

/** What a rule computes: values of the node's inputs beside the node itself. */
interface Site<Name extends OperationName> {
  readonly tf: TensorFlow;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes[Name];
  readonly shape: Shape;
}

type Rule<Name extends OperationName> = (site: Site<Name>) => Value;

/** TensorFlow.js takes shapes as arrays that it may write to. */
const own = (shape: Shape): number[] => [...shape];

/** The others are no types that it has: compilation has refused them. */
export const typeOf = (dtype: DType): 'float32' | 'int32' | 'bool' => dtype as 'float32';

type Unary = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'sigmoid' | 'erf';
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'less';

function unary(name: Unary): Rule<Unary> {
  return ({ tf, inputs: [x] }) => tf[name](x);
}

function binary(name: Binary): Rule<Binary> {
  return ({ tf, inputs: [a, b] }) => tf[name](a, b);
}

/** An index [n] as coordinates [n, 1] of rows. */
const asRows = (tf: TensorFlow, index: Value): tfjs.Tensor2D => tf.reshape(index, [index.shape[0], 1]);

/** An index [n] as coordinates [n, 2]: row i and the column that it says. */
function asElements(tf: TensorFlow, index: Value): Value {
  const [rows] = index.shape;
  return tf.stack([tf.range(0, rows, 1, 'int32'), index], 1);
}

/** [rows, ...batch, columns] -> [...batch, rows, columns] */
function rowsLast(tf: TensorFlow, x: Value): Value {
  const batch = Array.from({ length: x.rank - 2 }, (_, axis) => axis + 1);
  return tf.transpose(x, [...batch, 0, x.rank - 1]);
}

/** A stack of matrices repeated along the batch axes where it has 1. */
function withBatch(tf: TensorFlow, x: Value, batch: Shape): Value {
  const shape = [...batch, ...x.shape.slice(-2)];
  return x.shape.join() === shape.join() ? x : tf.broadcastTo(x, shape);
}

function scaled(tf: TensorFlow, x: Value, factor: number): Value {
  return factor === 1 ? x : tf.mul(x, tf.scalar(factor));
}

type Rules = { readonly [Name in Exclude<OperationName, 'input' | 'constant'>]: Rule<Name> };

const RULES: Rules = {
  fill: ({ tf, attributes: { value, dtype }, shape }) => tf.fill(own(shape), value, typeOf(dtype)),
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  less: binary('less'),
  where: ({ tf, inputs: [condition, a, b] }) => tf.where(condition, a, b),
  neg: unary('neg'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  tanh: unary('tanh'),
  sigmoid: unary('sigmoid'),
  erf: unary('erf'),
  cast: ({ tf, inputs: [x], attributes: { dtype } }) => tf.cast(x, typeOf(dtype)),
  reduceSum: ({ tf, inputs: [x], attributes: { axes, keepDims } }) => tf.sum(x, own(axes), keepDims),
  reduceMax: ({ tf, inputs: [x], attributes: { axes, keepDims } }) => tf.max(x, own(axes), keepDims),
  reduceSumSquare: ({ tf, inputs: [x], attributes: { axes, keepDims } }) =>
    tf.sum(tf.mul(x, x), own(axes), keepDims),
  softmax: ({ tf, inputs: [x] }) => tf.softmax(x),
  topK({ tf, inputs: [x], attributes: { count }, shape }) {
    const { indices } = tf.topk(x, count);
    const marks = tf.oneHot(indices, shape[shape.length - 1]);
    return tf.cast(tf.sum(marks, -2), 'bool');
  },
  reshape: ({ tf, inputs: [x], shape }) => tf.reshape(x, own(shape)),
  transpose: ({ tf, inputs: [x], attributes: { permutation } }) => tf.transpose(x, own(permutation)),
  broadcastTo: ({ tf, inputs: [x], shape }) => tf.broadcastTo(x, own(shape)),
  concat: ({ tf, inputs, attributes: { axis } }) => tf.concat([...inputs], axis),
  slice({ tf, inputs: [x], attributes: { axis, start }, shape }) {
    const begin = shape.map((_, at) => (at === axis ? start : 0));
    return tf.slice(x, begin, own(shape));
  },
  gemm({ tf, inputs: [a, b, c], attributes: { transposeA, transposeB, alpha } }) {
    const product = scaled(tf, tf.matMul(a, b, transposeA, transposeB), alpha);
    return (c as Value | undefined) === undefined ? product : tf.add(product, c);
  },
  matmul({ tf, inputs: [a, b], attributes, shape }) {
    const { transposeA, transposeB, rowsFirstA, rowsFirstB, alpha } = attributes;
    // The CPU backend repeats the smaller batch as a whole and not by its axes.
    const batch = shape.slice(0, -2);
    const left = withBatch(tf, rowsFirstA ? rowsLast(tf, a) : a, batch);
    const right = withBatch(tf, rowsFirstB ? rowsLast(tf, b) : b, batch);
    return scaled(tf, tf.matMul(left, right, transposeA, transposeB), alpha);
  },
  gatherRows: ({ tf, inputs: [table, index] }) => tf.gather(table, index as tfjs.Tensor1D),
  scatterAddRows: ({ tf, inputs: [base, index, updates], shape }) =>
    tf.add(base, tf.scatterND(asRows(tf, index), updates, own(shape))),
  setRows({ tf, inputs: [base, index, values], shape }) {
    const [rows] = shape;
    const places = asRows(tf, index);
    const replaced = tf.scatterND(places, tf.onesLike(index), [rows]);
    return tf.where(
      tf.cast(tf.reshape(replaced, [rows, 1]), 'bool'),
      tf.scatterND(places, values, own(shape)),
      base,
    );
  },
  selectRows: ({ tf, inputs: [x, chosen] }) => tf.where(tf.reshape(chosen, [-1, 1]), x, tf.zerosLike(x)),
  addSelectedRows: ({ tf, inputs: [base, , rows] }) => tf.add(base, rows),
  pickColumns: ({ tf, inputs: [x, index] }) => tf.gatherND(x, asElements(tf, index)),
  addToColumns: ({ tf, inputs: [base, index, values], shape }) =>
    tf.add(base, tf.scatterND(asElements(tf, index) as tfjs.Tensor2D, values, own(shape))),
  rotary({ tf, inputs: [x, positions, cosine, sine], attributes: { heads, interleaved }, shape }) {
    const [rows, columns] = shape;
    const width = columns / heads;
    const half = cosine.shape[1] as number;
    const whole = tf.reshape(x, [rows, heads, width]);
    const rotated = tf.slice(whole, [0, 0, 0], [rows, heads, 2 * half]);
    const rest = tf.slice(whole, [0, 0, 2 * half], [rows, heads, width - 2 * half]);
    // Pairs along an axis of their own: the second last of halves, the last of neighbours.
    const axis = interleaved ? 3 : 2;
    const pairs = tf.reshape(rotated, interleaved ? [rows, heads, half, 2] : [rows, heads, 2, half]);
    const [first, second] = tf.unstack(pairs, axis);
    const table = (values: Value): Value =>
      tf.reshape(tf.gather(values, positions as tfjs.Tensor1D), [rows, 1, half]);
    const [cos, sin] = [table(cosine), table(sine)];
    const turned = tf.stack(
      [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))],
      axis,
    );
    const parts = [tf.reshape(turned, [rows, heads, 2 * half]), rest];
    return tf.reshape(width === 2 * half ? parts[0] : tf.concat(parts, 2), own(shape));
  },
};

/** The value of a node that is neither an input nor a constant, as a tensor of its own. */
export function evaluate<Name extends OperationName>(
  tf: TensorFlow,
  node: Node<Name>,
  inputs: readonly Value[],
): Value {
  const rule = RULES[node.operation as keyof Rules] as unknown as Rule<Name>;
  const { attributes, output } = node;
  return tf.tidy(() => rule({ tf, inputs, attributes, shape: output.shape }));
}
