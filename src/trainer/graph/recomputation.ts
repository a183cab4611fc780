/** Activations computed a second time for the backward pass instead of kept (Chen et al., 2016, section 4). */
import { after } from './composites/order.js';
import { pullback } from './gradients.js';
import type { Graph } from './graph.js';
import type { Tensor } from './tensor.js';

/**
 * build(x), of which the backward pass needs nothing but x and what is used beside it (parameters): it builds the same
 * once more, from an x that is not there before the gradient of the result is. What `build` does has to be the same each time.
 */
export function recomputed(graph: Graph, x: Tensor, build: (x: Tensor) => Tensor): Tensor {
  const begin = graph.nodes.length;
  const y = build(x);
  const others = trainable(graph, outside(graph, y, begin)).filter(({ id }) => id !== x.id);
  graph.setGradient(y, [x, ...others], (dy) => {
    const again = after(x, dy);
    return pullback(graph, build(again), dy, [again, ...others]);
  });
  return y;
}

/** The tensors from before `begin` that y is computed from, ascending by id. */
function outside(graph: Graph, y: Tensor, begin: number): Tensor[] {
  const used = new Set<Tensor>();
  for (const { inputs } of graph.live([y], begin)) {
    for (const input of inputs) if (input.id < begin) used.add(input);
  }
  return [...used].sort((a, b) => a.id - b.id);
}

/** Those that depend on a floating-point input: all others are constants, and indices. */
function trainable(graph: Graph, tensors: readonly Tensor[]): Tensor[] {
  const last = tensors.at(-1)?.id ?? -1;
  const depends = new Uint8Array(last + 1);
  for (const { operation, inputs, output } of graph.nodes.slice(0, last + 1)) {
    const isFloat = output.dtype.startsWith('float');
    const begins = operation === 'input' || inputs.some(({ id }) => depends[id] === 1);
    if (isFloat && begins) depends[output.id] = 1;
  }
  return tensors.filter(({ id }) => depends[id] === 1);
}
