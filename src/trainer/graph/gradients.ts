/**
 * Reverse-mode differentiation: emits the derivative of a scalar as graph again (Griewank and Walther, 2008,
 * Evaluating Derivatives, chapter 3).
 */
import { TokenmillError } from '../../core/errors.js';
import { add, addSelectedRows, fill, gemm, scatterAddRows } from './build.js';
import type { Graph } from './graph.js';
import { OPERATIONS } from './operations.js';
import { invalid } from './shapes.js';
import type { Attributes, Node, Operation, OperationName, Tensor } from './tensor.js';

/**
 * Gradients of the scalar `loss` with respect to each tensor of `wrt`, in their order and shapes.
 * @throws TokenmillError GRAPH_INVALID where the loss is no scalar, does not depend on a tensor of `wrt`, or depends on it
 * through an operation that has no derivative
 */
export function gradients(graph: Graph, loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new TokenmillError(
      'GRAPH_INVALID',
      `the loss has shape [${loss.shape.join(', ')}], it must be a scalar`,
    );
  }
  const sums = propagate(graph, loss, fill(graph, 1, [], loss.dtype), wrt);
  return wrt.map((tensor) => {
    const sum = sums.get(tensor.id);
    if (sum !== undefined) return sum;
    throw new TokenmillError(
      'GRAPH_INVALID',
      `the loss does not depend on ${describe(graph.nodeOf(tensor))}`,
    );
  });
}

/**
 * What the gradient `dy` of `y` adds to that of each tensor of `wrt`, which are taken as independent of each other; undefined
 * where y does not depend on it.
 * @throws TokenmillError GRAPH_INVALID where y depends on one through an operation that has no derivative
 */
export function pullback(
  graph: Graph,
  y: Tensor,
  dy: Tensor,
  wrt: readonly Tensor[],
): (Tensor | undefined)[] {
  const sums = propagate(graph, y, dy, wrt, new Set(wrt.map(({ id }) => id)));
  return wrt.map(({ id }) => sums.get(id));
}

/** Gradients of the tensors between `wrt` and y by their ids. @param ends ids of tensors that it does not go beyond */
function propagate(
  graph: Graph,
  y: Tensor,
  seed: Tensor,
  wrt: readonly Tensor[],
  ends: ReadonlySet<number> = new Set(),
): Map<number, Tensor> {
  const varies = dependents(graph, wrt, y.id);
  const sums = new Map<number, Tensor>([[y.id, seed]]);
  for (let id = y.id; id >= 0; id--) {
    const dy = sums.get(id);
    if (dy === undefined || varies[id] === 0 || ends.has(id)) continue;
    const own = graph.ownGradientOf(graph.nodes[id].output);
    const node = graph.nodes[id];
    const inputs = own?.inputs ?? node.inputs;
    if (inputs.length === 0) continue;
    const before = graph.nodes.length;
    const contributions = own === undefined ? differentiate(node, dy) : own.rule(dy);
    for (const [at, input] of inputs.entries()) {
      const contribution = contributions[at];
      if (contribution === undefined || varies[input.id] === 0) continue;
      const sum = sums.get(input.id);
      const sole = contribution.id >= before && isSole(graph, contribution, contributions);
      sums.set(input.id, sum === undefined ? contribution : accumulate(sum, contribution, sole));
    }
  }
  return sums;
}

/** 1 at the id of every tensor up to `last` through which a change of `wrt` can reach the loss. */
function dependents(graph: Graph, wrt: readonly Tensor[], last: number): Uint8Array {
  const varies = new Uint8Array(last + 1);
  for (const tensor of wrt) if (tensor.id <= last) varies[tensor.id] = 1;
  for (let id = 0; id <= last; id++) {
    const node = graph.nodes[id];
    const inputs = graph.ownGradientOf(node.output)?.inputs ?? node.inputs;
    if (inputs.some((input) => varies[input.id] === 1)) varies[id] = 1;
  }
  return varies;
}

function differentiate<Name extends OperationName>(
  node: Node<Name>,
  dy: Tensor,
): readonly (Tensor | undefined)[] {
  const operation: Operation<Name> = OPERATIONS[node.operation];
  if (operation.gradient !== null) return operation.gradient(node, dy);
  return invalid(node.operation, node.inputs, 'has no derivative, and the loss depends on it');
}

/** Whether nothing else uses a contribution that its rule has just emitted. */
function isSole(graph: Graph, contribution: Tensor, all: readonly (Tensor | undefined)[]): boolean {
  const later = graph.nodes.slice(contribution.id + 1);
  return (
    all.filter((other) => other === contribution).length === 1 &&
    !later.some((node) => node.inputs.includes(contribution))
  );
}

/**
 * Adds a contribution to the sum so far. Products and scattered rows that nothing else uses add into the sum themselves,
 * which saves a pass over memory; the node they replace is dead.
 */
function accumulate(sum: Tensor, contribution: Tensor, sole: boolean): Tensor {
  const { operation, inputs, attributes } = sum.graph.nodeOf(contribution);
  if (sole && operation === 'gemm' && inputs.length === 2) {
    return gemm(inputs[0], inputs[1], { ...(attributes as Attributes['gemm']), c: sum });
  }
  if (sole && operation === 'scatterAddRows' && isZero(sum.graph.nodeOf(inputs[0]))) {
    return scatterAddRows(sum, inputs[1], inputs[2]);
  }
  if (sole && operation === 'addSelectedRows' && isZero(sum.graph.nodeOf(inputs[0]))) {
    const { share } = attributes as Attributes['addSelectedRows'];
    return addSelectedRows(sum, inputs[1], inputs[2], share);
  }
  return add(sum, contribution);
}

function isZero({ operation, attributes }: Node): boolean {
  return operation === 'fill' && (attributes as Attributes['fill']).value === 0;
}

function describe(node: Node): string {
  if (node.operation === 'input') return `the input ${(node.attributes as Attributes['input']).name}`;
  return `the ${node.operation} of shape [${node.output.shape.join(', ')}]`;
}
