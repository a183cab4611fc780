/** `/v1/jobs`: start, list, follow and cancel what takes longer than a request. */
import { createRoute, z } from '@hono/zod-openapi';
import { TokenmillError } from '../../core/errors.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import {
  JOB_STATES,
  hasEnded,
  jobErrorSchema,
  jobEventSchema,
  jobProgressSchema,
  type Job,
  type JobEvent,
} from '../jobs/job.js';
import { JOB_KINDS, jobRequestSchema } from '../jobs/requests.js';
import { decodeCursor, encodeCursor, json, jsonBody, page, pageQuery, problems } from '../schemas.js';
import { eventStream, HEARTBEAT_MS, SSE_HEADERS, type ServerSentEvent } from '../sse.js';

const jobSchema = z
  .object({
    id: z.string().openapi({ description: 'nine digits; later jobs have higher ones' }),
    kind: z.enum(JOB_KINDS),
    state: z.enum(JOB_STATES),
    reason: z.string().nullable().openapi({ description: 'why it is in this state, where it is not plain' }),
    request: jobRequestSchema.openapi({ description: 'what was asked for, with defaults filled in' }),
    created: z.iso.datetime(),
    started: z.iso.datetime().nullable(),
    ended: z.iso.datetime().nullable(),
    attempts: z.int().openapi({ description: 'processes that were started for it' }),
    progress: jobProgressSchema.nullable(),
    result: z.unknown().openapi({ description: 'what the command reports; null unless it succeeded' }),
    error: jobErrorSchema.nullable(),
    last_event: z.int(),
  })
  .openapi('Job');

const params = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' } }),
});

const create = createRoute({
  ...scope('write'),
  method: 'post',
  path: '/v1/jobs',
  operationId: 'createJob',
  tags: ['jobs'],
  summary: 'Start an ingest, the training of a tokenizer or of a model, or the comparison of two policies',
  description:
    'Answers at once; the job waits for its turn. Of two jobs that write the same dataset, tokenizer or run the later ' +
    'waits for the earlier. A job that is interrupted, because the service stops or dies, goes on at its next start. ' +
    'Addresses that are not of the public network are refused, unless the service allows them: here where they are in the ' +
    'request, else by the job, which fails with ADDRESS_FORBIDDEN.',
  request: { body: jsonBody(jobRequestSchema) },
  responses: {
    202: {
      ...json(jobSchema, 'the job, which waits'),
      headers: z.object({ Location: z.string().openapi({ description: 'where the job is' }) }),
    },
    ...problems(
      'CORPUS_NOT_FOUND',
      'FILE_NOT_FOUND',
      'FILE_EXISTS',
      'INPUT_UNSUPPORTED',
      'ADDRESS_FORBIDDEN',
      'POLICY_INVALID',
      'TOKENIZER_NOT_FOUND',
      'DATASET_NOT_FOUND',
      'SERVICE_BUSY',
      'DISK_FULL',
    ),
  },
});

const list = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/jobs',
  operationId: 'listJobs',
  tags: ['jobs'],
  summary: 'List jobs, the latest first',
  request: {
    query: pageQuery.extend({
      kind: z.enum(JOB_KINDS).optional(),
      state: z.enum(JOB_STATES).optional(),
      dataset: z.string().max(64).optional().openapi({ description: 'jobs that read or write this dataset' }),
    }),
  },
  responses: { 200: json(page(jobSchema).openapi('JobPage'), 'a page of jobs'), ...problems() },
});

const one = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/jobs/{id}',
  operationId: 'getJob',
  tags: ['jobs'],
  summary: 'One job',
  request: { params },
  responses: { 200: json(jobSchema, 'the job'), ...problems('JOB_NOT_FOUND') },
});

const cancel = createRoute({
  ...scope('write'),
  method: 'post',
  path: '/v1/jobs/{id}/cancel',
  operationId: 'cancelJob',
  tags: ['jobs'],
  summary: 'Cancel a job',
  description: 'At its next commit or checkpoint; what was committed stays.',
  request: { params },
  responses: {
    202: json(jobSchema, 'the job, which is cancelled or stops'),
    ...problems('JOB_NOT_FOUND', 'JOB_ENDED'),
  },
});

const events = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/jobs/{id}/events',
  operationId: 'followJob',
  tags: ['jobs'],
  summary: 'Follow a job',
  description:
    'Server-sent events `state`, `progress` and `log` from the first on, each with its id. The stream ends with the job. ' +
    'With Last-Event-ID it goes on behind that event, also after a restart of the service.',
  request: {
    params,
    headers: z.object({
      'last-event-id': z.string().max(20).optional().openapi({ description: 'id of the last event seen' }),
    }),
  },
  responses: {
    200: {
      description: 'events; the data of each is JSON of the schema JobEvent',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    204: { description: 'the job has ended, and its last event was seen: there is no need to come back' },
    ...problems('JOB_NOT_FOUND', 'SERVICE_BUSY'),
  },
});

export function jobRoutes(app: App, context: ServerContext): void {
  const { jobs, followers } = context;
  app.openAPIRegistry.register('JobEvent', jobEventSchema);

  app.openapi(create, async (c) => {
    const job = await jobs.create(c.req.valid('json'));
    return c.json(show(job), 202, { Location: `/v1/jobs/${job.id}` });
  });
  app.openapi(list, (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const found = jobs.list(filter, limit + 1, decodeCursor(cursor, z.string()));
    const shown = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor(shown[limit - 1].id) : null;
    return c.json({ items: shown.map(show), next_cursor: next }, 200);
  });
  app.openapi(one, (c) => c.json(show(jobs.get(c.req.valid('param').id)), 200));
  app.openapi(cancel, async (c) => c.json(show(await jobs.cancel(c.req.valid('param').id)), 202));
  app.openapi(events, (c) => {
    const job = jobs.get(c.req.valid('param').id);
    const after = lastEventId(c.req.valid('header')['last-event-id']);
    if (hasEnded(job.state) && after >= job.lastEvent) return c.body(null, 204);
    const giveBack = followers.take();
    const abort = new AbortController();
    const followed = jobs.follow(job.id, { after, idleMs: HEARTBEAT_MS, signal: abort.signal });
    return c.body(eventStream(asEvents(followed), abort, giveBack), 200, SSE_HEADERS);
  });
}

function show(job: Job): z.output<typeof jobSchema> {
  const { lastEvent, request, ...rest } = job;
  return { ...rest, kind: request.kind, request, last_event: lastEvent };
}

/** @throws TokenmillError USAGE */
function lastEventId(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TokenmillError('USAGE', `Last-Event-ID ${JSON.stringify(text)} is not the id of an event`);
}

async function* asEvents(events: AsyncIterable<JobEvent | null>): AsyncGenerator<ServerSentEvent | null> {
  for await (const event of events) {
    yield event === null ? null : { id: event.id, event: event.type, data: JSON.stringify(event) };
  }
}
