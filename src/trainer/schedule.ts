/**
 * The learning rate over a run: linear warm-up from 0, then half a cosine down to a minimum (Loshchilov and Hutter,
 * SGDR, 2017, equation 5 without restarts). Steps count from 1; a step's rate is the one its update uses.
 */

export interface Schedule {
  /** Reached at step `warmup`. */
  readonly peak: number;
  /** Reached at step `steps`, and kept after it. */
  readonly minimum: number;
  /** Steps of warm-up, fewer than `steps`; 0 is none. */
  readonly warmup: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/** Learning rate of a step. Pure: a resumed run gets what an uninterrupted one got. */
export function learningRate(step: number, { peak, minimum, warmup, steps }: Schedule): number {
  if (step < warmup) return (peak * step) / warmup;
  if (step >= steps) return minimum;
  const progress = (step - warmup) / (steps - warmup);
  return minimum + ((peak - minimum) * (1 + Math.cos(Math.PI * progress))) / 2;
}
