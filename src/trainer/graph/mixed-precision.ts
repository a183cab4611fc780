/**
 * Mixed precision (Micikevicius et al., 2018, section 3): a graph in float32 made into one whose matrix products, and what is
 * done to their results element by element, are in float16. Inputs stay float32, so that weights are, and have a copy in
 * float16 in the graph; sums, norms, softmax, exponentials, roots, quotients and the loss are computed in float32.
 *
 * It works on the finished graph, forward and backward, so models and derivatives are written once.
 */
import { add, cast } from './build.js';
import { Graph } from './graph.js';
import type { Attributes, Node, OperationName, Tensor } from './tensor.js';

export const PRECISIONS = ['float32', 'float16'] as const;
/** Of products and activations: weights, moments, sums and the update are float32. */
export type Precision = (typeof PRECISIONS)[number];

export interface MixedPrecision {
  readonly graph: Graph;
  /** What a tensor has become; inputs, and what was asked for, have the type that they had. */
  readonly tensorOf: (tensor: Tensor) => Tensor;
}

/** Element by element and without growth: float16 where all operands are, else float32. */
const POINTWISE: ReadonlySet<OperationName> = new Set([
  'add',
  'sub',
  'mul',
  'neg',
  'less',
  'where',
  'tanh',
  'sigmoid',
  'erf',
  'concat',
]);
/** The type of their operand. */
const MOVES: ReadonlySet<OperationName> = new Set(['reshape', 'transpose', 'broadcastTo', 'slice']);

/** Normal numbers of float16 (IEEE 754-2019, binary16). */
const SMALLEST = 2 ** -14;
const LARGEST = 65504;

/** The part of `source` that its inputs and `wanted` are. */
export function mixedPrecision(source: Graph, wanted: readonly Tensor[]): MixedPrecision {
  const graph = new Graph();
  const made = new Map<number, Tensor>();
  const live = new Set(source.live(wanted));
  for (const node of source.nodes) {
    if (node.operation !== 'input' && !live.has(node)) continue;
    const inputs = node.inputs.map(({ id }) => made.get(id) as Tensor);
    made.set(node.output.id, convert(graph, node, inputs));
  }
  return {
    graph,
    tensorOf: ({ id, dtype }) => cast(made.get(id) as Tensor, dtype),
  };
}

const half = (x: Tensor): Tensor => (x.dtype === 'float32' ? cast(x, 'float16') : x);
const single = (x: Tensor): Tensor => (x.dtype === 'float16' ? cast(x, 'float32') : x);
const isHalf = ({ dtype }: Tensor): boolean => dtype === 'float16';

function convert(graph: Graph, node: Node, inputs: readonly Tensor[]): Tensor {
  const { operation } = node;
  const apply = (operands: readonly Tensor[]): Tensor => graph.apply(operation, operands, node.attributes);
  if (operation === 'gemm' || operation === 'matmul') return product(graph, node, inputs);
  if (MOVES.has(operation)) return apply(inputs);
  if (operation === 'rotary' && isHalf(inputs[0])) return apply(inputs.map(half));
  if (POINTWISE.has(operation)) {
    const narrow = inputs.some(isHalf) && inputs.every((input) => isHalf(input) || isNeutral(input));
    return apply(inputs.map(narrow ? half : single));
  }
  return apply(inputs.map(single));
}

/** Whether an operand decides nothing: it is no float, or equal numbers that float16 has, too. */
function isNeutral(x: Tensor): boolean {
  if (x.dtype !== 'float32') return true;
  const { operation, attributes } = x.graph.nodeOf(x);
  if (operation !== 'fill') return false;
  const size = Math.abs((attributes as Attributes['fill']).value);
  return size === 0 || size === Infinity || (size >= SMALLEST && size <= LARGEST);
}

/**
 * A product with a vector is a sum, as in the derivatives of norms, and one that is added to a matrix is a part of a sum over
 * chunks or branches: sums are float32.
 */
function product(graph: Graph, { operation, attributes }: Node, inputs: readonly Tensor[]): Tensor {
  const apply = (operands: readonly Tensor[]): Tensor => graph.apply(operation, operands, attributes);
  if (operation === 'matmul') return apply(inputs.map(half));
  const [a, b, addend] = inputs as readonly (Tensor | undefined)[];
  const factors = [a as Tensor, b as Tensor];
  if (factors.some(({ shape }) => shape.includes(1))) {
    return apply(inputs.map(single));
  }
  if (addend === undefined || addend.shape.length < 2) {
    return apply(inputs.map(half));
  }
  return add(single(apply(factors.map(half))), single(addend));
}
