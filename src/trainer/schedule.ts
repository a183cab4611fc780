/**
 * Learning rate of a step. All schedules begin with a linear warm-up to the peak; they differ in what follows:
 * - cosine: half a cosine down to the minimum (Loshchilov and Hutter, SGDR, 2017, equation 5 without restarts);
 * - linear: a straight line down to the minimum;
 * - wsd: the peak, and in the last `decay` steps down to the minimum along 1 - sqrt(t) (Hägele et al., 2024, section 4.2),
 *   so that a run can be continued from its stable part without having known its length;
 * - constant: the peak.
 * Steps count from 1; a step's rate is the one its update uses.
 */

export const SCHEDULES = ['cosine', 'linear', 'wsd', 'constant'] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

export interface Schedule {
  readonly kind: ScheduleKind;
  /** Reached at step `warmup`. */
  readonly peak: number;
  /** Reached at step `steps`, and kept after it; `constant` never leaves the peak. */
  readonly minimum: number;
  /** Steps of warm-up, fewer than `steps`; 0 is none. */
  readonly warmup: number;
  /** Steps of the decay of `wsd`, at most `steps` - `warmup`; the others decay from the warm-up on. */
  readonly decay: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/** Pure: a resumed run gets what an uninterrupted one got. */
export function learningRate(step: number, schedule: Schedule): number {
  const { kind, peak, minimum, warmup, decay, steps } = schedule;
  if (step < warmup) return (peak * step) / warmup;
  if (kind === 'constant') return peak;
  const start = kind === 'wsd' ? steps - decay : warmup;
  if (step <= start) return peak;
  if (step >= steps) return minimum;
  return minimum + (peak - minimum) * remaining(kind, (step - start) / (steps - start));
}

/** Share of the way from minimum to peak that is left at `progress` of the decay, from 1 to 0. */
function remaining(kind: Exclude<ScheduleKind, 'constant'>, progress: number): number {
  switch (kind) {
    case 'cosine':
      return (1 + Math.cos(Math.PI * progress)) / 2;
    case 'linear':
      return 1 - progress;
    case 'wsd':
      return 1 - Math.sqrt(progress);
  }
}
