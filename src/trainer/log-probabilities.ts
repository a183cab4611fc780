/** Natural logarithms of the probabilities that logits stand for: softmax over all of them, before any sampling option. */

export interface TokenLogProbability {
  readonly id: number;
  readonly logProbability: number;
}

/** Of one token. */
export function logProbability(logits: Float32Array, id: number): number {
  return logits[id] - logSumExp(logits);
}

/** Of the `count` likeliest tokens, the likeliest first; of equal ones the lower id. */
export function topLogProbabilities(logits: Float32Array, count: number): TokenLogProbability[] {
  const total = logSumExp(logits);
  const best: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (best.length === count && !(logits[id] > logits[best[count - 1]])) continue;
    let place = best.length;
    while (place > 0 && logits[id] > logits[best[place - 1]]) place -= 1;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
  }
  return best.map((id) => ({ id, logProbability: logits[id] - total }));
}

/** Relative to the largest logit, so that no exponential overflows. */
function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}
