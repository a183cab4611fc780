/**
 * metrics.jsonl of a run: one JSON object a step, in order of steps, appended when the step is done.
 *
 * Invariant: steps never repeat or go back. A process that was killed may leave lines of steps that no checkpoint
 * contains, and half a line; `open` cuts both off, since these steps come again.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';

/** The store's `training` view reads it by this name. */
export const METRICS_FILE = 'metrics.jsonl';

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

export class MetricsFile {
  private readonly path: string;

  /** @param step of the checkpoint that the run resumes from; 0 for a run that begins */
  static async open(folder: string, step: number): Promise<MetricsFile> {
    const path = join(folder, METRICS_FILE);
    const text = await readText(path);
    const kept = text.split('\n').filter((line) => (stepOf(line) ?? Number.POSITIVE_INFINITY) <= step);
    const cut = kept.map((line) => `${line}\n`).join('');
    if (cut !== text) await writeFileAtomic(path, cut);
    return new MetricsFile(path);
  }

  private constructor(path: string) {
    this.path = path;
  }

  async append(metrics: StepMetrics): Promise<void> {
    try {
      await appendFile(this.path, `${JSON.stringify(metrics)}\n`);
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
