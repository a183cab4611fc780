/**
 * The output layer of a language model and its cross-entropy as one function, so that neither a one-hot matrix nor the
 * logits of a whole batch are ever in memory.
 */
import {
  add,
  addToColumns,
  concat,
  div,
  fill,
  gemm,
  less,
  log,
  mul,
  pickColumns,
  reduceMax,
  reshape,
  slice,
  softmax,
  sub,
  where,
} from '../build.js';
import type { Tensor } from '../tensor.js';
import { after } from './order.js';

export interface CrossEntropyOptions {
  /** Factor of the square of the log of the normaliser, which `objective` has in addition (Chowdhery et al., 2022, section 5). */
  readonly zLoss?: number;
  /** Rows whose logits are in memory at once. */
  readonly chunkRows?: number;
}

export interface CrossEntropy {
  /** [n, vocabulary]; in memory as a whole only where it is asked for. */
  readonly logits: Tensor;
  /** Negative log-likelihood of each target in nats [n]; 0 where the target is ignored. */
  readonly losses: Tensor;
  /** What training differentiates [n]: the losses, with the z-loss where there is one. */
  readonly objective: Tensor;
  /** Whether a target is ignored, bool [n]. */
  readonly ignored: Tensor;
}

/** A chunk of rows, forward. */
interface Part {
  readonly hidden: Tensor;
  readonly index: Tensor;
  readonly logits: Tensor;
  readonly probabilities: Tensor;
  readonly logNormaliser: Tensor;
  readonly losses: Tensor;
}

/** Logits of a chunk: 16 MiB in float32. */
const CHUNK_LOGITS = 1 << 22;
/** Fewer rows make products inefficient. */
const MIN_CHUNK_ROWS = 64;

/**
 * -log softmax(hidden weight^T + bias)[target] by row. hidden [n, width], weight [vocabulary, width], bias
 * [vocabulary], targets int32 [n]; a negative target is ignored.
 *
 * The log of the normaliser is max(z) - log(max(p)): p is at hand, its largest entry is at least 1 / vocabulary and so
 * never underflows. With P = softmax(z), T the one-hot targets, s the incoming gradient by row, c the factor of the z-loss
 * and g = 1 + 2 c log(normaliser), the gradient of the logits is s g (P - T / g): so one element a row is subtracted
 * from P in place, and the factor s g goes to the rows of hidden, which are narrower.
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  targets: Tensor,
  options: CrossEntropyOptions = {},
): CrossEntropy {
  const { graph, dtype } = hidden;
  const rows = hidden.shape[0];
  const { zLoss = 0 } = options;
  const { chunkRows = Math.max(MIN_CHUNK_ROWS, Math.floor(CHUNK_LOGITS / weight.shape[0])) } = options;
  const ignored = less(targets, 0);
  const safe = where(ignored, 0, targets);
  const starts = Array.from({ length: Math.ceil(rows / chunkRows) }, (_, part) => part * chunkRows);
  const rowsOf = (x: Tensor, start: number): Tensor => rowRange(x, start, Math.min(rows, start + chunkRows));
  const parts = starts.map((start) => forward(rowsOf(hidden, start), weight, bias, rowsOf(safe, start)));
  const all = (key: 'logits' | 'losses' | 'logNormaliser'): Tensor =>
    concat(
      parts.map((part) => part[key]),
      0,
    );
  const losses = where(ignored, 0, all('losses'));
  const square = (x: Tensor): Tensor => mul(x, x);
  const objective =
    zLoss === 0 ? losses : where(ignored, 0, add(all('losses'), mul(square(all('logNormaliser')), zLoss)));

  const inputs = bias === undefined ? [hidden, weight] : [hidden, weight, bias];
  graph.setGradient(objective, inputs, (dy) => {
    const shares = reshape(where(ignored, 0, dy), [rows, 1]);
    const dHidden: Tensor[] = [];
    let [dWeight, dBias]: (Tensor | undefined)[] = [];
    for (const [at, part] of parts.entries()) {
      // One chunk after the other, and this chunk's losses before its probabilities are overwritten.
      const share = rowsOf(shares, starts[at]);
      const ordered = at === 0 ? share : after(share, dHidden[at - 1]);
      const growth = zLoss === 0 ? undefined : add(mul(part.logNormaliser, 2 * zLoss), 1);
      const scale = growth === undefined ? ordered : mul(ordered, reshape(growth, [-1, 1]));
      const minusOne = after(fill(graph, -1, part.losses.shape, dtype), part.losses);
      const taken = growth === undefined ? minusOne : div(minusOne, growth);
      const dLogits = addToColumns(part.probabilities, part.index, taken);
      dWeight = gemm(dLogits, mul(part.hidden, scale), { transposeA: true, c: dWeight });
      if (bias !== undefined) dBias = gemm(dLogits, scale, { transposeA: true, c: dBias });
      dHidden.push(mul(scale, gemm(dLogits, weight)));
    }
    return [concat(dHidden, 0), dWeight, dBias && reshape(dBias, [weight.shape[0]])];
  });
  return { logits: all('logits'), losses, objective, ignored };
}

function forward(hidden: Tensor, weight: Tensor, bias: Tensor | undefined, index: Tensor): Part {
  const logits = gemm(hidden, weight, { transposeB: true, c: bias });
  const probabilities = softmax(logits);
  const logNormaliser = sub(reduceMax(logits, [1]), log(reduceMax(probabilities, [1])));
  const losses = sub(logNormaliser, pickColumns(logits, index));
  return { hidden, index, logits, probabilities, logNormaliser, losses };
}

function rowRange(x: Tensor, start: number, end: number): Tensor {
  return start === 0 && end === x.shape[0] ? x : slice(x, 0, start, end);
}
