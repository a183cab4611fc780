/** Schemas that several routes share: problems, pages, names. */
import { z } from '@hono/zod-openapi';
import { ERRORS, TokenmillError, type ErrorCode } from '../core/errors.js';
import { PROBLEM_TYPE } from './problem.js';

export const problemSchema = z
  .strictObject({
    type: z.string().openapi({ format: 'uri-reference' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.string().openapi({ examples: ['DATASET_NOT_FOUND'] }),
    hint: z.string().optional(),
    place: z
      .strictObject({
        file: z.string().optional(),
        offset: z.number().optional(),
        record: z.number().optional(),
        line: z.number().optional(),
      })
      .optional(),
    instance: z.string().openapi({ format: 'uri' }),
  })
  .openapi('Problem', {
    description: 'An error, after RFC 9457; `code` is one of the table at /docs/errors.',
  });

/** Every operation may answer with these: they come before the route or from anywhere in it. */
const EVERYWHERE = [
  'USAGE',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'INPUT_TOO_LARGE',
  'RATE_LIMITED',
  'INTERNAL',
  'INTERRUPTED',
] as const satisfies readonly ErrorCode[];

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [PROBLEM_TYPE]: { readonly schema: typeof problemSchema } };
}

type StatusOf<Code extends ErrorCode> = (typeof ERRORS)[Code]['http'];

/**
 * Entries of a route's `responses` for the errors that it may answer with, besides those that every route may:
 * `responses: { 200: ..., ...problems('DATASET_NOT_FOUND') }`.
 */
export function problems<Code extends ErrorCode = never>(
  ...codes: readonly Code[]
): Record<StatusOf<Code | (typeof EVERYWHERE)[number]>, ProblemResponse> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...EVERYWHERE, ...codes])) {
    const status = ERRORS[code].http;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].map(([status, found]): [number, ProblemResponse] => [
    status,
    {
      description: found.map((code) => `${code}: ${ERRORS[code].title}`).join('; '),
      content: { [PROBLEM_TYPE]: { schema: problemSchema } },
    },
  ]);
  return Object.fromEntries(entries) as Record<StatusOf<Code | (typeof EVERYWHERE)[number]>, ProblemResponse>;
}

/** A JSON response of a route: `responses: { 200: json(schema, 'the dataset') }`. */
export function json<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
): { description: string; content: { 'application/json': { schema: Schema } } } {
  return { description, content: { 'application/json': { schema } } };
}

/** A JSON body of a request. */
export function jsonBody<Schema extends z.ZodType>(
  schema: Schema,
): { required: true; content: { 'application/json': { schema: Schema } } } {
  return { required: true, content: { 'application/json': { schema } } };
}

/** The first thing that a schema found wrong, as a text. */
export function firstIssue(error: z.ZodError): string {
  const { path, message } = error.issues[0];
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

export const MAX_PAGE = 1000;
export const DEFAULT_PAGE = 100;

/** Query of a list: `limit`, and `cursor` out of the page before. */
export const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE)
    .default(DEFAULT_PAGE)
    .openapi({ description: 'how many items a page has at most' }),
  cursor: z
    .string()
    .max(1000)
    .optional()
    .openapi({ description: 'next_cursor of the page before; leave it out for the first' }),
});

/** A page of a list. */
export function page<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().openapi({ description: 'null on the last page' }),
  });
}

/** A cursor holds what its list needs to go on; to clients it is opaque. */
export function encodeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** @throws TokenmillError USAGE for a cursor that this list did not give */
export function decodeCursor<Schema extends z.ZodType>(
  cursor: string | undefined,
  schema: Schema,
): z.output<Schema> | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON: the same error as for JSON of another form.
  }
  throw new TokenmillError('USAGE', 'the cursor is not one of this list', {
    hint: 'take next_cursor of the page before as it is, or leave the cursor out',
  });
}

/**
 * One page of a list that is small enough to be in memory, in the order of unique keys.
 * @throws TokenmillError USAGE
 */
export function pageOf<Item>(
  items: readonly Item[],
  key: (item: Item) => string,
  query: { readonly limit: number; readonly cursor?: string },
): { items: Item[]; next_cursor: string | null } {
  const after = decodeCursor(query.cursor, z.string());
  const rest = after === undefined ? items : items.filter((item) => key(item) > after);
  const shown = rest.slice(0, query.limit);
  const more = rest.length > shown.length;
  return { items: shown, next_cursor: more ? encodeCursor(key(shown[shown.length - 1])) : null };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A name in a path: of a dataset, a corpus, a run. */
export const nameParam = z
  .string()
  .regex(NAME, 'has to be up to 64 letters, digits, dots, dashes and underscores');

export const datasetParam = nameParam.openapi({ description: 'name of the dataset', example: 'crawl' });
