/**
 * Runs a tensor graph in float64 by the definition of each operation, one element at a time, with nothing of the engine:
 * an independent check of lowering and kernels, and a forward pass exact enough for central differences.
 */
import type { Graph } from '../../src/trainer/graph/graph.js';
import type { Attributes, Node, OperationName, Shape, Tensor } from '../../src/trainer/graph/tensor.js';

export interface Value {
  readonly shape: Shape;
  readonly data: Float64Array;
}

const size = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

/** Coordinates of a flat index. */
function unravel(index: number, shape: Shape): number[] {
  const at: number[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return at;
}

/** Flat index of coordinates in a shape that was broadcast to them. */
function ravel(at: readonly number[], shape: Shape): number {
  const skip = at.length - shape.length;
  return shape.reduce((flat, extent, axis) => flat * extent + (extent === 1 ? 0 : at[axis + skip]), 0);
}

function generate(shape: Shape, element: (at: number[]) => number): Value {
  return { shape, data: Float64Array.from({ length: size(shape) }, (_, i) => element(unravel(i, shape))) };
}

/** By the Maclaurin series, exact to double precision for the small arguments that are used here. */
function errorFunction(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const get = (value: Value, at: readonly number[]): number => value.data[ravel(at, value.shape)];

type Rule<Name extends OperationName> = (
  inputs: Value[],
  attributes: Attributes[Name],
  shape: Shape,
) => Value;

function elementwise(apply: (...values: number[]) => number): Rule<OperationName> {
  return (inputs, _attributes, shape) =>
    generate(shape, (at) => apply(...inputs.map((input) => get(input, at))));
}

function reduction(
  start: number,
  combine: (sum: number, x: number) => number,
): Rule<'reduceSum' | 'reduceMax' | 'reduceSumSquare'> {
  return ([x], { axes }, shape) => {
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    const data = new Float64Array(size(kept)).fill(start);
    for (let i = 0; i < x.data.length; i++) {
      const target = ravel(unravel(i, x.shape), kept);
      data[target] = combine(data[target], x.data[i]);
    }
    return { shape, data };
  };
}

/** The element of row r and column c of a matrix in a stack, with its flags. */
function matrixAt(
  x: Value,
  batch: readonly number[],
  r: number,
  c: number,
  transposed: boolean,
  rowsFirst: boolean,
): number {
  const [row, column] = transposed ? [c, r] : [r, c];
  const axes = x.shape.length - 2;
  const place = batch.slice(batch.length - axes);
  return get(x, rowsFirst ? [row, ...place, column] : [...place, row, column]);
}

const RULES: { readonly [Name in OperationName]: Rule<Name> } = {
  input: () => {
    throw new Error('an input was not given');
  },
  constant: (_inputs, { data }, shape) => ({ shape, data: Float64Array.from(data) }),
  fill: (_inputs, { value }, shape) => generate(shape, () => value),
  add: elementwise((a, b) => a + b),
  sub: elementwise((a, b) => a - b),
  mul: elementwise((a, b) => a * b),
  div: elementwise((a, b) => a / b),
  less: elementwise((a, b) => (a < b ? 1 : 0)),
  where: elementwise((condition, a, b) => (condition === 1 ? a : b)),
  neg: elementwise((x) => -x),
  exp: elementwise(Math.exp),
  log: elementwise(Math.log),
  sqrt: elementwise(Math.sqrt),
  tanh: elementwise(Math.tanh),
  sigmoid: elementwise((x) => 1 / (1 + Math.exp(-x))),
  erf: elementwise(errorFunction),
  cast: elementwise((x) => x),
  reduceSum: reduction(0, (sum, x) => sum + x),
  reduceMax: reduction(-Infinity, Math.max),
  reduceSumSquare: reduction(0, (sum, x) => sum + x * x),
  softmax([x], _attributes, shape) {
    const width = shape[shape.length - 1];
    const data = new Float64Array(x.data.length);
    for (let row = 0; row < data.length; row += width) {
      const values = x.data.subarray(row, row + width);
      const largest = Math.max(...values);
      const total = values.reduce((sum, z) => sum + Math.exp(z - largest), 0);
      for (let i = 0; i < width; i++) data[row + i] = Math.exp(values[i] - largest) / total;
    }
    return { shape, data };
  },
  topK([x], { count }, shape) {
    const width = shape[shape.length - 1];
    const data = new Float64Array(x.data.length);
    for (let row = 0; row < data.length; row += width) {
      const order = Array.from({ length: width }, (_, i) => row + i);
      order.sort((a, b) => x.data[b] - x.data[a] || a - b);
      for (const at of order.slice(0, count)) data[at] = 1;
    }
    return { shape, data };
  },
  reshape: ([x], _attributes, shape) => ({ shape, data: x.data }),
  transpose: ([x], { permutation }, shape) =>
    generate(shape, (at) => {
      const source: number[] = [];
      for (const [axis, from] of permutation.entries()) source[from] = at[axis];
      return get(x, source);
    }),
  broadcastTo: elementwise((x) => x),
  concat: (inputs, { axis }, shape) =>
    generate(shape, (at) => {
      let place = at[axis];
      for (const input of inputs) {
        if (place < input.shape[axis]) return get(input, at.with(axis, place));
        place -= input.shape[axis];
      }
      throw new Error('outside of the parts');
    }),
  slice: ([x], { axis, start }, shape) => generate(shape, (at) => get(x, at.with(axis, at[axis] + start))),
  gemm: ([a, b, c], { transposeA, transposeB, alpha }, shape) =>
    generate(shape, ([r, column]) => {
      const inner = a.shape[transposeA ? 0 : 1];
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum += matrixAt(a, [], r, k, transposeA, false) * matrixAt(b, [], k, column, transposeB, false);
      }
      return alpha * sum + ((c as Value | undefined) === undefined ? 0 : get(c, [r, column]));
    }),
  matmul: ([a, b], { transposeA, transposeB, rowsFirstA, rowsFirstB, alpha }, shape) =>
    generate(shape, (at) => {
      const batch = at.slice(0, -2);
      const [r, column] = at.slice(-2);
      const rowAxis = rowsFirstA ? 0 : a.shape.length - 2;
      const inner = a.shape[transposeA ? rowAxis : a.shape.length - 1];
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum +=
          matrixAt(a, batch, r, k, transposeA, rowsFirstA) *
          matrixAt(b, batch, k, column, transposeB, rowsFirstB);
      }
      return alpha * sum;
    }),
  gatherRows: ([table, index], _attributes, shape) =>
    generate(shape, ([r, c]) => get(table, [index.data[r], c])),
  scatterAddRows([base, index, updates], _attributes, shape) {
    const data = base.data.slice();
    for (let i = 0; i < updates.data.length; i++) {
      const [r, c] = unravel(i, updates.shape);
      data[index.data[r] * shape[1] + c] += updates.data[i];
    }
    return { shape, data };
  },
  selectRows: ([x, chosen], _attributes, shape) =>
    generate(shape, ([r, c]) => (chosen.data[r] === 0 ? 0 : get(x, [r, c]))),
  addSelectedRows: ([base, chosen, rows], _attributes, shape) =>
    generate(shape, ([r, c]) => get(base, [r, c]) + (chosen.data[r] === 0 ? 0 : get(rows, [r, c]))),
  pickColumns: ([x, index], _attributes, shape) => generate(shape, ([r]) => get(x, [r, index.data[r]])),
  addToColumns: ([base, index, values], _attributes, shape) =>
    generate(shape, ([r, c]) => get(base, [r, c]) + (c === index.data[r] ? values.data[r] : 0)),
  setRows([base, index, values], _attributes, shape) {
    const data = base.data.slice();
    for (const [r, row] of index.data.entries()) {
      data.set(values.data.subarray(r * shape[1], (r + 1) * shape[1]), row * shape[1]);
    }
    return { shape, data };
  },
  rotary: ([x, positions, cosine, sine], { heads, interleaved }, shape) =>
    generate(shape, ([r, c]) => {
      const within = c % (shape[1] / heads);
      const half = cosine.shape[1];
      if (within >= 2 * half) return get(x, [r, c]);
      const first = interleaved ? within % 2 === 0 : within < half;
      const i = interleaved ? Math.floor(within / 2) : within % half;
      const other = c + (first ? 1 : -1) * (interleaved ? 1 : half);
      const cos = get(cosine, [positions.data[r], i]);
      const sin = get(sine, [positions.data[r], i]);
      return get(x, [r, c]) * cos + (first ? -1 : 1) * get(x, [r, other]) * sin;
    }),
};

function evaluate<Name extends OperationName>(node: Node<Name>, inputs: Value[]): Value {
  const rule: Rule<Name> = RULES[node.operation];
  return rule(inputs, node.attributes, node.output.shape);
}

/** Values of `outputs`, given the inputs of the graph by name in row-major order. */
export function interpret(
  graph: Graph,
  outputs: readonly Tensor[],
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array[] {
  const values = new Map<number, Value>();
  for (const node of graph.live(outputs)) {
    const { id, shape } = node.output;
    if (node.operation === 'input') {
      const data = inputs[(node.attributes as Attributes['input']).name];
      values.set(id, { shape, data: Float64Array.from(data) });
    } else {
      values.set(
        id,
        evaluate(
          node,
          node.inputs.map((input) => values.get(input.id) as Value),
        ),
      );
    }
  }
  return outputs.map((output) => (values.get(output.id) as Value).data);
}
