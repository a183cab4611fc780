/**
 * The training loop: batch, step, metrics; now and then an evaluation and a checkpoint. What it works on is given to it.
 *
 * Invariants: a checkpoint is written between two steps, then the data it contains are settled; the loop takes no
 * decision from the clock, so weights depend on data, settings and engine alone.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import type { TrainingBatch } from './loader/batch.js';
import { type ConsumedTokens, consumedTokens, type StepMetrics } from './metrics.js';
import type { StepResult, TrainingProgram } from './programs/training.js';
import { learningRate, type Schedule } from './schedule.js';
import type { Evaluation } from './validation.js';

/** Steps in a row that may have loss or gradients that are not finite; each is skipped. */
export const MAX_SKIPPED_STEPS = 5;

const POLL_MS = 1_000;
/** Lines of loss in a run, beside those of evaluations. */
const LOSS_LINES = 20;
/** Steps whose mean loss is shown: neighbouring batches differ in language and kind of text, and so in loss. */
const SHOWN_STEPS = 20;

export interface LoopPosition {
  /** Steps done. */
  readonly step: number;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Steps skipped in a row up to now. */
  readonly skipped: number;
}

export interface LoopProgress extends LoopPosition {
  readonly steps: number;
  /** Mean of the last steps; NaN where all were skipped. */
  readonly loss: number;
  readonly tokensPerSecond: number;
  /** Floating-point operations of matrix products a second, and their share of the most that the machine has shown yet. */
  readonly operationsPerSecond: number;
  readonly utilisation: number | undefined;
}

export interface LoopContext {
  readonly run: string;
  readonly program: Pick<TrainingProgram, 'step' | 'operations'>;
  /** Operations a second that the machine can do at least, if it was measured; a step that does more says more. */
  readonly peak?: number;
  /** `next` is undefined where there is no batch yet; `renew` is called while waiting for one. */
  readonly data: { next(): Promise<TrainingBatch | undefined>; renew(): Promise<void> };
  readonly schedule: Schedule;
  /** What is done about a step whose loss or gradients are not finite; `MAX_SKIPPED_STEPS` of them end a run anyway. */
  readonly onNonfinite: 'skip' | 'stop';
  readonly evalEvery: number;
  readonly checkpointEvery: number;
  /** Undefined where there is nothing to evaluate on, or it was interrupted. */
  readonly evaluate: () => Promise<Evaluation | undefined>;
  /** Writes a checkpoint of this position, with the loss of the evaluation after it if there was one; durable when it resolves. */
  readonly checkpoint: (position: LoopPosition, validationLoss: number | null) => Promise<void>;
  readonly metrics: { append(metrics: StepMetrics): Promise<void> };
  readonly consumed: { append(...ranges: readonly ConsumedTokens[]): Promise<void> };
  readonly log: Log;
  readonly onProgress?: (progress: LoopProgress) => void;
  /** Aborting ends the loop after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface LoopResult extends LoopPosition {
  /** Mean of the last steps in this process; null where there was none. */
  readonly loss: number | null;
  /** After the last step. */
  readonly evaluation: Evaluation | undefined;
}

/**
 * Trains from `start` to the end of the schedule.
 * @throws TokenmillError INTERRUPTED after a checkpoint, TRAINING_DIVERGED without one, and what its parts throw
 */
export async function runLoop(start: LoopPosition, context: LoopContext): Promise<LoopResult> {
  const { data, schedule, signal } = context;
  let position = start;
  let saved = start.step;
  const losses: number[] = [];
  let evaluation: Evaluation | undefined;
  let { peak } = context;
  const save = async (): Promise<void> => {
    if (position.step === saved) return;
    await context.checkpoint(position, evaluation?.loss ?? null);
    saved = position.step;
  };
  while (position.step < schedule.steps) {
    // An engine may block its thread and answer in the same turn: signals and timers get theirs here.
    await nextTurn();
    if (signal?.aborted === true) break;
    const batch = await data.next();
    if (batch === undefined) {
      // While there is nothing to do, what was used can be acknowledged.
      await save();
      await pause(signal);
      await data.renew();
      continue;
    }
    const done = await takeStep(batch, position, context);
    position = done.position;
    if (done.metrics.loss !== null) losses.push(done.metrics.loss);
    if (losses.length > SHOWN_STEPS) losses.shift();
    const { tokens_per_second: tokensPerSecond } = done.metrics;
    const { operationsPerSecond } = done;
    peak &&= Math.max(peak, operationsPerSecond);
    const utilisation = peak && operationsPerSecond / peak;
    context.onProgress?.({
      ...position,
      steps: schedule.steps,
      loss: mean(losses),
      tokensPerSecond,
      operationsPerSecond,
      utilisation,
    });
    const last = position.step === schedule.steps;
    evaluation = last || position.step % context.evalEvery === 0 ? await context.evaluate() : undefined;
    await report(done.metrics, mean(losses), evaluation, context);
    await context.consumed.append(...consumedTokens(position.step, batch));
    if (last || position.step % context.checkpointEvery === 0) await save();
  }
  if (position.step < schedule.steps) {
    await save();
    const { step } = position;
    const when = step === 0 ? 'before the first step' : `after step ${step}, which is saved`;
    throw new TokenmillError('INTERRUPTED', `interrupted ${when}`, {
      hint: 'run the same command again to continue',
    });
  }
  return { ...position, loss: finite(mean(losses)), evaluation };
}

async function takeStep(
  { ids, targets, layout }: TrainingBatch,
  before: LoopPosition,
  { run, program, schedule, onNonfinite, log }: LoopContext,
): Promise<{ position: LoopPosition; metrics: StepMetrics; operationsPerSecond: number }> {
  const step = before.step + 1;
  const rate = learningRate(step, schedule);
  const started = performance.now();
  const result = await program.step(ids, targets, { learningRate: rate, layout });
  const { loss, gradientNorm, applied } = result;
  const counted = targets.reduce((count, target) => count + (target < 0 ? 0 : 1), 0);
  const seconds = (performance.now() - started) / 1000;
  const isSkipped = !applied && !isOverflow(result);
  const skipped = applied ? 0 : before.skipped + (isSkipped ? 1 : 0);
  const stops = isSkipped && (onNonfinite === 'stop' || skipped >= MAX_SKIPPED_STEPS);
  if (isSkipped && !stops) log(`step ${step} is skipped: loss ${loss}, gradient norm ${gradientNorm}`);
  if (!applied && !isSkipped) {
    log(
      `step ${step} is skipped: gradients overflow with a loss scale of ${result.lossScale}, half of it is next`,
    );
  }
  if (stops || (applied && !Number.isFinite(loss))) {
    throw new TokenmillError(
      'TRAINING_DIVERGED',
      `run ${run} diverged at step ${step}: loss ${loss}, gradient norm ${gradientNorm}`,
      {
        hint: 'the last checkpoint is sound; begin another run with a lower --learning-rate or more --warmup',
      },
    );
  }
  const position = { step, tokens: before.tokens + counted, skipped };
  return {
    position,
    operationsPerSecond: program.operations / seconds,
    metrics: {
      run,
      step,
      loss: finite(loss),
      learning_rate: rate,
      gradient_norm: finite(gradientNorm),
      tokens: position.tokens,
      tokens_per_second: Math.round(counted / seconds),
    },
  };
}

/** Whether a step that was not applied shows no more than that the loss was scaled too much for float16. */
function isOverflow({ loss, lossScale = 0 }: StepResult): boolean {
  return Number.isFinite(loss) && lossScale > 1;
}

async function report(
  metrics: StepMetrics,
  loss: number,
  evaluation: Evaluation | undefined,
  { metrics: file, schedule, log }: LoopContext,
): Promise<void> {
  if (evaluation === undefined) await file.append(metrics);
  else {
    await file.append({
      ...metrics,
      validation_loss: evaluation.loss,
      bits_per_byte: evaluation.bitsPerByte,
    });
  }
  const every = Math.max(1, Math.round(schedule.steps / LOSS_LINES));
  if (evaluation === undefined && metrics.step !== 1 && metrics.step % every !== 0) return;
  log(describe(metrics, loss, schedule.steps, evaluation));
}

function describe(
  metrics: StepMetrics,
  loss: number,
  steps: number,
  evaluation: Evaluation | undefined,
): string {
  const width = String(steps).length;
  const parts = [
    `step ${String(metrics.step).padStart(width)}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    `learning rate ${metrics.learning_rate.toExponential(2)}`,
    `${metrics.tokens_per_second.toLocaleString('en-US')} tokens/s`,
  ];
  if (evaluation !== undefined) {
    parts.push(`validation ${evaluation.loss.toFixed(4)}`, `${evaluation.bitsPerByte.toFixed(4)} bits/byte`);
  }
  return parts.join('  ');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** JSON has no other numbers. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
  }
}
