/**
 * The events of a job for somebody who follows it: first what the journal has, then what comes. They are read from the
 * journal when they are asked for, so a slow reader costs no memory and one that comes back goes on where it was.
 */
import type { EventEmitter } from 'node:events';
import { hasEnded, type Job, type JobEvent } from './job.js';
import type { JobJournal } from './journal.js';

/** Emitted when no job of the manager changes any more. */
export const CLOSED = 'closed';

export interface FollowOptions {
  /** Id of the last event that is known; 0 gives all. */
  readonly after: number;
  /** Milliseconds without an event after which null is given, so that a reader can show that it is there. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

export interface Followed {
  readonly journal: JobJournal;
  readonly job: Job;
}

/**
 * Ends with the job, when `isClosed` says so, or when the signal is aborted.
 * @param changes emits the id of a job after each of its events, and CLOSED
 */
export async function* followJob(
  entry: Followed,
  changes: EventEmitter,
  isClosed: () => boolean,
  { after, idleMs, signal }: FollowOptions,
): AsyncGenerator<JobEvent | null> {
  let offset = 0;
  while (!signal.aborted) {
    // Looked at before the journal, so that nothing that comes while it is read is missed.
    const { job } = entry;
    const last = hasEnded(job.state) || isClosed();
    const { events, next } = await entry.journal.read(offset);
    offset = next;
    for (const event of events) {
      if (event.id > after) yield event;
      if (signal.aborted) return;
    }
    if (events.length > 0) continue;
    if (last) return;
    if (entry.job !== job || isClosed()) continue;
    if (!(await happened(changes, [job.id, CLOSED], idleMs, signal))) yield null;
  }
}

/** Resolves at the next of these events or at the signal, or with false after `ms`. */
async function happened(
  emitter: EventEmitter,
  names: readonly string[],
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (result: boolean): void => {
      clearTimeout(timer);
      for (const name of names) emitter.off(name, onEvent);
      signal.removeEventListener('abort', onEvent);
      resolve(result);
    };
    const onEvent = (): void => finish(true);
    const timer = setTimeout(() => finish(false), ms);
    for (const name of names) emitter.on(name, onEvent);
    signal.addEventListener('abort', onEvent);
  });
}
