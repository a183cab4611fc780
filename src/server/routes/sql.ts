/** `/v1/sql` and `/v1/reports`: questions in SQL, and the ones that come with names. */
import { createRoute, z } from '@hono/zod-openapi';
import { TokenmillError } from '../../core/errors.js';
import { findReport, listReports, reportValues, type Report } from '../../store/query/reports.js';
import { VIEWS } from '../../store/views.js';
import { scope } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { firstIssue, json, page, pageOf, pageQuery, problems } from '../schemas.js';
import { answerQuery, RESULT_TYPES, type ResultType } from '../sql.js';

/** Longest body of a query, in bytes. */
const MAX_QUERY_BYTES = 1_000_000;
const MAX_PARAMETERS = 1000;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parameter = z.union([scalar, z.array(scalar).max(100_000)]);
const limit = z.int().min(0).optional().openapi({ description: 'the result ends after so many rows' });

const querySchema = z
  .strictObject({
    sql: z.string().openapi({
      description: `one statement that reads, in the dialect of DuckDB, over the views ${VIEWS.join(', ')}`,
      example: 'SELECT verdict, count(*) AS documents FROM documents GROUP BY verdict',
    }),
    params: z
      .union([z.array(parameter).max(MAX_PARAMETERS), z.record(z.string(), parameter)])
      .optional()
      .openapi({ description: 'values of $1, $2, ... as an array, or of $name as an object' }),
    limit,
  })
  .openapi('Query');

const reportSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    doc: z.string(),
    parameters: z.array(
      z.object({
        name: z.string(),
        type: z.enum(['text', 'integer', 'number', 'boolean']),
        default: z.union([z.string(), z.number(), z.boolean()]),
        doc: z.string(),
      }),
    ),
    sql: z.string(),
  })
  .openapi('Report');

const rowsSchema = z.array(z.record(z.string(), z.unknown())).openapi('Rows', {
  description: 'rows as objects; integers as numbers where a double holds them, else as text',
});

const result = {
  description:
    'The rows, in the form that Accept asks for, sent as they are computed. An error after the first bytes breaks the ' +
    'connection off before the end of the body.',
  content: Object.fromEntries(
    (Object.keys(RESULT_TYPES) as ResultType[]).map((type) => [
      type,
      { schema: type === 'application/json' ? rowsSchema : z.string() },
    ]),
  ),
};

const failures = problems(
  'SQL_INVALID',
  'SQL_LIMIT',
  'SQL_TIMEOUT',
  'NOT_ACCEPTABLE',
  'INPUT_UNSUPPORTED',
  'DATASET_CORRUPT',
  'SERVICE_BUSY',
  'REPORT_NOT_FOUND',
);

const runQuery = createRoute({
  ...scope('read'),
  method: 'post',
  path: '/v1/sql',
  operationId: 'runQuery',
  tags: ['sql'],
  summary: 'Ask a question in SQL',
  request: {
    body: {
      description: 'a query as JSON, or the statement alone as text/plain',
      content: { 'application/json': { schema: querySchema }, 'text/plain': { schema: z.string() } },
    },
  },
  responses: { 200: result, ...failures },
});

const list = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/reports',
  operationId: 'listReports',
  tags: ['sql'],
  summary: 'The reports with their parameters',
  request: { query: pageQuery },
  responses: { 200: json(page(reportSchema), 'the reports, by name'), ...problems() },
});

const reportParams = z.object({ name: z.string().max(100).openapi({ example: 'funnel' }) });

const getReport = createRoute({
  ...scope('read'),
  method: 'get',
  path: '/v1/reports/{name}',
  operationId: 'runReport',
  tags: ['sql'],
  summary: 'Run a report',
  description: "Every parameter of the query is one of the report's.",
  request: { params: reportParams },
  responses: { 200: result, ...failures },
});

const postReport = createRoute({
  ...scope('read'),
  method: 'post',
  path: '/v1/reports/{name}',
  operationId: 'runReportWith',
  tags: ['sql'],
  summary: 'Run a report, its parameters in the body',
  request: {
    params: reportParams,
    body: {
      content: {
        'application/json': {
          schema: z.strictObject({ params: z.record(z.string(), z.unknown()).default({}), limit }),
        },
      },
    },
  },
  responses: { 200: result, ...failures },
});

export function sqlRoutes(app: App, { sql }: ServerContext): void {
  app.openapi(runQuery, async (c) => {
    const { sql: statement, params, limit: rows } = await readQuery(c.req);
    return answerQuery(c, sql, { sql: statement, parameters: params, limit: rows });
  });
  app.openapi(list, async (c) => {
    const { items, next_cursor } = pageOf(await listReports(), (report) => report.name, c.req.valid('query'));
    return c.json({ items: items.map(shown), next_cursor }, 200);
  });
  app.openapi(getReport, async (c) => {
    const report = await findReport(c.req.valid('param').name);
    const parameters = reportValues(report, c.req.query());
    return answerQuery(c, sql, { sql: report.sql, parameters });
  });
  app.openapi(postReport, async (c) => {
    const report = await findReport(c.req.valid('param').name);
    const { params, limit: rows } = c.req.valid('json');
    return answerQuery(c, sql, { sql: report.sql, parameters: reportValues(report, params), limit: rows });
  });
}

function shown({ name, title, doc, parameters, sql }: Report): z.input<typeof reportSchema> {
  return { name, title, doc, parameters: parameters.map((one) => ({ ...one })), sql };
}

interface Body {
  header(name: string): string | undefined;
  text(): Promise<string>;
}

/** @throws TokenmillError USAGE, INPUT_TOO_LARGE, INPUT_UNSUPPORTED */
async function readQuery(request: Body): Promise<z.output<typeof querySchema>> {
  const type = (request.header('content-type') ?? 'text/plain').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json' && type !== 'text/plain') {
    throw new TokenmillError('INPUT_UNSUPPORTED', `a query is application/json or text/plain, not ${type}`);
  }
  const text = await request.text();
  if (Buffer.byteLength(text) > MAX_QUERY_BYTES) {
    throw new TokenmillError('INPUT_TOO_LARGE', `a query has at most ${MAX_QUERY_BYTES} bytes`);
  }
  if (type === 'text/plain') return { sql: text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TokenmillError('USAGE', `body: ${(error as Error).message}`, { cause: error });
  }
  const parsed = querySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TokenmillError('USAGE', `body: ${firstIssue(parsed.error)}`);
}
