/** Corpora and their files: `curl -T crawl.warc.gz URL/v1/corpora/crawl/files/crawl.warc.gz` uploads one. */
import { createRoute, z } from '@hono/zod-openapi';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { requestedSha256, reprDigest } from '../corpora/digests.js';
import type { CorpusFile } from '../corpora/files.js';
import { CORPUS_NAME, FILE_NAME, MAX_FILE_NAME, SHA256_HEX } from '../corpora/names.js';
import { serveFile } from '../files.js';
import { bodyLength, bodyOf } from '../request-body.js';
import { json, page, pageOf, pageQuery, problems } from '../schemas.js';

const TAG = 'corpora';
const FILE_TYPE = 'application/octet-stream';

export const corpusName = z
  .string()
  .regex(CORPUS_NAME, 'not the name of a corpus')
  .openapi({ examples: ['crawl'] });
export const fileName = z
  .string()
  .max(MAX_FILE_NAME)
  .regex(FILE_NAME, 'not the name of a file')
  .openapi({ examples: ['CC-MAIN-00000.warc.gz'] });
export const sha256Text = z.string().regex(SHA256_HEX);

const corpusSchema = z
  .strictObject({ corpus: corpusName, files: z.int(), bytes: z.int() })
  .openapi('Corpus', { description: 'A folder of uploaded files.' });

const fileEntries = {
  corpus: corpusName,
  file: fileName,
  bytes: z.int(),
  sha256: sha256Text.nullable().openapi({ description: 'null where the file was not uploaded' }),
  modified: z.iso.datetime(),
};
const fileSchema = z.strictObject(fileEntries).openapi('CorpusFile');
const uploadedSchema = z
  .strictObject({
    ...fileEntries,
    created: z.boolean().openapi({ description: 'false where an equal file was there already' }),
    job: z.string().nullable().openapi({ description: 'id of the ingest job, where one was asked for' }),
    job_problem: z.string().nullable().openapi({ description: 'why that job could not be started' }),
  })
  .openapi('UploadedFile');

const corpusParams = z.object({ corpus: corpusName });
const fileParams = z.object({ corpus: corpusName, file: fileName });

const listCorpora = createRoute({
  method: 'get',
  path: '/v1/corpora',
  operationId: 'listCorpora',
  tags: [TAG],
  summary: 'All corpora',
  ...scope('read'),
  request: { query: pageQuery },
  responses: { 200: json(page(corpusSchema), 'corpora by name'), ...problems() },
});

const getCorpus = createRoute({
  method: 'get',
  path: '/v1/corpora/{corpus}',
  operationId: 'getCorpus',
  tags: [TAG],
  summary: 'One corpus',
  ...scope('read'),
  request: { params: corpusParams },
  responses: { 200: json(corpusSchema, 'the corpus'), ...problems('CORPUS_NOT_FOUND') },
});

const listFiles = createRoute({
  method: 'get',
  path: '/v1/corpora/{corpus}/files',
  operationId: 'listCorpusFiles',
  tags: [TAG],
  summary: 'The files of a corpus',
  ...scope('read'),
  request: { params: corpusParams, query: pageQuery },
  responses: { 200: json(page(fileSchema), 'files by name'), ...problems('CORPUS_NOT_FOUND') },
});

const putFile = createRoute({
  method: 'put',
  path: '/v1/corpora/{corpus}/files/{file}',
  operationId: 'putCorpusFile',
  tags: [TAG],
  summary: 'Uploads a file in one request',
  description:
    'The body is the file, of any length. It becomes visible when it is whole, and is immutable then. `Repr-Digest`, `Content-Digest`, ' +
    '`Digest` (sha-256) and `X-Checksum-Sha256` are verified. A request that breaks off leaves nothing; /v1/uploads can be resumed.',
  ...scope('write'),
  request: {
    params: fileParams,
    query: z.object({
      ingest: z.string().max(64).optional().openapi({ description: 'dataset to ingest the file into' }),
    }),
    headers: z.object({
      'repr-digest': z.string().max(1000).optional(),
      'content-digest': z.string().max(1000).optional(),
      digest: z.string().max(1000).optional(),
      'x-checksum-sha256': z.string().max(100).optional(),
    }),
  },
  responses: {
    200: json(uploadedSchema, 'an equal file was there already'),
    201: json(uploadedSchema, 'the file is complete'),
    ...problems('FILE_EXISTS', 'QUOTA_EXCEEDED', 'DISK_FULL', 'CHECKSUM_MISMATCH'),
  },
});

const fileContent = { [FILE_TYPE]: { schema: z.string().openapi({ format: 'binary' }) } };
const getFile = createRoute({
  method: 'get',
  path: '/v1/corpora/{corpus}/files/{file}',
  operationId: 'getCorpusFile',
  tags: [TAG],
  summary: 'The bytes of a file, whole or a range',
  ...scope('read'),
  request: {
    params: fileParams,
    headers: z.object({
      range: z.string().max(1000).optional(),
      'if-range': z.string().max(1000).optional(),
      'if-none-match': z.string().max(10_000).optional(),
    }),
  },
  responses: {
    200: { description: 'the file', content: fileContent },
    206: { description: 'the range', content: fileContent },
    304: { description: 'the file is as the client has it' },
    ...problems('CORPUS_NOT_FOUND', 'FILE_NOT_FOUND', 'RANGE_NOT_SATISFIABLE'),
  },
});

const deleteFile = createRoute({
  method: 'delete',
  path: '/v1/corpora/{corpus}/files/{file}',
  operationId: 'deleteCorpusFile',
  tags: [TAG],
  summary: 'Deletes a file; the corpus goes with its last one',
  ...scope('write'),
  request: { params: fileParams },
  responses: {
    204: { description: 'it is gone' },
    ...problems('CORPUS_NOT_FOUND', 'FILE_NOT_FOUND'),
  },
});

export function corporaRoutes(app: App, { corpora }: ServerContext): void {
  const { files } = corpora;

  app.openapi(listCorpora, async (c) => {
    const { items, next_cursor } = pageOf(await files.corpora(), (name) => name, c.req.valid('query'));
    return c.json({ items: await Promise.all(items.map((name) => files.summary(name))), next_cursor }, 200);
  });

  app.openapi(getCorpus, async (c) => c.json(await files.summary(c.req.valid('param').corpus), 200));

  app.openapi(listFiles, async (c) => {
    const { corpus } = c.req.valid('param');
    await files.summary(corpus);
    const { items, next_cursor } = pageOf(await files.names(corpus), (name) => name, c.req.valid('query'));
    const found = await Promise.all(items.map((name) => files.find(corpus, name)));
    // One that was deleted between listing and looking is not there.
    const shown = found.filter((file) => file !== undefined).map((file) => toJson(file));
    return c.json({ items: shown, next_cursor }, 200);
  });

  app.openapi(putFile, async (c) => {
    const { corpus, file } = c.req.valid('param');
    const {
      file: made,
      created,
      ingest,
    } = await corpora.put(
      {
        corpus,
        file,
        length: bodyLength(c),
        sha256: requestedSha256((name) => c.req.header(name)),
        ingest: c.req.valid('query').ingest,
      },
      bodyOf(c),
    );
    c.header('ETag', `"${tagOf(made)}"`);
    if (made.sha256 !== null) c.header('Repr-Digest', reprDigest(made.sha256));
    if (created) c.header('Location', `/v1/corpora/${corpus}/files/${file}`);
    return c.json(
      { ...toJson(made), created, job: ingest.job, job_problem: ingest.problem },
      created ? 201 : 200,
    );
  });

  app.openapi(getFile, async (c) => {
    const { corpus, file } = c.req.valid('param');
    const found = await files.get(corpus, file);
    const response = await serveFile(c, {
      path: found.path,
      bytes: found.size,
      tag: tagOf(found),
      mediaType: FILE_TYPE,
      name: file,
    });
    if (found.sha256 !== null) response.headers.set('Repr-Digest', reprDigest(found.sha256));
    return response;
  });

  app.openapi(deleteFile, async (c) => {
    const { corpus, file } = c.req.valid('param');
    await corpora.remove(corpus, file);
    return c.body(null, 204);
  });
}

function toJson({ corpus, file, size, sha256, modifiedMs }: CorpusFile): z.output<typeof fileSchema> {
  return { corpus, file, bytes: size, sha256, modified: new Date(modifiedMs).toISOString() };
}

/** A file that did not come by upload is told from another of its name by size and time. */
function tagOf({ sha256, size, modifiedMs }: CorpusFile): string {
  return sha256 ?? `${size}-${Math.trunc(modifiedMs)}`;
}
