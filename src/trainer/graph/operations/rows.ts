/** Rows and their elements chosen by an index: embeddings, targets, and rotation of rows by their position. */
import { addToColumns, fill, gatherRows, neg, pickColumns, rotary, scatterAddRows } from '../build.js';
import { expectFloat, expectInputs, invalid } from '../shapes.js';
import type { Operation, Tensor } from '../tensor.js';

const gather: Operation<'gatherRows'> = {
  infer(inputs) {
    expectInputs('gatherRows', inputs, 2);
    const [table, index] = inputs;
    if (table.shape.length !== 2) invalid('gatherRows', inputs, 'needs a matrix');
    if (index.dtype !== 'int32' || index.shape.length !== 1)
      invalid('gatherRows', inputs, 'needs an int32 vector of rows');
    return { shape: [index.shape[0], table.shape[1]], dtype: table.dtype };
  },
  gradient: ({ inputs: [table, index] }, dy) => [
    scatterAddRows(fill(table.graph, 0, table.shape, table.dtype), index, dy),
    undefined,
  ],
};

/** A matrix, an index and a row for every index. */
function inferScatter(operation: 'scatterAddRows' | 'setRows', inputs: readonly Tensor[]): Tensor {
  expectInputs(operation, inputs, 3);
  const [base, index, updates] = inputs;
  expectFloat(operation, [base, updates]);
  const [rows, columns] = updates.shape;
  if (base.shape.length !== 2 || updates.shape.length !== 2 || base.shape[1] !== columns) {
    invalid(operation, inputs, 'needs two matrices of one width');
  }
  if (index.dtype !== 'int32' || index.shape.length !== 1 || index.shape[0] !== rows) {
    invalid(operation, inputs, 'needs an int32 index for every row');
  }
  return base;
}

const scatterAdd: Operation<'scatterAddRows'> = {
  infer: (inputs) => inferScatter('scatterAddRows', inputs),
  gradient: ({ inputs: [, index] }, dy) => [dy, undefined, gatherRows(dy, index)],
};

/** For caches, which are not trained through. */
const setRows: Operation<'setRows'> = {
  infer: (inputs) => inferScatter('setRows', inputs),
  gradient: null,
};

/** A matrix with one index a row. */
function checkColumns(operation: 'pickColumns' | 'addToColumns', inputs: readonly Tensor[]): void {
  const [x, index] = inputs;
  expectFloat(operation, [x]);
  if (x.shape.length !== 2) invalid(operation, inputs, 'needs a matrix');
  if (index.dtype !== 'int32' || index.shape.join() !== `${x.shape[0]}`) {
    invalid(operation, inputs, 'needs an int32 column for every row');
  }
}

const pick: Operation<'pickColumns'> = {
  infer(inputs) {
    expectInputs('pickColumns', inputs, 2);
    checkColumns('pickColumns', inputs);
    return { shape: [inputs[0].shape[0]], dtype: inputs[0].dtype };
  },
  gradient: ({ inputs: [x, index] }, dy) => [
    addToColumns(fill(x.graph, 0, x.shape, x.dtype), index, dy),
    undefined,
  ],
};

const addColumns: Operation<'addToColumns'> = {
  infer(inputs) {
    expectInputs('addToColumns', inputs, 3);
    checkColumns('addToColumns', inputs);
    const [base, , values] = inputs;
    if (values.dtype !== base.dtype || values.shape.join() !== `${base.shape[0]}`) {
      invalid('addToColumns', inputs, 'needs a value for every row');
    }
    return base;
  },
  gradient: ({ inputs: [, index] }, dy) => [dy, undefined, pickColumns(dy, index)],
};

const rotaryOperation: Operation<'rotary'> = {
  infer(inputs, { heads }) {
    expectInputs('rotary', inputs, 4);
    const [x, positions, cosine, sine] = inputs;
    expectFloat('rotary', [x, cosine, sine]);
    if (x.shape.length !== 2 || positions.dtype !== 'int32' || positions.shape.join() !== `${x.shape[0]}`) {
      invalid('rotary', inputs, 'needs rows and an int32 position for each');
    }
    const half = x.shape[1] / heads / 2;
    if (!Number.isInteger(half) || cosine.shape[1] > half || cosine.shape.join() !== sine.shape.join()) {
      invalid('rotary', inputs, `tables do not fit ${heads} heads`);
    }
    return x;
  },
  /** A rotation's derivative is the rotation back. */
  gradient: ({ inputs: [, positions, cosine, sine], attributes: { heads, interleaved } }, dy) => [
    rotary(dy, positions, cosine, neg(sine), heads, interleaved),
    undefined,
    undefined,
    undefined,
  ],
};

export const ROWS = {
  gatherRows: gather,
  scatterAddRows: scatterAdd,
  setRows,
  pickColumns: pick,
  addToColumns: addColumns,
  rotary: rotaryOperation,
};
