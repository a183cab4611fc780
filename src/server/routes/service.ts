/** What the service says of itself: its metrics, its OpenAPI document and the pages made out of that. */
import { createRoute, z } from '@hono/zod-openapi';
import { packageVersion } from '../../core/paths.js';
import { scope, SECURITY_SCHEME } from '../access/scope.js';
import type { App, ServerContext } from '../context.js';
import { errorsPage, referencePage, type ReferenceDocument } from '../docs/page.js';
import type { Html } from '../docs/schema.js';
import { STYLE } from '../docs/style.js';
import { problems } from '../schemas.js';

const METRICS_TYPE = 'text/plain';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['service'],
  summary: 'Metrics for Prometheus, in its text format',
  ...scope('read'),
  responses: {
    200: { description: 'the metrics', content: { [METRICS_TYPE]: { schema: z.string() } } },
    ...problems(),
  },
});

/** The OpenAPI document, out of the routes' own definitions. */
export function openApiDocument(app: App): ReturnType<App['getOpenAPI31Document']> {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tokenmill',
      version: packageVersion(),
      description: 'Upload corpora, follow ingest and training, ask questions in SQL.',
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  });
}

/** Comes after all other routes: the document has what is registered when it is first asked for. */
export function serviceRoutes(app: App, { metrics }: ServerContext): void {
  app.openapi(metricsRoute, async (c) =>
    c.text(await metrics.text(), 200, { 'Content-Type': metrics.registry.contentType }),
  );
  app.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description: 'Needed where the service has tokens. An operation names the scope that it asks for.',
  });
  const document = once(() => JSON.stringify(openApiDocument(app)));
  app.get('/openapi.json', (c) => c.body(document(), 200, { 'Content-Type': 'application/json' }));
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  };
  const page = (path: string, render: () => Html): void => {
    const rendered = once(async () => String(await render()));
    app.get(path, async (c) => c.body(await rendered(), 200, headers));
  };
  page('/docs', () => referencePage(JSON.parse(document()) as ReferenceDocument));
  page('/docs/errors', errorsPage);
  app.get('/docs/style.css', (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
