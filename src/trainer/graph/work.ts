/** How much arithmetic a graph has. */
import type { Attributes, Node, OperationName, Tensor } from './tensor.js';
import { sizeOf } from './tensor.js';

/**
 * Floating-point operations of the matrix products among the nodes (in topological order): 2 for each product of two numbers and its addition.
 * All else is left out, as is the custom (Chowdhery et al., 2022, appendix B): it is little and bound by memory.
 */
export function matrixOperations(nodes: readonly Node[]): number {
  const shares = new Map<number, number>();
  const shareOf = ({ id }: Tensor): number => shares.get(id) ?? 1;
  let sum = 0;
  for (const node of nodes) {
    const { operation, attributes, inputs, output } = node;
    const share = Math.min(1, ...inputs.map(shareOf));
    sum += 2 * sizeOf(output.shape) * innerExtent(node) * share;
    // Of what is made of selected rows, all but their sums and the places where they go have as few rows.
    if (operation === 'selectRows') shares.set(output.id, (attributes as Attributes['selectRows']).share);
    else if (share < 1 && !gathersRows(operation, attributes)) shares.set(output.id, share);
  }
  return sum;
}

/** Whether the result has all rows, or none, though operands may be selected rows. */
function gathersRows(operation: OperationName, attributes: Attributes[OperationName]): boolean {
  return operation === 'addSelectedRows' || (attributes as Partial<Attributes['gemm']>).transposeA === true;
}

/** Over how many products an element is a sum; 0 for what is no matrix product. */
function innerExtent({ operation, inputs, attributes }: Node): number {
  if (operation !== 'gemm' && operation !== 'matmul') return 0;
  const { transposeA, rowsFirstA } = attributes as Partial<Attributes['matmul']>;
  const { shape } = inputs[0];
  if (transposeA !== true) return shape[shape.length - 1];
  return rowsFirstA === true ? shape[0] : shape[shape.length - 2];
}
