/**
 * What a run writes down of its steps: files of JSON objects, a line each, in order of steps, appended when the step is
 * done. metrics.jsonl has one line a step, consumed.jsonl one for each range of tokens that the step was trained on.
 *
 * Invariant: steps never go back. A process that was killed may leave lines of steps that no checkpoint contains, and
 * half a line; `open` cuts both off, since these steps come again.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import type { TrainingBatch } from './loader/batch.js';

/** The store's views `training` and `training_tokens` read them by these names. */
export const METRICS_FILE = 'metrics.jsonl';
export const CONSUMED_FILE = 'consumed.jsonl';

export interface StepMetrics {
  readonly run: string;
  /** From 1. */
  readonly step: number;
  /** Mean negative log-likelihood of the batch in nats per token; null where it was not finite. */
  readonly loss: number | null;
  readonly learning_rate: number;
  /** Global norm before clipping; null where it was not finite. */
  readonly gradient_norm: number | null;
  /** Tokens trained on so far. */
  readonly tokens: number;
  /** Of this step alone. The one figure here that differs from run to run. */
  readonly tokens_per_second: number;
  /** On the validation set, after this step; only in steps that ended with an evaluation. */
  readonly validation_loss?: number;
  readonly bits_per_byte?: number;
}

/** Tokens `first_token` to `first_token + tokens` (exclusive) of a shard that a step was trained on. */
export interface ConsumedTokens {
  readonly step: number;
  readonly dataset: string;
  readonly shard: string;
  /** How many times the run reads these tokens with this step. */
  readonly epoch: number;
  readonly first_token: number;
  readonly tokens: number;
}

export function consumedTokens(step: number, { consumed }: TrainingBatch): ConsumedTokens[] {
  return consumed.map(({ dataset, shard, epoch, start, end }) => ({
    step,
    dataset,
    shard,
    epoch,
    first_token: start,
    tokens: end - start,
  }));
}

export class StepFile<Line extends { readonly step: number }> {
  private readonly path: string;

  /** @param step of the checkpoint that the run resumes from; 0 for a run that begins */
  static async open<Line extends { readonly step: number }>(
    folder: string,
    name: string,
    step: number,
  ): Promise<StepFile<Line>> {
    const path = join(folder, name);
    const text = await readText(path);
    const kept = text.split('\n').filter((line) => (stepOf(line) ?? Number.POSITIVE_INFINITY) <= step);
    const cut = kept.map((line) => `${line}\n`).join('');
    if (cut !== text) await writeFileAtomic(path, cut);
    return new StepFile(path);
  }

  private constructor(path: string) {
    this.path = path;
  }

  async append(...lines: readonly Line[]): Promise<void> {
    try {
      await appendFile(this.path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      throw fromSystemError(error, this.path);
    }
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw fromSystemError(error, path);
  }
}

/** Undefined for what is not a whole line. */
function stepOf(line: string): number | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const step = (value as { step?: unknown } | null)?.step;
    return typeof step === 'number' ? step : undefined;
  } catch {
    return undefined;
  }
}
