/** Work on some of the rows alone: see `selectRows`. */
import { addSelectedRows, fill, selectRows } from '../build.js';
import { expectFloat, expectInputs, invalid } from '../shapes.js';
import type { Operation, OperationName, Tensor } from '../tensor.js';

/** Matrices of one shape, and a choice among their rows. */
function check(
  operation: OperationName,
  inputs: readonly Tensor[],
  matrices: readonly Tensor[],
  chosen: Tensor,
): void {
  expectFloat(operation, matrices);
  const [{ shape }] = matrices;
  if (shape.length !== 2 || matrices.some((other) => other.shape.join() !== shape.join())) {
    invalid(operation, inputs, 'needs matrices of one shape');
  }
  if (chosen.dtype !== 'bool' || chosen.shape.join() !== `${shape[0]}`) {
    invalid(operation, inputs, 'needs a bool for every row');
  }
}

const select: Operation<'selectRows'> = {
  infer(inputs) {
    expectInputs('selectRows', inputs, 2);
    check('selectRows', inputs, [inputs[0]], inputs[1]);
    return inputs[0];
  },
  gradient: ({ inputs: [x, chosen], attributes: { share } }, dy) => [
    addSelectedRows(fill(x.graph, 0, x.shape, x.dtype), chosen, dy, share),
    undefined,
  ],
};

const addSelected: Operation<'addSelectedRows'> = {
  infer(inputs) {
    expectInputs('addSelectedRows', inputs, 3);
    const [base, chosen, rows] = inputs;
    check('addSelectedRows', inputs, [base, rows], chosen);
    return base;
  },
  gradient: ({ inputs: [, chosen], attributes: { share } }, dy) => [
    dy,
    undefined,
    selectRows(dy, chosen, share),
  ],
};

export const SELECTION = { selectRows: select, addSelectedRows: addSelected };
