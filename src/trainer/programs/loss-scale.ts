/**
 * Dynamic loss scaling (Micikevicius et al., 2018, section 3.2), with the constants of PyTorch's GradScaler: gradients in
 * float16 are those of the loss times a scale, which is as large as they bear.
 */

/** What a checkpoint has of it. */
export interface LossScale {
  readonly scale: number;
  /** Steps in a row that were applied with this scale. */
  readonly good_steps: number;
}

export const INITIAL_SCALE: LossScale = { scale: 65_536, good_steps: 0 };
const GROWTH = 2;
const BACKOFF = 0.5;
/** Applied steps in a row after which the scale grows. */
export const GROWTH_INTERVAL = 2_000;

/** The scale of the next step. @param applied whether the gradients of this one were finite */
export function nextScale({ scale, good_steps }: LossScale, applied: boolean): LossScale {
  if (!applied) return { scale: scale * BACKOFF, good_steps: 0 };
  if (good_steps + 1 < GROWTH_INTERVAL) return { scale, good_steps: good_steps + 1 };
  const grown = Math.fround(scale * GROWTH);
  return { scale: Number.isFinite(grown) ? grown : scale, good_steps: 0 };
}
