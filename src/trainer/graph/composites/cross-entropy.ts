/** The output layer of a language model and its cross-entropy as one function, so that no one-hot matrix is built. */
import {
  add,
  gatherRows,
  gemm,
  less,
  log,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  scatterAddRows,
  softmax,
  sub,
  where,
} from '../build.js';
import type { Tensor } from '../tensor.js';

export interface CrossEntropy {
  /** [n, vocabulary] */
  readonly logits: Tensor;
  /** Negative log-likelihood of each target in nats [n]; 0 where the target is ignored. */
  readonly losses: Tensor;
  /** Whether a target is ignored, bool [n]. */
  readonly ignored: Tensor;
}

/**
 * -log softmax(hidden weight^T + bias)[target] by row. hidden [n, width], weight [vocabulary, width], bias
 * [vocabulary], targets int32 [n]; a negative target is ignored.
 *
 * The log of the normaliser is max(z) - log(max(p)): p is at hand, its largest entry is at least 1 / vocabulary and so
 * never underflows. With P = softmax(z), t the targets, s the incoming gradient by row and X the hidden rows:
 * dX = s (P W - W[t]), dW = P^T (s X) - scatter of s X to the rows t, and for a bias the same with X of ones.
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  targets: Tensor,
): CrossEntropy {
  const rows = hidden.shape[0];
  const ignored = less(targets, 0);
  const safe = where(ignored, 0, targets);
  const logits = gemm(hidden, weight, { transposeB: true, c: bias });
  const biasColumn = bias && reshape(bias, [-1, 1]);
  const probabilities = softmax(logits);
  const targetWeights = gatherRows(weight, safe);
  const products = reduceSum(mul(hidden, targetWeights), [1]);
  const targetLogits = biasColumn ? add(products, reshape(gatherRows(biasColumn, safe), [rows])) : products;
  const logNormaliser = sub(reduceMax(logits, [1]), log(reduceMax(probabilities, [1])));
  const losses = where(ignored, 0, sub(logNormaliser, targetLogits));
  const inputs = bias === undefined ? [hidden, weight] : [hidden, weight, bias];
  hidden.graph.setGradient(losses, inputs, (dy) => {
    const s = reshape(where(ignored, 0, dy), [rows, 1]);
    const scaled = mul(hidden, s);
    return [
      mul(s, sub(gemm(probabilities, weight), targetWeights)),
      scatterAddRows(gemm(probabilities, scaled, { transposeA: true }), safe, neg(scaled)),
      bias && reshape(scatterAddRows(gemm(probabilities, s, { transposeA: true }), safe, neg(s)), bias.shape),
    ];
  });
  return { logits, losses, ignored };
}
