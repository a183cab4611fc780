/**
 * A job as its journal tells it: `job.json` says what was asked for and never changes, every event after that is a line of
 * `events.ndjson`, and what a job is now is the fold of its events.
 *
 *     queued ──► running ──► succeeded | failed
 *       │  ▲        │
 *       │  │        ├─► stopping ──► cancelled             asked to cancel
 *       │  │        └─► stopping ──► interrupted           the service stops; or it died, and is here again
 *       │  └──────────────────────────────┘
 *       └─► cancelled
 */
// Not 'zod' itself: the routes describe these schemas, which only those made behind this import can do.
import { z } from '@hono/zod-openapi';
import { ERRORS, type ErrorCode } from '../../core/errors.js';
import { jobRequestSchema } from './requests.js';

export const JOB_STATES = [
  'queued',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
  'interrupted',
] as const;

export type JobState = (typeof JOB_STATES)[number];

/** A job in one of these does not change any more. */
const ENDED: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

export function hasEnded(state: JobState): boolean {
  return ENDED.includes(state);
}

const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

export const jobErrorSchema = z.object({
  code: errorCode,
  message: z.string(),
  hint: z.string().nullable(),
});

export type JobError = z.output<typeof jobErrorSchema>;

export const jobProgressSchema = z.object({
  label: z.string().describe('what is done: ingest, train'),
  done: z.number().describe('bytes read, steps trained or bytes counted'),
  total: z.number().nullable().describe('in the unit of done; null where it is not known'),
  note: z.string().nullable().describe('the same for a person'),
  values: z.record(z.string(), z.number().nullable()).describe('figures by name, such as documents or loss'),
});

export type JobProgress = z.output<typeof jobProgressSchema>;

const stamp = {
  id: z.number().int().positive().describe('1, 2, ... of this job'),
  time: z.string().describe('ISO 8601, UTC'),
};

export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('state'),
    ...stamp,
    state: z.enum(JOB_STATES),
    reason: z.string().nullable().describe('why, where it is not plain'),
    error: jobErrorSchema.nullable().describe('of a job that failed'),
    result: z.unknown().describe('of a job that succeeded: what the command reports; else null'),
  }),
  z.object({ type: z.literal('progress'), ...stamp, ...jobProgressSchema.shape }),
  z.object({ type: z.literal('log'), ...stamp, message: z.string() }),
]);

export type JobEvent = z.output<typeof jobEventSchema>;

/** An event that has neither id nor time yet. */
export type NewEvent = JobEvent extends infer Event
  ? Event extends JobEvent
    ? Omit<Event, 'id' | 'time'>
    : never
  : never;

/** job.json */
export const jobSpecSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  created: z.string(),
  request: jobRequestSchema,
});

export type JobSpec = z.output<typeof jobSpecSchema>;

/** What a job is now. */
export interface Job {
  readonly id: string;
  readonly created: string;
  readonly request: JobSpec['request'];
  readonly state: JobState;
  /** Why it is in this state, where it is not plain. */
  readonly reason: string | null;
  readonly started: string | null;
  readonly ended: string | null;
  /** How often a process was started for it. */
  readonly attempts: number;
  readonly progress: JobProgress | null;
  readonly result: unknown;
  readonly error: JobError | null;
  /** Id of the latest event; 0 where there is none. */
  readonly lastEvent: number;
}

export function newJob({ id, created, request }: JobSpec): Job {
  return {
    id,
    created,
    request,
    state: 'queued',
    reason: null,
    started: null,
    ended: null,
    attempts: 0,
    progress: null,
    result: null,
    error: null,
    lastEvent: 0,
  };
}

export function applyEvent(job: Job, event: JobEvent): Job {
  const next = { ...job, lastEvent: event.id };
  if (event.type === 'log') return next;
  if (event.type === 'progress') {
    const { label, done, total, note, values } = event;
    return { ...next, progress: { label, done, total, note, values } };
  }
  const { state, reason, error, result, time } = event;
  return {
    ...next,
    state,
    reason,
    error,
    result: result ?? null,
    started: state === 'running' ? (job.started ?? time) : job.started,
    ended: hasEnded(state) ? time : null,
    attempts: job.attempts + (state === 'running' ? 1 : 0),
  };
}

export function stateEvent(
  state: JobState,
  details: { reason?: string; error?: JobError; result?: unknown } = {},
): NewEvent {
  const { reason = null, error = null, result = null } = details;
  return { type: 'state', state, reason, error, result };
}
