/**
 * Constant folding: expressions of constants alone, worked out when the graph is built.
 *
 * Only operations are folded whose result is exact or rounded once (IEEE 754; from float64, a second rounding to float32
 * changes nothing), so that a graph gives the same bits folded and not. Functions such as exp are left to the engines,
 * which differ in their last digit.
 */
import {
  type Attributes,
  type DType,
  hostArray,
  type HostArray,
  type Node,
  type OperationName,
  type Shape,
  sizeOf,
} from './tensor.js';

/** Elements of a folded constant: a larger one is quicker made by an engine than kept in the model. */
const MAX_ELEMENTS = 1 << 16;

/** All values equal, or one after the other in row-major order. */
export type Folded = { readonly value: number } | { readonly data: HostArray };

type Function = (a: number, b: number, c: number) => number;

/** Rounded once, so for floating types: integers overflow in ways of their own. */
const ROUNDED: Partial<Record<OperationName, Function>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  sqrt: (a) => Math.sqrt(a),
  neg: (a) => -a,
};

const EXACT: Partial<Record<OperationName, Function>> = {
  less: (a, b) => (a < b ? 1 : 0),
  where: (condition, a, b) => (condition === 0 ? b : a),
  broadcastTo: (a) => a,
};

/** The value of a node whose inputs are all constants; undefined where that is left to the engine. */
export function fold(
  operation: OperationName,
  inputs: readonly Node[],
  { shape, dtype }: { readonly shape: Shape; readonly dtype: DType },
): Folded | undefined {
  const compute = EXACT[operation] ?? (dtype.startsWith('float') ? ROUNDED[operation] : undefined);
  if (compute === undefined || !inputs.every(isConstant)) return undefined;
  if (inputs.every((input) => input.operation === 'fill')) {
    const [a, b, c] = inputs.map((input) => valueOf(input));
    return { value: hostArray(dtype, [compute(a, b, c)])[0] };
  }
  if (sizeOf(shape) > MAX_ELEMENTS) return undefined;
  const readers = inputs.map((input) => reader(input, shape));
  const values = Array.from({ length: sizeOf(shape) }, (_, at) => {
    const [a, b, c] = readers.map((read) => read(at));
    return compute(a, b, c);
  });
  return { data: hostArray(dtype, values) };
}

function isConstant({ operation }: Node): boolean {
  return operation === 'fill' || operation === 'constant';
}

/** Of a filled tensor, rounded to its type. */
function valueOf({ attributes }: Node): number {
  const { value, dtype } = attributes as Attributes['fill'];
  return hostArray(dtype, [value])[0];
}

/** Elements of a constant that is broadcast to a shape, by their place in that. */
function reader(node: Node, shape: Shape): (at: number) => number {
  if (node.operation === 'fill') {
    const value = valueOf(node);
    return () => value;
  }
  const { data, shape: own } = node.attributes as Attributes['constant'];
  const lead = shape.length - own.length;
  return (at) => {
    let [rest, place, stride] = [at, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
      const extent = own[axis - lead] ?? 1;
      if (extent !== 1) place += index * stride;
      stride *= extent;
    }
    return data[place];
  };
}
