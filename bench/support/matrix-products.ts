/**
 * The matrix products of a program by themselves: the time that no step with the same products can beat on an engine.
 *
 * They are a program of their own that runs them in the order of the step, with its shapes, transposes, addends and threads,
 * so that calls, sessions and first touches of memory are not counted as products. Parameters are arrays of their own, as in
 * the step; all other operands of one shape are one array, which is as warm as what a step has just made.
 */
import type { Binding, Engine, ProgramDefinition } from '../../src/trainer/engines/engine.js';
import { concat, reshape, slice } from '../../src/trainer/graph/build.js';
import { Graph } from '../../src/trainer/graph/graph.js';
import { scheduled } from '../../src/trainer/graph/schedule.js';
import { type Attributes, type Node, sizeOf, type Tensor } from '../../src/trainer/graph/tensor.js';
import { matrixOperations } from '../../src/trainer/graph/work.js';

export interface Products {
  readonly definition: ProgramDefinition;
  readonly count: number;
  /** Multiplications and additions. */
  readonly operations: number;
}

/** Equal products of equal operands would be done once: their factors differ by a millionth, which takes no time. */
const FACTOR_STEP = 2 ** -20;

export function productsOf({ graph, outputs, bindings }: ProgramDefinition, engine: Engine): Products {
  const updates = bindings.flatMap(({ update }) => update ?? []);
  const products = scheduled(graph, [...updates, ...Object.values(outputs)]).filter(isProduct);
  const alone = new Graph();
  const operands = new Map<string, Binding>();
  const operandOf = (tensor: Tensor): Tensor => {
    const { operation, attributes } = graph.nodeOf(tensor);
    const name =
      operation === 'input' ? (attributes as Attributes['input']).name : `[${tensor.shape.join()}]`;
    const known = operands.get(name);
    if (known !== undefined) return known.input;
    const input = alone.input(name, tensor.shape, 'float32');
    const values = Float32Array.from(
      { length: sizeOf(tensor.shape) },
      (_, i) => ((i * 7919) % 1009) / 1009 - 0.5,
    );
    operands.set(name, { input, variable: engine.variable(values, tensor.shape, 'float32') });
    return input;
  };
  // One element of each result is asked for, so that none is left out.
  const elements = products.map(({ operation, attributes, inputs }, at) => {
    const alpha = attributes.alpha + at * FACTOR_STEP;
    const product = alone.apply(operation, inputs.map(operandOf), { ...attributes, alpha });
    return slice(reshape(product, [-1]), 0, 0, 1);
  });
  return {
    definition: {
      graph: alone,
      outputs: { elements: concat(elements, 0) },
      bindings: [...operands.values()],
    },
    count: products.length,
    operations: matrixOperations(products),
  };
}

function isProduct(node: Node): node is Node<'gemm'> | Node<'matmul'> {
  return node.operation === 'gemm' || node.operation === 'matmul';
}
