/**
 * One job at work: from `running` to its end, with the events between.
 *
 * Invariants: an end is recorded exactly once, and nothing after it; events of progress grow with the logarithm of the
 * time until they come every half minute, and messages are cut off at a number, so a journal stays small.
 */
import { JobChild, type ChildOutcome } from './child.js';
import { stateEvent, type Job, type JobError, type JobProgress, type NewEvent } from './job.js';
import type { JobJournal } from './journal.js';
import { commandOf, type JobAccess } from './requests.js';

/** Milliseconds between two events of progress: this share of the time that the job has run, within these bounds. */
const PROGRESS_SHARE = 1 / 500;
const MIN_PROGRESS_MS = 1_000;
const MAX_PROGRESS_MS = 30_000;
/** Messages of one process that go to the journal. */
const MAX_MESSAGES = 1_000;
const LOCK_RETRY_MS = 2_000;

/** Reason of `stopping` and of what follows from it. */
export type StopReason = 'cancel' | 'shutdown';

export interface RunLimits {
  /** Milliseconds that a process has to stop at its next commit. */
  readonly stopMs: number;
  /** Milliseconds that a job waits for a dataset or run that a process outside of the service writes. */
  readonly lockWaitMs: number;
}

export interface RunOptions {
  readonly job: Job;
  readonly journal: JobJournal;
  readonly workspace: string;
  readonly command: readonly [string, ...string[]];
  readonly limits: RunLimits;
  readonly access: JobAccess;
  readonly maxAttempts: number;
  readonly now: () => number;
  readonly record: (event: NewEvent) => Promise<void>;
}

export class JobRun {
  /** Rejects where the journal cannot be written. */
  readonly ended: Promise<void>;
  private readonly options: RunOptions;
  private readonly abort = new AbortController();
  private stopping: StopReason | undefined;
  private finished = false;
  private child: JobChild | undefined;
  private messages = 0;
  private progressAt = 0;
  private heldBack: JobProgress | undefined;

  constructor(options: RunOptions) {
    this.options = options;
    this.ended = this.work();
  }

  /** Asks the process to stop; resolves when that is in the journal. The first reason counts. */
  async stop(reason: StopReason): Promise<void> {
    if (this.stopping !== undefined || this.finished) return;
    this.stopping = reason;
    const recorded = this.options.record(stateEvent('stopping', { reason }));
    this.child?.stop(this.options.limits.stopMs);
    this.abort.abort();
    await recorded;
  }

  private async work(): Promise<void> {
    const { job, maxAttempts, record, limits, now } = this.options;
    if (job.attempts >= maxAttempts) {
      await this.end(
        stateEvent('failed', {
          error: {
            code: 'JOB_KILLED',
            message: `it was started ${job.attempts} times and interrupted each time`,
            hint: 'see the log of the service, then create the job again: what was committed is kept',
          },
        }),
      );
      return;
    }
    await record(stateEvent('running'));
    const begin = now();
    while (this.stopping === undefined) {
      const outcome = await this.runChild(begin);
      const waits =
        isLocked(outcome.error) && this.stopping === undefined && now() - begin < limits.lockWaitMs;
      if (!waits) {
        await this.end(this.conclusion(outcome));
        return;
      }
      this.log(`waits: ${(outcome.error as JobError).message}`);
      await this.pause(LOCK_RETRY_MS);
    }
    await this.end(this.conclusion(undefined));
  }

  private async runChild(begin: number): Promise<ChildOutcome> {
    const { job, journal, workspace, command, access, now } = this.options;
    const [program, ...first] = command;
    const args = [...first, ...commandOf(job.request, workspace, access)];
    const child = new JobChild(
      { program, args, folder: workspace },
      {
        onLog: (message) => this.log(message),
        onProgress: (progress) => this.progress(progress, now() - begin),
      },
    );
    this.child = child;
    if (this.stopping !== undefined) child.stop(this.options.limits.stopMs);
    if (child.identity !== undefined) await journal.setProcess(child.identity);
    const outcome = await child.ended;
    this.child = undefined;
    await journal.clearProcess();
    return outcome;
  }

  private conclusion(outcome: ChildOutcome | undefined): NewEvent {
    if (outcome !== undefined && outcome.error === undefined) {
      return stateEvent('succeeded', { result: outcome.result });
    }
    const error = outcome?.error;
    if (this.stopping === undefined) return stateEvent('failed', { error });
    // A command that has nothing to finish leaves the signal to the system.
    const heeded = error === undefined || error.code === 'INTERRUPTED' || outcome?.signal === 'SIGINT';
    const reason = heeded ? this.stopping : error.message;
    return stateEvent(this.stopping === 'cancel' ? 'cancelled' : 'interrupted', { reason });
  }

  private async end(event: NewEvent): Promise<void> {
    this.finished = true;
    if (this.heldBack !== undefined) await this.options.record({ type: 'progress', ...this.heldBack });
    await this.options.record(event);
  }

  private progress(progress: JobProgress, runMs: number): void {
    const interval = Math.min(MAX_PROGRESS_MS, Math.max(MIN_PROGRESS_MS, runMs * PROGRESS_SHARE));
    const now = this.options.now();
    if (now - this.progressAt < interval) {
      this.heldBack = progress;
      return;
    }
    this.progressAt = now;
    this.heldBack = undefined;
    this.note({ type: 'progress', ...progress });
  }

  private log(message: string): void {
    this.messages += 1;
    if (this.messages > MAX_MESSAGES) return;
    const last = this.messages === MAX_MESSAGES;
    this.note({ type: 'log', message: last ? 'there are more messages, which are left out' : message });
  }

  /** What is lost where the journal cannot be written is no more than a note; the end of the job will say so too. */
  private note(event: NewEvent): void {
    if (!this.finished) this.options.record(event).catch(() => undefined);
  }

  private async pause(ms: number): Promise<void> {
    const { signal } = this.abort;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function isLocked(error: JobError | undefined): boolean {
  return error?.code === 'DATASET_LOCKED' || error?.code === 'RUN_LOCKED';
}
