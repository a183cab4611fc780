/** The queue between ingest and trainers: what is in it, and a second chance for entries that failed. */
import { createRoute, z } from '@hono/zod-openapi';
import { Queue, STATES } from '../../store/queue.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { datasetParam, json, jsonBody, page, pageOf, pageQuery, problems } from '../schemas.js';

const count = z.int().min(0);

const entrySchema = z
  .object({
    dataset: z.string(),
    name: z.string(),
    state: z.enum(STATES),
    attempts: count.openapi({ description: 'leases of it that expired' }),
    tokens: count.nullable().openapi({ description: 'null where the file of the entry is damaged' }),
    owner: z.string().nullable(),
    deadline: z.iso.datetime().nullable().openapi({ description: 'when the lease ends, UTC' }),
    reason: z.string().nullable().openapi({ description: 'why it failed' }),
  })
  .openapi('QueueEntry');

const list = createRoute({
  method: 'get',
  path: '/v1/queue',
  operationId: 'listQueue',
  tags: ['queue'],
  summary: 'Entries with their states, by dataset and name',
  ...scope('read'),
  request: {
    query: pageQuery.extend({ dataset: datasetParam.optional(), state: z.enum(STATES).optional() }),
  },
  responses: {
    200: json(page(entrySchema), 'a page of entries'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT'),
  },
});

const retry = createRoute({
  method: 'post',
  path: '/v1/queue/retry',
  operationId: 'retryQueue',
  tags: ['queue'],
  summary: 'Makes entries that failed ready again, one or all of a dataset',
  ...scope('write'),
  request: {
    body: jsonBody(z.strictObject({ dataset: datasetParam, name: z.string().max(100).optional() })),
  },
  responses: {
    200: json(z.object({ retried: z.array(z.string()) }), 'names of the entries that are ready again'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT', 'INPUT_UNSUPPORTED'),
  },
});

export function queueRoutes(app: App, { workspace, indexes }: ServerContext): void {
  const queueOf = (dataset: string): Queue => new Queue(workspace.dataset(dataset).queue);

  app.openapi(list, async (c) => {
    const { dataset, state, ...query } = c.req.valid('query');
    // Says that there is no such dataset, and which there are.
    if (dataset !== undefined) await indexes.get(dataset);
    const names = dataset === undefined ? await workspace.listDatasets() : [dataset];
    const queues = await Promise.all(
      names.map(async (name) => (await queueOf(name).list()).map((entry) => ({ dataset: name, ...entry }))),
    );
    const entries = queues
      .flat()
      .filter((entry) => state === undefined || entry.state === state)
      .map((entry) => ({
        ...entry,
        deadline: entry.deadline === null ? null : new Date(entry.deadline).toISOString(),
      }));
    return c.json(pageOf(entries, keyOf, query), 200);
  });

  app.openapi(retry, async (c) => {
    const { dataset, name } = c.req.valid('json');
    await indexes.get(dataset);
    return c.json({ retried: await queueOf(dataset).retry(name) }, 200);
  });
}

/** The order of the list: by dataset, then name. A space sorts before all that names are made of. */
function keyOf({ dataset, name }: { dataset: string; name: string }): string {
  return `${dataset} ${name}`;
}
