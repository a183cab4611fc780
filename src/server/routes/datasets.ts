/** Datasets: what they are, their commits, their token shards. */
import { join } from 'node:path';
import { createRoute, z } from '@hono/zod-openapi';
import { TokenmillError } from '../../core/errors.js';
import { datasetConfigSchema } from '../../ingest/options.js';
import { readCommits } from '../../store/commits.js';
import type { DatasetIndex, IndexedFile } from '../../store/dataset-index.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { serveFile } from '../files.js';
import {
  datasetParam,
  decodeCursor,
  encodeCursor,
  json,
  page,
  pageOf,
  pageQuery,
  problems,
} from '../schemas.js';

const count = z.int().min(0);
const counters = z.record(z.string(), z.number());
const tokenizer = z.object({ name: z.string(), sha256: z.string() }).nullable();
const split = z.enum(['train', 'valid']);

const datasetSchema = z
  .object({
    name: z.string(),
    sequence: count.openapi({ description: 'of the last commit' }),
    policy: z.string(),
    tokenizer: tokenizer.openapi({ description: 'null while there are no tokens' }),
    sources: count,
    documents: count,
    kept: count,
    tokens: count,
    shards: count,
    shard_bytes: count,
    pending_tokens: count.openapi({ description: 'tokens that are in no sealed shard yet' }),
  })
  .openapi('Dataset');

const datasetDetailSchema = datasetSchema
  .extend({
    totals: counters.openapi({ description: 'counters over all commits, as docs/formats.md describes them' }),
    /** What the dataset was created with: dataset.json. */
    config: datasetConfigSchema,
  })
  .openapi('DatasetDetail');

const commitSchema = z
  .object({
    sequence: count,
    files: z.array(
      z.object({
        kind: z.enum(['documents', 'signatures', 'shard']),
        path: z.string(),
        rows: count,
        bytes: count,
        sha256: z.string(),
        split: split.optional(),
        tokens: count.optional(),
      }),
    ),
    sources: z.array(z.string()).openapi({ description: 'sources that were read on' }),
    bad_records: count,
    counts: counters,
    totals: counters,
    tokenizer,
  })
  .openapi('Commit');

const shardSchema = z
  .object({
    name: z.string(),
    split,
    rows: count,
    tokens: count,
    bytes: count,
    sha256: z.string(),
    commit: count,
  })
  .openapi('Shard');

const datasetParams = z.object({ dataset: datasetParam });
const shardParams = datasetParams.extend({
  shard: z
    .string()
    .max(100)
    .openapi({ description: 'name out of the list of shards', example: 'train-000001' }),
});

const listDatasets = createRoute({
  method: 'get',
  path: '/v1/datasets',
  operationId: 'listDatasets',
  tags: ['datasets'],
  summary: 'Datasets by name',
  ...scope('read'),
  request: { query: pageQuery },
  responses: { 200: json(page(datasetSchema), 'a page of datasets'), ...problems('DATASET_CORRUPT') },
});

const getDataset = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}',
  operationId: 'getDataset',
  tags: ['datasets'],
  summary: 'A dataset with its configuration and counters',
  ...scope('read'),
  request: { params: datasetParams },
  responses: {
    200: json(datasetDetailSchema, 'the dataset'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT'),
  },
});

const listCommits = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/commits',
  operationId: 'listCommits',
  tags: ['datasets'],
  summary: 'Commits in order',
  ...scope('read'),
  request: { params: datasetParams, query: pageQuery },
  responses: {
    200: json(page(commitSchema), 'a page of commits'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT'),
  },
});

const listShards = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/shards',
  operationId: 'listShards',
  tags: ['datasets'],
  summary: 'Token shards by name',
  ...scope('read'),
  request: { params: datasetParams, query: pageQuery },
  responses: {
    200: json(page(shardSchema), 'a page of shards'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT'),
  },
});

const SHARD_TYPE = 'application/vnd.apache.arrow.file';
const fileHeaders = z.object({
  etag: z.string().openapi({ description: "the content's SHA-256" }),
  'accept-ranges': z.literal('bytes'),
});
const shardContent = { [SHARD_TYPE]: { schema: z.string().openapi({ format: 'binary' }) } };

const getShard = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/shards/{shard}',
  operationId: 'getShard',
  tags: ['datasets'],
  summary: 'A token shard, whole or a range of its bytes',
  description: 'An Arrow IPC file. Takes Range, If-Range and If-None-Match; HEAD gives the headers alone.',
  ...scope('read'),
  request: {
    params: shardParams,
    headers: z.object({
      range: z.string().optional().openapi({ example: 'bytes=0-1023' }),
      'if-range': z.string().optional(),
      'if-none-match': z.string().optional(),
    }),
  },
  responses: {
    200: { description: 'the file', headers: fileHeaders, content: shardContent },
    206: { description: 'the range of it', headers: fileHeaders, content: shardContent },
    304: { description: 'the client has it already' },
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT', 'SHARD_NOT_FOUND', 'RANGE_NOT_SATISFIABLE'),
  },
});

export function datasetRoutes(app: App, context: ServerContext): void {
  const { workspace, indexes } = context;

  app.openapi(listDatasets, async (c) => {
    const names = pageOf(await workspace.listDatasets(), (name) => name, c.req.valid('query'));
    const items = await Promise.all(
      names.items.map(async (name) => summary(await indexes.get(name), await config(name))),
    );
    return c.json({ items, next_cursor: names.next_cursor }, 200);
  });

  app.openapi(getDataset, async (c) => {
    const { dataset } = c.req.valid('param');
    const index = await indexes.get(dataset);
    const settings = await config(dataset);
    return c.json({ ...summary(index, settings), totals: index.totals, config: settings }, 200);
  });

  app.openapi(listCommits, async (c) => {
    const { dataset } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    const { paths, sequence } = await indexes.get(dataset);
    const first = (decodeCursor(cursor, z.int().min(0)) ?? 0) + 1;
    const last = Math.min(sequence, first + limit - 1);
    const commits = await readCommits(paths, first, last);
    const items = commits.map(({ files, sources, bad_records, counts, totals, ...commit }) => ({
      sequence: commit.sequence,
      files,
      sources: sources.map(({ source }) => source),
      bad_records: bad_records.length,
      counts,
      totals,
      tokenizer: commit.tokenizer,
    }));
    return c.json({ items, next_cursor: last < sequence ? encodeCursor(last) : null }, 200);
  });

  app.openapi(listShards, async (c) => {
    const { shards } = await indexes.get(c.req.valid('param').dataset);
    const items = shards.map(shardOf).sort((a, b) => (a.name < b.name ? -1 : 1));
    return c.json(
      pageOf(items, ({ name }) => name, c.req.valid('query')),
      200,
    );
  });

  app.openapi(getShard, async (c) => {
    const { dataset, shard } = c.req.valid('param');
    const { shards, paths } = await indexes.get(dataset);
    const found = shards.find((file) => shardOf(file).name === shard);
    if (found === undefined) {
      throw new TokenmillError(
        'SHARD_NOT_FOUND',
        `dataset ${dataset} has no shard ${JSON.stringify(shard)}`,
        {
          hint: `it has ${shards.length}; see /v1/datasets/${dataset}/shards`,
        },
      );
    }
    const file = join(paths.folder, found.path);
    try {
      return await serveFile(c, {
        path: file,
        bytes: found.bytes,
        tag: found.sha256,
        mediaType: SHARD_TYPE,
        name: `${dataset}-${shard}.arrow`,
      });
    } catch (error) {
      if (!(error instanceof TokenmillError) || error.code === 'RANGE_NOT_SATISFIABLE') throw error;
      throw new TokenmillError('DATASET_CORRUPT', error.message, {
        place: { file },
        hint: 'restore the file from a copy, or ingest into a new dataset',
        cause: error,
      });
    }
  });

  async function config(name: string): Promise<z.output<typeof datasetConfigSchema>> {
    const parsed = datasetConfigSchema.safeParse(await workspace.readDatasetConfig(name));
    if (parsed.success) return parsed.data;
    throw new TokenmillError('DATASET_CORRUPT', `the configuration of dataset ${name} cannot be used`, {
      place: { file: workspace.dataset(name).config },
      cause: parsed.error,
    });
  }
}

function summary(
  { paths, sequence, shards, pending, sources, totals, tokenizer: known }: DatasetIndex,
  config: z.output<typeof datasetConfigSchema>,
): z.output<typeof datasetSchema> {
  return {
    name: paths.name,
    sequence,
    policy: config.policy.name,
    tokenizer: known,
    sources: sources.size,
    documents: totals['documents'] ?? 0,
    kept: totals['kept'] ?? 0,
    tokens: totals['tokens'] ?? 0,
    shards: shards.length,
    shard_bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    pending_tokens: pending.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

function shardOf({
  path,
  split: part,
  rows,
  tokens,
  bytes,
  sha256,
  commit,
}: IndexedFile): z.output<typeof shardSchema> {
  const name = path.replace(/^shards\/|\.arrow$/g, '');
  return { name, split: part ?? 'train', rows, tokens: tokens ?? 0, bytes, sha256, commit };
}
