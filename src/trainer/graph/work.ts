/** How much arithmetic a graph has. */
import type { Attributes, Node } from './tensor.js';
import { sizeOf } from './tensor.js';

/**
 * Floating-point operations of the matrix products among the nodes: 2 for each product of two numbers and its addition.
 * All else is left out, as is the custom (Chowdhery et al., 2022, appendix B): it is little and bound by memory.
 */
export function matrixOperations(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + 2 * sizeOf(node.output.shape) * innerExtent(node), 0);
}

/** Over how many products an element is a sum; 0 for what is no matrix product. */
function innerExtent({ operation, inputs, attributes }: Node): number {
  if (operation !== 'gemm' && operation !== 'matmul') return 0;
  const { transposeA, rowsFirstA } = attributes as Partial<Attributes['matmul']>;
  const { shape } = inputs[0];
  if (transposeA !== true) return shape[shape.length - 1];
  return rowsFirstA === true ? shape[0] : shape[shape.length - 2];
}
