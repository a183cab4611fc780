/**
 * Resumable uploads by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation,
 * creation-with-upload, checksum, termination, expiration. A finished upload is a file of its corpus; what it is to become
 * is in its metadata: `corpus`, `filename`, and optionally `sha256` and `ingest`.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { TokenmillError } from '../../core/errors.js';
import { scope } from '../access/scope.js';
import type { App, AppEnv, ServerContext } from '../context.js';
import { CHECKSUM_ALGORITHMS, parseUploadChecksum, reprDigest } from '../corpora/digests.js';
import { newUploadOf } from '../corpora/metadata.js';
import { UPLOAD_ID } from '../corpora/names.js';
import type { CorpusStore } from '../corpora/store.js';
import type { Upload } from '../corpora/upload.js';
import { bodyLength, bodyOf } from '../request-body.js';
import { json, page, pageOf, pageQuery, problems } from '../schemas.js';
import { corpusName, fileName, sha256Text } from './corpora.js';

export const TUS_VERSION = '1.0.0';
const EXTENSIONS = 'creation,creation-with-upload,checksum,termination,expiration';
const CHUNK_TYPE = 'application/offset+octet-stream';
const TAG = 'uploads';

const uploadSchema = z
  .strictObject({
    id: z.string(),
    corpus: corpusName,
    file: fileName,
    state: z.enum(['receiving', 'complete', 'failed']),
    offset: z.int().openapi({ description: 'bytes received' }),
    bytes: z.int().openapi({ description: 'bytes that the file will have' }),
    sha256: sha256Text.nullable().openapi({ description: 'of the complete file' }),
    ingest: z.string().nullable().openapi({ description: 'dataset that the file is ingested into' }),
    job: z.string().nullable().openapi({ description: 'id of the ingest job' }),
    job_problem: z.string().nullable().openapi({ description: 'why that job could not be started' }),
    failure: z.string().nullable(),
    expires: z.iso.datetime(),
  })
  .openapi('Upload');

const uploadId = z.object({ id: z.string().regex(UPLOAD_ID, 'not the id of an upload') });
const tusHeaders = {
  'tus-resumable': z
    .string()
    .max(20)
    .optional()
    .openapi({ description: 'version of the protocol', examples: [TUS_VERSION] }),
};
const chunkHeaders = {
  ...tusHeaders,
  'content-type': z
    .string()
    .max(200)
    .optional()
    .openapi({ examples: [CHUNK_TYPE] }),
  'upload-checksum': z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'algorithm and Base64 of the digest' }),
};

const describeServer = createRoute({
  method: 'options',
  path: '/v1/uploads',
  operationId: 'describeUploads',
  tags: [TAG],
  summary: 'Version and extensions of tus that the service speaks',
  ...scope('read'),
  responses: { 204: { description: 'in the headers Tus-*' }, ...problems() },
});

const listUploads = createRoute({
  method: 'get',
  path: '/v1/uploads',
  operationId: 'listUploads',
  tags: [TAG],
  summary: 'Uploads under way, and those that ended not long ago',
  ...scope('read'),
  request: { query: pageQuery },
  responses: { 200: json(page(uploadSchema), 'uploads by id'), ...problems() },
});

const createUpload = createRoute({
  method: 'post',
  path: '/v1/uploads',
  operationId: 'createUpload',
  tags: [TAG],
  summary: 'Begins an upload, with or without its first bytes',
  ...scope('write'),
  request: {
    headers: z.object({
      ...chunkHeaders,
      'upload-length': z.string().max(20).optional().openapi({ description: 'bytes of the whole file' }),
      'upload-metadata': z
        .string()
        .optional()
        .openapi({ description: 'keys corpus, filename, sha256, ingest' }),
    }),
  },
  responses: {
    201: { description: 'the upload is at Location' },
    ...problems(
      'FILE_EXISTS',
      'QUOTA_EXCEEDED',
      'DISK_FULL',
      'INPUT_UNSUPPORTED',
      'UPLOAD_VERSION',
      'CHECKSUM_MISMATCH',
      'CHUNK_MISMATCH',
    ),
  },
});

const getUpload = createRoute({
  method: 'get',
  path: '/v1/uploads/{id}',
  operationId: 'getUpload',
  tags: [TAG],
  summary: 'How far an upload is; HEAD answers as tus has it',
  ...scope('read'),
  request: { params: uploadId, headers: z.object(tusHeaders) },
  responses: {
    200: json(uploadSchema, 'the upload'),
    ...problems(
      'UPLOAD_NOT_FOUND',
      'UPLOAD_GONE',
      'UPLOAD_VERSION',
      'FILE_EXISTS',
      'CHECKSUM_MISMATCH',
      'DISK_FULL',
    ),
  },
});

const CHUNK_PROBLEMS = problems(
  'UPLOAD_NOT_FOUND',
  'UPLOAD_GONE',
  'UPLOAD_OFFSET',
  'UPLOAD_VERSION',
  'INPUT_UNSUPPORTED',
  'DISK_FULL',
  'FILE_EXISTS',
  'CHECKSUM_MISMATCH',
  'CHUNK_MISMATCH',
);

const patchUpload = createRoute({
  method: 'patch',
  path: '/v1/uploads/{id}',
  operationId: 'appendToUpload',
  tags: [TAG],
  summary: 'Appends bytes to an upload',
  ...scope('write'),
  request: {
    params: uploadId,
    headers: z.object({ ...chunkHeaders, 'upload-offset': z.string().max(20).optional() }),
  },
  responses: { 204: { description: 'the new offset is in Upload-Offset' }, ...CHUNK_PROBLEMS },
});

const deleteUpload = createRoute({
  method: 'delete',
  path: '/v1/uploads/{id}',
  operationId: 'terminateUpload',
  tags: [TAG],
  summary: 'Ends an upload and removes what it brought',
  ...scope('write'),
  request: { params: uploadId, headers: z.object(tusHeaders) },
  responses: {
    204: { description: 'it is gone' },
    ...problems('UPLOAD_NOT_FOUND', 'UPLOAD_GONE', 'UPLOAD_VERSION'),
  },
});

const overrideUpload = createRoute({
  method: 'post',
  path: '/v1/uploads/{id}',
  operationId: 'overrideUpload',
  tags: [TAG],
  summary: 'PATCH or DELETE for clients that cannot send them: X-HTTP-Method-Override names it',
  ...scope('write'),
  request: {
    params: uploadId,
    headers: z.object({ ...chunkHeaders, 'x-http-method-override': z.string().max(20).optional() }),
  },
  responses: { 204: { description: 'as the method named' }, ...CHUNK_PROBLEMS },
});

export function uploadRoutes(app: App, { corpora }: ServerContext): void {
  app.use('/v1/uploads/*', async (c, next) => {
    await next();
    c.res.headers.set('Tus-Resumable', TUS_VERSION);
  });

  app.openapi(describeServer, (c) =>
    c.body(null, 204, {
      'Tus-Version': TUS_VERSION,
      'Tus-Extension': EXTENSIONS,
      'Tus-Max-Size': String(corpora.space.limits.maxFile),
      'Tus-Checksum-Algorithm': Object.keys(CHECKSUM_ALGORITHMS).join(','),
    }),
  );

  app.openapi(listUploads, (c) => {
    const { items, next_cursor } = pageOf(corpora.list(), ({ id }) => id, c.req.valid('query'));
    return c.json({ items: items.map((upload) => toJson(corpora, upload)), next_cursor }, 200);
  });

  app.openapi(createUpload, async (c) => {
    checkVersion(c);
    if (c.req.header('upload-defer-length') !== undefined) {
      throw new TokenmillError('USAGE', 'the length of an upload has to be known when it begins', {
        hint: 'send Upload-Length',
      });
    }
    const length = wholeNumber(c, 'Upload-Length');
    const metadata = c.req.header('upload-metadata') ?? '';
    const upload = await corpora.begin(newUploadOf(metadata), length, metadata);
    const withBody = c.req.header('content-type')?.startsWith(CHUNK_TYPE) === true;
    try {
      if (withBody) await append(c, upload, 0);
      else if (length === 0) await upload.finish();
    } catch (error) {
      // The client does not know its address.
      await corpora.terminate(upload.id);
      throw error;
    }
    describe(c, corpora, upload);
    c.header('Location', `/v1/uploads/${upload.id}`);
    return c.body(null, 201);
  });

  app.openapi(getUpload, async (c) => {
    const upload = await corpora.upload(c.req.valid('param').id);
    if (c.req.method === 'HEAD') {
      checkVersion(c);
      await upload.settle();
      c.header('Upload-Length', String(upload.state.length));
      if (upload.state.metadata !== null) c.header('Upload-Metadata', upload.state.metadata);
      describe(c, corpora, upload);
    }
    return c.json(toJson(corpora, upload), 200);
  });

  const patch = async (c: Context<AppEnv>, id: string): Promise<void> => {
    checkVersion(c);
    const offset = wholeNumber(c, 'Upload-Offset');
    const upload = await corpora.upload(id);
    await append(c, upload, offset);
    describe(c, corpora, upload);
  };
  const terminate = async (c: Context<AppEnv>, id: string): Promise<void> => {
    checkVersion(c);
    await corpora.terminate(id);
  };

  app.openapi(patchUpload, async (c) => {
    await patch(c, c.req.valid('param').id);
    return c.body(null, 204);
  });
  app.openapi(deleteUpload, async (c) => {
    await terminate(c, c.req.valid('param').id);
    return c.body(null, 204);
  });
  app.openapi(overrideUpload, async (c) => {
    const { id } = c.req.valid('param');
    const method = c.req.header('x-http-method-override')?.toUpperCase();
    if (method === 'PATCH') await patch(c, id);
    else if (method === 'DELETE') await terminate(c, id);
    else throw new TokenmillError('USAGE', 'X-HTTP-Method-Override is neither PATCH nor DELETE');
    return c.body(null, 204);
  });
}

async function append(c: Context<AppEnv>, upload: Upload, offset: number): Promise<void> {
  if (c.req.header('content-type')?.startsWith(CHUNK_TYPE) !== true) {
    throw new TokenmillError('INPUT_UNSUPPORTED', `bytes of an upload have the Content-Type ${CHUNK_TYPE}`);
  }
  const checksum = c.req.header('upload-checksum');
  await upload.append({
    source: bodyOf(c),
    offset,
    length: bodyLength(c),
    checksum: checksum === undefined ? undefined : parseUploadChecksum(checksum),
  });
}

function describe(c: Context<AppEnv>, corpora: CorpusStore, upload: Upload): void {
  const { state, sha256, job } = upload.state;
  c.header('Upload-Offset', String(upload.offset));
  if (state === 'receiving') c.header('Upload-Expires', new Date(corpora.expiresMs(upload)).toUTCString());
  if (sha256 !== null) c.header('Repr-Digest', reprDigest(sha256));
  if (job !== null) c.header('Link', `</v1/jobs/${job}>; rel="monitor"`);
}

function checkVersion(c: Context<AppEnv>): void {
  if (c.req.header('tus-resumable') === TUS_VERSION) return;
  c.header('Tus-Version', TUS_VERSION);
  throw new TokenmillError('UPLOAD_VERSION', `Tus-Resumable is not ${TUS_VERSION}`, {
    hint: `send Tus-Resumable: ${TUS_VERSION}`,
  });
}

/** @throws TokenmillError USAGE */
function wholeNumber(c: Context<AppEnv>, name: string): number {
  const text = c.req.header(name);
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new TokenmillError('USAGE', `${name} is ${text === undefined ? 'missing' : 'not a number of bytes'}`);
}

function toJson(corpora: CorpusStore, upload: Upload): z.output<typeof uploadSchema> {
  const { corpus, file, state, length, sha256, ingest, job, failure } = upload.state;
  const expires = new Date(corpora.expiresMs(upload)).toISOString();
  const { id, offset, jobProblem: job_problem } = upload;
  return {
    id,
    corpus,
    file,
    state,
    offset,
    bytes: length ?? 0,
    sha256,
    ingest,
    job,
    job_problem,
    failure,
    expires,
  };
}
