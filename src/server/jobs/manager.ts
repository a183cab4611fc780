/**
 * The jobs of a workspace: a queue on disk, and a few processes of the command line that work it off.
 *
 * Invariants: one manager a workspace (a lease); every change of a job is in its journal before anybody hears of it; of
 * two jobs that write the same thing one waits for the other; at most `concurrency` processes run. When the service
 * stops, jobs stop at a commit and are `interrupted`; the next start continues them, also after a kill -9.
 */
import { EventEmitter } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { ensureFolder, listFolder } from '../../core/files.js';
import type { Log } from '../../core/log.js';
import { packageFile } from '../../core/paths.js';
import type { WriterLease } from '../../store/lease.js';
import type { Workspace } from '../../store/workspace.js';
import { checkRequest } from './check.js';
import { CLOSED, followJob, type FollowOptions } from './follow.js';
import {
  applyEvent,
  hasEnded,
  newJob,
  JOB_STATES,
  stateEvent,
  type Job,
  type JobEvent,
  type JobSpec,
  type JobState,
  type NewEvent,
} from './job.js';
import { JobJournal } from './journal.js';
import { acquireService } from './lease.js';
import { jobRequestSchema, resourceOf, type JobKind, type JobRequestInput } from './requests.js';
import { endOrphan } from './orphans.js';
import { JobRun, type RunLimits, type StopReason } from './run.js';

export interface JobSettings extends RunLimits {
  /** Processes at a time. */
  readonly concurrency: number;
  /** Jobs that may wait; more are refused. */
  readonly maxQueued: number;
  /** Jobs that have ended and are kept; older ones are removed. */
  readonly retained: number;
  /** Whether jobs may read addresses that are not of the public network. */
  readonly allowPrivateAddresses: boolean;
}

export const DEFAULT_JOB_SETTINGS: JobSettings = {
  concurrency: 2,
  maxQueued: 100,
  retained: 1_000,
  allowPrivateAddresses: false,
  stopMs: 60_000,
  lockWaitMs: 60_000,
};

/** Starts of one job: a job that takes the service down with it each time is not started for ever. */
const MAX_ATTEMPTS = 100;

export interface JobManagerOptions {
  readonly workspace: Workspace;
  readonly log: Log;
  readonly settings?: Partial<JobSettings>;
  /** Program and first arguments of the command line; tests give another. */
  readonly command?: readonly [string, ...string[]];
  /** Milliseconds since 1970; tests give their own clock. */
  readonly now?: () => number;
}

interface Entry {
  job: Job;
  readonly journal: JobJournal;
  /** What it writes; undefined where that is nothing. */
  readonly resource: string | undefined;
  /** Appends are in order. */
  writing: Promise<unknown>;
  /** While a process works on it, or is about to. */
  run: JobRun | undefined;
  /** May not be started: a process of an earlier service still has it, or it is being cancelled. */
  held: boolean;
  /** Was cancelled while it was held. */
  cancelled: boolean;
}

export interface JobFilter {
  readonly kind?: JobKind;
  readonly state?: JobState;
  /** Name of the dataset that the job reads or writes. */
  readonly dataset?: string;
}

export class JobManager {
  readonly settings: JobSettings;
  private readonly workspace: Workspace;
  private readonly log: Log;
  private readonly command: readonly [string, ...string[]];
  private readonly now: () => number;
  private readonly lease: WriterLease;
  /** By id, which sorts as time does. */
  private readonly entries = new Map<string, Entry>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly background = new Set<Promise<unknown>>();
  private lastId = 0;
  private closing = false;
  private closed = false;
  private ending: Promise<void> | undefined;

  /**
   * Reads the jobs of the workspace and continues what was interrupted.
   * @throws TokenmillError as `acquireService`
   */
  static async open(options: JobManagerOptions): Promise<JobManager> {
    const { workspace } = options;
    await ensureFolder(workspace.jobs);
    const lease = await acquireService(workspace, options.log);
    try {
      const manager = new JobManager(options, lease);
      await manager.load();
      return manager;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  private constructor(options: JobManagerOptions, lease: WriterLease) {
    this.settings = { ...DEFAULT_JOB_SETTINGS, ...options.settings };
    this.workspace = options.workspace;
    this.log = options.log;
    this.command = options.command ?? [process.execPath, packageFile('dist/cli/main.js')];
    this.now = options.now ?? Date.now;
    this.lease = lease;
  }

  private async load(): Promise<void> {
    for (const id of await listFolder(this.workspace.jobs)) {
      if (!/^\d{9}$/.test(id)) continue;
      this.lastId = Math.max(this.lastId, Number(id));
      const folder = join(this.workspace.jobs, id);
      // A folder without job.json was begun or is half removed: no job.
      if (!(await readdir(folder)).includes('job.json')) continue;
      try {
        const { journal, job } = await JobJournal.open(folder);
        this.add(journal, job);
      } catch (error) {
        if (!(error instanceof TokenmillError)) throw error;
        this.log(`job ${id} cannot be read and is left alone: ${error.message}`);
      }
    }
    for (const entry of this.entries.values()) {
      const { state } = entry.job;
      if (state === 'running' || state === 'stopping' || state === 'interrupted') {
        entry.held = true;
        this.track(this.resume(entry));
      }
    }
    await this.retire();
    this.schedule();
  }

  private add(journal: JobJournal, job: Job): Entry {
    const entry: Entry = {
      job,
      journal,
      resource: resourceOf(job.request),
      writing: Promise.resolve(),
      run: undefined,
      held: false,
      cancelled: false,
    };
    this.entries.set(job.id, entry);
    return entry;
  }

  /** What an earlier service left: its process is waited for or ended, then the job goes on. */
  private async resume(entry: Entry): Promise<void> {
    const { state, reason } = entry.job;
    const wasCancelled = state === 'stopping' && reason === ('cancel' satisfies StopReason);
    if (state !== 'interrupted') {
      await this.record(
        entry,
        stateEvent('interrupted', { reason: 'the service ended without stopping it' }),
      );
    }
    await endOrphan(entry.journal, this.settings.stopMs, () => this.closing);
    if (this.closing) return;
    if (wasCancelled || entry.cancelled) await this.record(entry, stateEvent('cancelled'));
    else await this.record(entry, stateEvent('queued', { reason: 'continues after an interruption' }));
    entry.held = false;
    this.schedule();
  }

  /**
   * Queues a job.
   * @throws TokenmillError USAGE where the request is not well formed, what `checkRequest` throws, SERVICE_BUSY where too
   *   many wait, INTERRUPTED while the service stops
   */
  async create(input: JobRequestInput): Promise<Job> {
    const parsed = jobRequestSchema.safeParse(input);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0];
      throw new TokenmillError('USAGE', `${path.join('.') || 'the request'}: ${message}`);
    }
    this.assertOpen();
    await checkRequest(parsed.data, this.workspace, this.settings);
    const waiting = this.counts().queued;
    if (waiting >= this.settings.maxQueued) {
      throw new TokenmillError('SERVICE_BUSY', `${waiting} jobs wait already`, {
        hint: 'wait until some have ended, or cancel some',
      });
    }
    const request = parsed.data;
    this.lastId += 1;
    const id = String(this.lastId).padStart(9, '0');
    const spec: JobSpec = { version: 1, id, created: this.time(), request };
    const journal = await JobJournal.create(join(this.workspace.jobs, id), spec);
    const entry = this.add(journal, newJob(spec));
    await this.record(entry, stateEvent('queued'));
    this.schedule();
    return entry.job;
  }

  /** @throws TokenmillError JOB_NOT_FOUND */
  get(id: string): Job {
    return this.entry(id).job;
  }

  /** The latest first: those older than the job `before`, at most `limit`. */
  list(filter: JobFilter, limit: number, before?: string): Job[] {
    const found: Job[] = [];
    const ids = [...this.entries.keys()].sort().reverse();
    for (const id of ids) {
      if (found.length === limit) break;
      const { job } = this.entries.get(id) as Entry;
      if (before !== undefined && id >= before) continue;
      if (filter.kind !== undefined && job.request.kind !== filter.kind) continue;
      if (filter.state !== undefined && job.state !== filter.state) continue;
      const dataset = 'dataset' in job.request ? job.request.dataset : undefined;
      if (filter.dataset !== undefined && dataset !== filter.dataset) continue;
      found.push(job);
    }
    return found;
  }

  /** Jobs by state. */
  counts(): Record<JobState, number> {
    const counts = Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { job } of this.entries.values()) counts[job.state] += 1;
    return counts;
  }

  /**
   * Cancels a job: at once where it waits, else at its next commit or checkpoint; what was committed stays. Asked again
   * while it stops, nothing more happens.
   * @throws TokenmillError JOB_NOT_FOUND, JOB_ENDED
   */
  async cancel(id: string): Promise<Job> {
    const entry = this.entry(id);
    const { state } = entry.job;
    if (hasEnded(state)) {
      throw new TokenmillError('JOB_ENDED', `job ${id} has ended: it is ${state}`);
    }
    if (entry.run !== undefined) {
      await entry.run.stop('cancel');
    } else if (!entry.held) {
      entry.held = true;
      await this.record(entry, stateEvent('cancelled'));
      await this.retire();
    } else if (state !== 'queued') {
      entry.cancelled = true;
    }
    return entry.job;
  }

  /**
   * The events of a job, those that come included, until it has ended or the service stops.
   * @throws TokenmillError JOB_NOT_FOUND
   */
  follow(id: string, options: FollowOptions): AsyncGenerator<JobEvent | null> {
    return followJob(this.entry(id), this.changes, () => this.closed, options);
  }

  /** Stops every job at its next commit, lets followers see that, and ends. What waits goes on at the next start. */
  close(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private async end(): Promise<void> {
    this.closing = true;
    const running = [...this.entries.values()].flatMap(({ run }) => run ?? []);
    await Promise.all(running.map((run) => run.stop('shutdown')));
    await Promise.all(running.map((run) => run.ended));
    await Promise.all(this.background);
    for (const { writing } of this.entries.values()) await writing;
    this.closed = true;
    this.changes.emit(CLOSED);
    await this.lease.release();
  }

  /** Starts what may start, the oldest first. */
  private schedule(): void {
    if (this.closing) return;
    const busy = new Set<string>();
    const take = (resource: string | undefined): void => {
      if (resource !== undefined) busy.add(resource);
    };
    let running = 0;
    for (const { run, held, job, resource } of this.entries.values()) {
      // What an earlier service left running counts as well.
      if (run === undefined && (!held || hasEnded(job.state))) continue;
      running += 1;
      take(resource);
    }
    for (const id of [...this.entries.keys()].sort()) {
      if (running >= this.settings.concurrency) return;
      const entry = this.entries.get(id) as Entry;
      const { job, run, held, resource } = entry;
      if (job.state !== 'queued' || run !== undefined || held) continue;
      if (resource !== undefined && busy.has(resource)) continue;
      // A later job for the same thing waits for this one.
      take(resource);
      running += 1;
      this.start(entry);
    }
  }

  private start(entry: Entry): void {
    const run = new JobRun({
      job: entry.job,
      journal: entry.journal,
      workspace: this.workspace.root,
      command: this.command,
      limits: this.settings,
      access: this.settings,
      now: this.now,
      maxAttempts: MAX_ATTEMPTS,
      record: (event) => this.record(entry, event),
    });
    entry.run = run;
    this.track(
      run.ended.then(async () => {
        entry.run = undefined;
        await this.retire();
        this.schedule();
      }),
    );
  }

  /** Appends an event to the journal, then shows it. */
  private async record(entry: Entry, event: NewEvent): Promise<void> {
    const write = entry.writing.then(async () => {
      const stamped = { ...event, id: entry.job.lastEvent + 1, time: this.time() } as JobEvent;
      await entry.journal.append(stamped);
      entry.job = applyEvent(entry.job, stamped);
      this.changes.emit(entry.job.id);
    });
    entry.writing = write.catch(() => undefined);
    return write;
  }

  /** Removes the oldest jobs that have ended beyond those that are kept. */
  private async retire(): Promise<void> {
    const ended = [...this.entries.values()].filter(
      ({ job, run }) => hasEnded(job.state) && run === undefined,
    );
    ended.sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
    for (const entry of ended.slice(0, Math.max(0, ended.length - this.settings.retained))) {
      this.entries.delete(entry.job.id);
      await entry.journal.remove();
    }
  }

  private entry(id: string): Entry {
    const entry = this.entries.get(id);
    if (entry !== undefined) return entry;
    throw new TokenmillError('JOB_NOT_FOUND', `there is no job ${id}`, {
      hint: `the latest ${this.settings.retained} jobs that ended are kept`,
    });
  }

  private assertOpen(): void {
    if (!this.closing) return;
    throw new TokenmillError('INTERRUPTED', 'the service is stopping', { hint: 'try again in a moment' });
  }

  private track(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => this.log(`jobs: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => this.background.delete(done));
    this.background.add(done);
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }
}
