/** The order in which a graph is run. */
import type { Graph } from './graph.js';
import type { Node, Tensor } from './tensor.js';

/**
 * The nodes that `outputs` depend on, depth-first: the inputs of a node right before it, as they are written, and of a
 * product its addend first. A tensor is then computed when it is needed and not long before, and sums over chunks finish
 * one chunk before they begin the next; so the author of an expression decides by the order of its operands what memory
 * it takes.
 */
export function scheduled(graph: Graph, outputs: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const seen = new Uint8Array(graph.nodes.length);
  const done = new Uint8Array(graph.nodes.length);
  const stack = outputs.map(({ id }) => id).toReversed();
  while (stack.length > 0) {
    const id = stack[stack.length - 1];
    const node = graph.nodes[id];
    if (seen[id] === 1) {
      stack.pop();
      if (done[id] === 0) order.push(node);
      done[id] = 1;
      continue;
    }
    seen[id] = 1;
    for (const input of operands(node).toReversed()) if (seen[input.id] === 0) stack.push(input.id);
  }
  return order;
}

function operands({ operation, inputs }: Node): readonly Tensor[] {
  return operation === 'gemm' && inputs.length === 3 ? [inputs[2], inputs[0], inputs[1]] : inputs;
}
