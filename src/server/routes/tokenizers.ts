/** Tokenizers of the workspace and those that are built in: what they are, text to ids, ids to text. */
import { createRoute, z } from '@hono/zod-openapi';
import { listFolder } from '../../core/files.js';
import { BUILTIN_NAMES } from '../../tokenizer/builtin.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { json, jsonBody, nameParam, page, pageOf, pageQuery, problems } from '../schemas.js';

/** Longer texts are for ingest, which streams. */
const MAX_CHARACTERS = 4_000_000;
const MAX_IDS = 1_000_000;

const id = z.int().min(0);

const tokenizerSchema = z
  .object({
    name: z.string(),
    origin: z.enum(['workspace', 'built-in']),
  })
  .openapi('Tokenizer');

const tokenizerDetailSchema = tokenizerSchema
  .extend({
    vocab_size: id,
    merges: id,
    pattern: z.string(),
    specials: z.record(z.string(), id),
    end_of_text_id: id.nullable(),
    longest_token_bytes: id,
    nfc: z.boolean().openapi({ description: 'whether text is brought to normalization form C' }),
    engine: z.enum(['wasm', 'typescript']).openapi({ description: 'what encoding runs in' }),
    sha256: z.string(),
  })
  .openapi('TokenizerDetail');

const textBody = z.strictObject({
  text: z.string().max(MAX_CHARACTERS),
  special: z
    .boolean()
    .default(true)
    .openapi({ description: 'whether special tokens in the text are taken as such, not as ordinary text' }),
});

const params = z.object({
  tokenizer: nameParam.openapi({ description: 'a name out of the list', example: 'gpt2' }),
});

const missing = ['TOKENIZER_NOT_FOUND', 'TOKENIZER_INVALID', 'FILE_FORBIDDEN', 'WORKER_FAILED'] as const;

const list = createRoute({
  method: 'get',
  path: '/v1/tokenizers',
  operationId: 'listTokenizers',
  tags: ['tokenizers'],
  summary: 'Tokenizers by name',
  ...scope('read'),
  request: { query: pageQuery },
  responses: { 200: json(page(tokenizerSchema), 'a page of tokenizers'), ...problems() },
});

const get = createRoute({
  method: 'get',
  path: '/v1/tokenizers/{tokenizer}',
  operationId: 'getTokenizer',
  tags: ['tokenizers'],
  summary: 'A tokenizer in figures',
  ...scope('read'),
  request: { params },
  responses: { 200: json(tokenizerDetailSchema, 'the tokenizer'), ...problems(...missing) },
});

const encode = createRoute({
  method: 'post',
  path: '/v1/tokenizers/{tokenizer}/encode',
  operationId: 'encode',
  tags: ['tokenizers'],
  summary: 'Token ids of a text',
  ...scope('read'),
  request: { params, body: jsonBody(textBody) },
  responses: {
    200: json(z.object({ ids: z.array(id) }), 'the ids'),
    ...problems(...missing, 'INPUT_UNSUPPORTED'),
  },
});

const count = createRoute({
  method: 'post',
  path: '/v1/tokenizers/{tokenizer}/count',
  operationId: 'countTokens',
  tags: ['tokenizers'],
  summary: 'How many tokens a text has',
  ...scope('read'),
  request: { params, body: jsonBody(textBody) },
  responses: {
    200: json(
      z.object({ count: id, bytes: id.openapi({ description: 'of the text in UTF-8' }) }),
      'the number of tokens',
    ),
    ...problems(...missing, 'INPUT_UNSUPPORTED'),
  },
});

const decode = createRoute({
  method: 'post',
  path: '/v1/tokenizers/{tokenizer}/decode',
  operationId: 'decode',
  tags: ['tokenizers'],
  summary: 'The text of token ids',
  ...scope('read'),
  request: { params, body: jsonBody(z.strictObject({ ids: z.array(id).max(MAX_IDS) })) },
  responses: {
    200: json(
      z.object({
        text: z.string().openapi({ description: 'bytes that are not UTF-8 are U+FFFD' }),
        base64: z.string().openapi({ description: 'the bytes as they are' }),
      }),
      'the text',
    ),
    ...problems(...missing, 'INPUT_CORRUPT', 'INPUT_UNSUPPORTED'),
  },
});

export function tokenizerRoutes(app: App, { workspace, tokenizers }: ServerContext): void {
  const folder = workspace.tokenizers;

  app.openapi(list, async (c) => {
    const own = await listFolder(folder);
    const names = [...new Set([...own, ...BUILTIN_NAMES])].sort();
    const items = names.map((name) => ({ name, origin: originOf(name, own) }));
    return c.json(
      pageOf(items, ({ name }) => name, c.req.valid('query')),
      200,
    );
  });

  app.openapi(get, async (c) => {
    const { tokenizer: name } = c.req.valid('param');
    const { description } = await tokenizers.run({ kind: 'info', folder, name });
    return c.json({ name, origin: originOf(name, await listFolder(folder)), ...description }, 200);
  });

  app.openapi(encode, async (c) => {
    const { tokenizer: name } = c.req.valid('param');
    const { ids } = await tokenizers.run({ kind: 'encode', folder, name, ...c.req.valid('json') });
    return c.json({ ids: [...ids] }, 200);
  });

  app.openapi(count, async (c) => {
    const { tokenizer: name } = c.req.valid('param');
    const counted = await tokenizers.run({ kind: 'count', folder, name, ...c.req.valid('json') });
    return c.json({ count: counted.count, bytes: counted.bytes }, 200);
  });

  app.openapi(decode, async (c) => {
    const { tokenizer: name } = c.req.valid('param');
    const { bytes } = await tokenizers.run({ kind: 'decode', folder, name, ...c.req.valid('json') });
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    return c.json({ text, base64: Buffer.from(bytes).toString('base64') }, 200);
  });
}

/** One of the workspace goes before a built-in one of the same name. */
function originOf(name: string, own: readonly string[]): 'workspace' | 'built-in' {
  return own.includes(name) ? 'workspace' : 'built-in';
}
