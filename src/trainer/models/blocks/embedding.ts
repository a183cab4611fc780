/** Embeddings of tokens and of positions. */
import { add, fill, gatherRows, less, reshape, scatterAddRows, where } from '../../graph/build.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { table as tableOf } from './linear.js';

export interface Embedding {
  /** [vocabulary, width]; a tied output layer is the same. */
  readonly table: Tensor;
  /** [time * batch, width] */
  readonly rows: Tensor;
}

export function tokenEmbedding(
  context: DecoderContext,
  name: string,
  ids: Tensor,
  spec: { vocabulary: number; width: number; std: number; padding?: number | null },
): Embedding {
  const { vocabulary, width, std, padding } = spec;
  const table = tableOf(context, `${name}.weight`, [vocabulary, width], std);
  const rows = gatherRows(table, ids);
  if (padding !== undefined && padding !== null) keepPadding(table, rows, ids, padding);
  return { table, rows };
}

/** As an input the token of padding does not change its row: PyTorch's embeddings with a padding_idx do so, too. */
function keepPadding(table: Tensor, rows: Tensor, ids: Tensor, padding: number): void {
  const { graph } = table;
  const column = reshape(ids, [-1, 1]);
  rows.graph.setGradient(rows, [table], (dy) => {
    const below = where(less(column, padding), dy, 0);
    const above = where(less(padding, column), dy, 0);
    return [scatterAddRows(fill(graph, 0, table.shape, table.dtype), ids, add(below, above))];
  });
}

/**
 * One learned vector a position (Radford et al., 2018), whose table begins `offset` rows later. A padded chunk of
 * inference may go beyond the table; such rows are never used, and take the last one.
 */
export function learnedPositions(
  context: DecoderContext,
  name: string,
  { positions, offset, width, std }: { positions: number; offset: number; width: number; std: number },
): Tensor {
  const table = tableOf(context, `${name}.weight`, [positions + offset, width], std);
  if (offset === 0 && context.source <= positions) return gatherRows(table, context.positions);
  const last = positions - 1;
  const safe = where(less(context.positions, last), context.positions, last);
  return gatherRows(table, add(safe, offset));
}

/** The output layer's weight: that of the embedding where they are tied, else a matrix of its own. */
export function outputLayer(
  context: DecoderContext,
  embedding: Embedding,
  { name, tied, std }: { name: string; tied: boolean; std: number },
): Tensor {
  const [vocabulary, width] = embedding.table.shape;
  return tied ? embedding.table : tableOf(context, `${name}.weight`, [vocabulary, width], std);
}
