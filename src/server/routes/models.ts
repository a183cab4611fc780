/**
 * `/v1/models`: runs and the models that they make, their metrics and checkpoints.
 *
 * The list and a model have the members of OpenAI's API (`object`, `data`; `id`, `object`, `created`, `owned_by`), so that
 * its clients find them, and ours beside them. So this one list has `data` where others have `items`.
 */
import { createRoute, z } from '@hono/zod-openapi';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { modelSize } from '../../trainer/models/registry.js';
import { readLastMetrics, readMetrics, stepMetricsSchema } from '../../trainer/metrics-reader.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { serveFile } from '../files.js';
import { listModels, readCheckpoint, readModel, type ModelFacts } from '../runs.js';
import { decodeCursor, encodeCursor, json, page, pageOf, pageQuery, problems } from '../schemas.js';

const modelSchema = z
  .object({
    id: z.string().openapi({ description: 'name of the run, or of a folder that was put into models/' }),
    object: z.literal('model'),
    created: z.int().openapi({ description: 'seconds since 1970' }),
    owned_by: z.literal('tokenmill'),
    architecture: z.string().openapi({ examples: ['llama'] }),
    parameters: z.int(),
    context_length: z.int(),
    vocab_size: z.int(),
    dataset: z.string().nullable().openapi({ description: 'null where it was not trained here' }),
    steps: z.int().nullable().openapi({ description: 'where the schedule ends' }),
    latest_checkpoint: z
      .string()
      .nullable()
      .openapi({ description: 'null while there is none to generate with' }),
  })
  .openapi('Model');

const runSchema = modelSchema
  .extend({
    config: z.record(z.string(), z.unknown()).openapi({ description: 'content of config.json' }),
    run: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'content of run.json' }),
    last_metrics: stepMetricsSchema.nullable(),
  })
  .openapi('ModelDetails');

const checkpointSchema = z
  .object({
    name: z.string().openapi({ examples: ['step-000200'] }),
    step: z.int(),
    tokens: z.int().openapi({ description: 'trained on so far' }),
    files: z.array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string().nullable() })),
  })
  .openapi('Checkpoint');

export const modelParams = z.object({
  run: z
    .string()
    .max(64)
    .openapi({ param: { name: 'run', in: 'path' } }),
});

const list = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/models',
  operationId: 'listModels',
  tags: ['models'],
  summary: 'Models by name, in the form of OpenAI',
  request: { query: pageQuery },
  responses: {
    200: json(
      z
        .object({
          object: z.literal('list'),
          data: z.array(modelSchema),
          next_cursor: z.string().nullable(),
        })
        .openapi('ModelList'),
      'a page of models',
    ),
    ...problems(),
  },
});

const one = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/models/{run}',
  operationId: 'getModel',
  tags: ['models'],
  summary: 'A model: configuration, size, how far it is trained',
  request: { params: modelParams },
  responses: { 200: json(runSchema, 'the model'), ...problems('RUN_NOT_FOUND', 'MODEL_INVALID') },
});

const metrics = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/models/{run}/metrics',
  operationId: 'getRunMetrics',
  tags: ['models'],
  summary: 'Loss, learning rate, speed and evaluations by step',
  request: {
    params: modelParams,
    query: pageQuery.extend({
      since: z.coerce
        .number()
        .int()
        .min(0)
        .default(0)
        .openapi({ type: 'integer', description: 'only later steps than this' }),
    }),
  },
  responses: {
    200: json(page(stepMetricsSchema).openapi('MetricsPage'), 'a page of steps'),
    ...problems('RUN_NOT_FOUND', 'MODEL_INVALID'),
  },
});

const checkpoints = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/models/{run}/checkpoints',
  operationId: 'listCheckpoints',
  tags: ['models'],
  summary: 'Checkpoints, the oldest first',
  request: { params: modelParams, query: pageQuery },
  responses: {
    200: json(page(checkpointSchema).openapi('CheckpointPage'), 'a page of checkpoints'),
    ...problems('RUN_NOT_FOUND', 'MODEL_INVALID'),
  },
});

const fileContent = {
  'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) },
  'application/json': { schema: z.unknown() },
};
const fileHeaders = z.object({ etag: z.string(), 'accept-ranges': z.literal('bytes') });

const checkpointFile = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/models/{run}/checkpoints/{checkpoint}/{file}',
  operationId: 'getCheckpointFile',
  tags: ['models'],
  summary: 'A file of a checkpoint, whole or a range of its bytes',
  description: 'Takes Range, If-Range and If-None-Match; HEAD gives the headers alone.',
  request: {
    params: modelParams.extend({
      checkpoint: z
        .string()
        .max(32)
        .openapi({ param: { name: 'checkpoint', in: 'path' } }),
      file: z
        .string()
        .max(64)
        .openapi({ param: { name: 'file', in: 'path' } }),
    }),
    headers: z.object({
      range: z.string().optional().openapi({ example: 'bytes=0-1023' }),
      'if-range': z.string().optional(),
      'if-none-match': z.string().optional(),
    }),
  },
  responses: {
    200: { description: 'the file', headers: fileHeaders, content: fileContent },
    206: { description: 'the range of it', headers: fileHeaders, content: fileContent },
    304: { description: 'the client has it already' },
    ...problems(
      'RUN_NOT_FOUND',
      'CHECKPOINT_NOT_FOUND',
      'FILE_NOT_FOUND',
      'MODEL_INVALID',
      'RANGE_NOT_SATISFIABLE',
    ),
  },
});

export function modelRoutes(app: App, { workspace }: ServerContext): void {
  app.openapi(list, async (c) => {
    const { items, next_cursor: next } = pageOf(
      await listModels(workspace),
      (name) => name,
      c.req.valid('query'),
    );
    const data = [];
    for (const name of items) {
      // A run whose files are damaged is not in the list; asked for by its name it says why.
      const model = await readModel(workspace, name).catch((error: unknown) => {
        if (error instanceof TokenmillError) return undefined;
        throw error;
      });
      if (model !== undefined) data.push(show(model));
    }
    return c.json({ object: 'list' as const, data, next_cursor: next }, 200);
  });

  app.openapi(one, async (c) => {
    const model = await readModel(workspace, c.req.valid('param').run);
    const details = {
      ...show(model),
      config: { ...model.config },
      run: model.run === undefined ? null : { ...model.run },
      last_metrics: (await readLastMetrics(model.folder)) ?? null,
    };
    return c.json(details, 200);
  });

  app.openapi(metrics, async (c) => {
    const { since, limit, cursor } = c.req.valid('query');
    const { folder } = await readModel(workspace, c.req.valid('param').run);
    const after = Math.max(since, decodeCursor(cursor, z.int().min(0)) ?? 0);
    const found = await readMetrics(folder, after, limit + 1);
    const items = found.slice(0, limit);
    return c.json(
      { items, next_cursor: found.length > limit ? encodeCursor(items[limit - 1].step) : null },
      200,
    );
  });

  app.openapi(checkpoints, async (c) => {
    const model = await readModel(workspace, c.req.valid('param').run);
    const { items, next_cursor: next } = pageOf(model.checkpoints, (name) => name, c.req.valid('query'));
    const shown = [];
    for (const name of items) {
      // One that was removed since it was listed is not there any more.
      const facts = await readCheckpoint(model, name).catch(() => undefined);
      if (facts !== undefined) shown.push({ ...facts, files: [...facts.files] });
    }
    return c.json({ items: shown, next_cursor: next }, 200);
  });

  app.openapi(checkpointFile, async (c) => {
    const { run, checkpoint, file } = c.req.valid('param');
    const model = await readModel(workspace, run);
    const { files } = await readCheckpoint(model, checkpoint);
    const found = files.find(({ name }) => name === file);
    if (found === undefined) {
      throw new TokenmillError(
        'FILE_NOT_FOUND',
        `checkpoint ${checkpoint} has no file ${JSON.stringify(file)}`,
        {
          hint: `it has ${files.map(({ name }) => name).join(', ')}`,
        },
      );
    }
    return await serveFile(c, {
      path: join(model.folder, 'checkpoints', checkpoint, file),
      bytes: found.bytes,
      tag: found.sha256 ?? `${run}-${checkpoint}-${file}-${found.bytes}`,
      mediaType: file.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      name: `${run}-${checkpoint}-${file}`,
    });
  });
}

function show(model: ModelFacts): z.output<typeof modelSchema> {
  const { name, created, config, parameters, run, checkpoints: names } = model;
  const size = modelSize(config);
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'tokenmill',
    architecture: config.model_type,
    parameters,
    context_length: size.positions,
    vocab_size: size.vocabulary,
    dataset: run?.dataset ?? null,
    steps: run?.steps ?? null,
    latest_checkpoint: names.at(-1) ?? null,
  };
}
