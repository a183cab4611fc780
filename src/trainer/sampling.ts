/**
 * Chooses the next token from a model's logits: repetition penalty (Keskar et al., 2019, section 4.1), temperature, then
 * top-k, then top-p (nucleus sampling, Holtzman et al., 2020), then min-p (Nguyen et al., 2024), in the order of Hugging
 * Face's logits processors. Equal logits count in order of their ids, so a choice depends on logits, options and random
 * state alone.
 */
import type { Random } from '../core/random.js';

export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the largest logit, which is greedy decoding. */
  readonly temperature: number;
  /** Only this many of the largest logits stay; null keeps all. */
  readonly topK: number | null;
  /** Of these, the fewest likeliest whose probabilities reach this sum stay; 1 keeps all. */
  readonly topP: number;
  /** Of these, those that are at least so many times as likely as the likeliest stay; 0, the default, keeps all. */
  readonly minP?: number;
  /** Of tokens that the text has already, logits above 0 are divided by it and others multiplied; 1 is the default. */
  readonly repetitionPenalty?: number;
}

/** An id below `logits.length`. Draws one number from `random`, except at temperature 0. */
export function sampleToken(
  logits: Float32Array,
  { temperature, topK, topP, minP = 0 }: SamplingOptions,
  random: Random,
): number {
  if (temperature === 0) return largest(logits);
  const ids = candidates(logits, topK ?? logits.length, topP < 1);
  const top = logits[ids.reduce((best, id) => (logits[id] > logits[best] ? id : best), ids[0])];
  const weights = Float64Array.from(ids, (id) => Math.exp((logits[id] - top) / temperature));
  const count = topP < 1 ? nucleus(weights, topP) : weights.length;
  // The likeliest has weight 1.
  const kept = weights.subarray(0, count).map((weight) => (weight < minP ? 0 : weight));
  const last = kept.findLastIndex((weight) => weight > 0);
  let rest = random.next() * sum(kept);
  for (let i = 0; i < last; i++) {
    rest -= kept[i];
    if (rest < 0) return ids[i];
  }
  return ids[last];
}

/** The logits with the penalty of `options`, if there is one. `seen` has the tokens of the text. */
export function penalized(
  logits: Float32Array,
  seen: ReadonlySet<number>,
  { repetitionPenalty = 1 }: SamplingOptions,
): Float32Array {
  if (repetitionPenalty === 1) return logits;
  const changed = logits.slice();
  for (const id of seen) {
    if (id >= changed.length) continue;
    changed[id] = changed[id] > 0 ? changed[id] / repetitionPenalty : changed[id] * repetitionPenalty;
  }
  return changed;
}

/** Id of the largest logit; the lowest of several. */
function largest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/** The ids that may be chosen: all in order, or where it matters sorted from the largest logit down and cut to k. */
function candidates(logits: Float32Array, k: number, sorted: boolean): Uint32Array {
  const ids = Uint32Array.from(logits, (_logit, id) => id);
  if (k >= ids.length && !sorted) return ids;
  return ids.sort((a, b) => logits[b] - logits[a] || a - b).subarray(0, k);
}

/** How many of the weights, from the first, reach the share `p` of their sum; at least one. */
function nucleus(weights: Float64Array, p: number): number {
  const wanted = p * sum(weights);
  let reached = 0;
  for (let i = 0; i < weights.length; i++) {
    reached += weights[i];
    if (reached >= wanted) return i + 1;
  }
  return weights.length;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
