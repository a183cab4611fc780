/** The table of operations: one entry each, with shape inference and the rule that emits its gradient as graph. */
import { ELEMENTWISE } from './operations/elementwise.js';
import { LINEAR } from './operations/linear.js';
import { REDUCTIONS } from './operations/reductions.js';
import { ROWS } from './operations/rows.js';
import { SELECTION } from './operations/selection.js';
import { SHAPE } from './operations/shape.js';
import { SOURCES } from './operations/sources.js';
import type { Operation, OperationName } from './tensor.js';

export const OPERATIONS: { readonly [Name in OperationName]: Operation<Name> } = {
  ...SOURCES,
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPE,
  ...LINEAR,
  ...ROWS,
  ...SELECTION,
};
