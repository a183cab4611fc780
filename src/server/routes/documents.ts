/**
 * Documents: a page of those that fit a filter, one with its signals and its text, and the bytes of the record that it
 * came from, read again from the source. Texts and records are hostile: they go out as JSON or as bytes to save.
 */
import { createRoute, z } from '@hono/zod-openapi';
import { readRecordAt } from '../../ingest/formats/record-at.js';
import { layoutFields } from '../../ingest/plan.js';
import type { Space } from '../../ingest/records.js';
import { findDocument, listDocuments, type DocumentRow } from '../../store/documents.js';
import { documentColumns } from '../../store/schema.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { datasetParam, decodeCursor, encodeCursor, json, page, pageQuery, problems } from '../schemas.js';

/** A search that finds little gives what it has after this time; the client goes on with the cursor. */
const SEARCH_MS = 2000;

const count = z.int().min(0);
const text = z.string().nullable();

const documentSchema = z
  .object({
    ordinal: count.openapi({ description: 'position in the dataset' }),
    document_id: z.string(),
    source: z.string(),
    offset: count,
    length: count,
    space: z.enum(['file', 'content', 'row']).openapi({
      description: 'what offset and length count: bytes of the file or of its decompressed content, or rows',
    }),
    url: text,
    date: text,
    title: text,
    author: text,
    published: text.openapi({ description: 'when the page says it was published' }),
    site_name: text,
    canonical_url: text,
    robots: text.openapi({ description: 'directives for robots of the page and its HTTP header' }),
    mime: text,
    charset: text,
    declared_language: text.openapi({ description: 'as the document declares it' }),
    language: text,
    language_score: z.number().nullable(),
    text_hash: text,
    verdict: z.enum(['keep', 'drop']),
    reason: text.openapi({ description: 'the rule that dropped it' }),
    measured: z.number().nullable().openapi({ description: 'the value that the rule measured' }),
    duplicate_of: text,
    jaccard: z.number().nullable(),
    split: z.enum(['train', 'valid']).nullable(),
    tokens: count.nullable(),
  })
  .openapi('Document');

const documentDetailSchema = documentSchema
  .extend({
    dataset: z.string(),
    text: text.openapi({ description: 'of kept documents' }),
    signals: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  })
  .openapi('DocumentDetail');

const word = z.string().min(1).max(1000).optional();
const filterQuery = pageQuery.extend({
  verdict: z.enum(['keep', 'drop']).optional(),
  reason: word.openapi({ description: 'the rule that dropped it', example: 'too_few_words' }),
  language: word.openapi({ example: 'en' }),
  source: word,
  split: z.enum(['train', 'valid']).optional(),
  url: word.openapi({ description: 'part of the URL' }),
  text: word.openapi({ description: 'part of the text, whatever its case' }),
});

const datasetParams = z.object({ dataset: datasetParam });
const documentParams = datasetParams.extend({
  document: z
    .string()
    .regex(/^[0-9a-f]{1,32}$/, 'is not the beginning of a document id (hexadecimal digits)')
    .openapi({ description: 'document_id, or enough of its first digits' }),
});

const list = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/documents',
  operationId: 'listDocuments',
  tags: ['documents'],
  summary: 'Documents in order, all or those that fit a filter',
  description: `A search that has to read far gives after ${SEARCH_MS / 1000} s what it has found: such a page is shorter than the limit, or empty, and has a next_cursor all the same.`,
  ...scope('read'),
  request: { params: datasetParams, query: filterQuery },
  responses: {
    200: json(page(documentSchema), 'a page of documents'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT', 'UNAVAILABLE'),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/documents/{document}',
  operationId: 'getDocument',
  tags: ['documents'],
  summary: 'A document with its signals and its text',
  ...scope('read'),
  request: { params: documentParams },
  responses: {
    200: json(documentDetailSchema, 'the document'),
    ...problems('DATASET_NOT_FOUND', 'DATASET_CORRUPT', 'DOCUMENT_NOT_FOUND', 'UNAVAILABLE'),
  },
});

const RECORD_TYPE = 'application/octet-stream';

const getRecord = createRoute({
  method: 'get',
  path: '/v1/datasets/{dataset}/documents/{document}/record',
  operationId: 'getRecord',
  tags: ['documents'],
  summary: 'The bytes of the record that a document came from, read again from its source',
  ...scope('read'),
  request: { params: documentParams },
  responses: {
    200: {
      description: 'the record',
      content: { [RECORD_TYPE]: { schema: z.string().openapi({ format: 'binary' }) } },
    },
    ...problems(
      'DATASET_NOT_FOUND',
      'DATASET_CORRUPT',
      'DOCUMENT_NOT_FOUND',
      'UNAVAILABLE',
      'FILE_NOT_FOUND',
      'FILE_FORBIDDEN',
      'SOURCE_CHANGED',
      'INPUT_CORRUPT',
      'INPUT_UNSUPPORTED',
    ),
  },
});

export function documentRoutes(app: App, { indexes, documents }: ServerContext): void {
  app.openapi(list, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const after = decodeCursor(cursor, z.int().min(0)) ?? -1;
    const index = await indexes.get(c.req.valid('param').dataset);
    const { rows, next } = await documents.run(c.req.raw.signal, (connection) =>
      listDocuments(connection, index, filter, { after, limit, deadline: performance.now() + SEARCH_MS }),
    );
    const next_cursor = next === null ? null : encodeCursor(next);
    return c.json({ items: rows as z.output<typeof documentSchema>[], next_cursor }, 200);
  });

  app.openapi(get, async (c) => {
    const { dataset, document } = c.req.valid('param');
    const { row } = await find(dataset, document, c.req.raw.signal);
    return c.json({ dataset, ...detail(row) }, 200);
  });

  app.openapi(getRecord, async (c) => {
    const { dataset, document } = c.req.valid('param');
    const { row, source } = await find(dataset, document, c.req.raw.signal);
    const place = {
      space: row['space'] as Space,
      offset: row['offset'] as number,
      length: row['length'] as number,
    };
    const record = await readRecordAt(source.location, place, layoutFields(source));
    return c.body(record as Uint8Array<ArrayBuffer>, 200, {
      'Content-Type': RECORD_TYPE,
      'Content-Disposition': `attachment; filename="${row['document_id']}.bin"`,
    });
  });

  async function find(dataset: string, id: string, signal: AbortSignal): ReturnType<typeof findDocument> {
    const index = await indexes.get(dataset);
    return documents.run(signal, (connection) => findDocument(connection, [index], id));
  }
}

const CORE = new Set(documentColumns.map(({ name }) => name));

/** A row's core columns as they are, the others as signals. */
function detail(row: DocumentRow): Omit<z.output<typeof documentDetailSchema>, 'dataset'> {
  const entries = Object.entries(row);
  return {
    ...Object.fromEntries(entries.filter(([name]) => CORE.has(name))),
    signals: Object.fromEntries(entries.filter(([name]) => !CORE.has(name))),
  } as Omit<z.output<typeof documentDetailSchema>, 'dataset'>;
}
