/** The service as one application: middleware, every route, the OpenAPI document, errors. It knows no socket. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { TokenmillError } from '../core/errors.js';
import { packageVersion } from '../core/paths.js';
import { installGuards } from './access/guard.js';
import { SECURITY_SCHEME } from './access/scope.js';
import type { App, AppEnv, ServerContext } from './context.js';
import { problemResponse } from './problem.js';
import { datasetRoutes } from './routes/datasets.js';
import { documentRoutes } from './routes/documents.js';
import { corporaRoutes } from './routes/corpora.js';
import { healthRoutes } from './routes/health.js';
import { uploadRoutes } from './routes/uploads.js';
import { jobRoutes } from './routes/jobs.js';
import { firstIssue } from './schemas.js';

export function createApp(context: ServerContext): App {
  const app: App = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const part = { param: 'path', json: 'body' }[result.target as string] ?? result.target;
      throw new TokenmillError('USAGE', `${part}: ${firstIssue(result.error)}`, {
        hint: 'see /docs for what the request takes',
      });
    },
  });
  app.onError((error, c) => problemResponse(error, c, context.log));
  app.notFound((c) =>
    problemResponse(
      new TokenmillError('ROUTE_NOT_FOUND', `there is nothing at ${c.req.path}`, { hint: 'see /docs' }),
      c,
      context.log,
    ),
  );
  installGuards(app, context);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problemResponse(
          new TokenmillError('METHOD_NOT_ALLOWED', `${c.req.path} does not take ${c.req.method}`, {
            hint: `it takes ${methods.join(', ')}`,
          }),
          c,
          context.log,
          { Allow: methods.join(', ') },
        ),
    }),
  );
  healthRoutes(app, context);
  datasetRoutes(app, context);
  documentRoutes(app, context);
  corporaRoutes(app, context);
  uploadRoutes(app, context);
  jobRoutes(app, context);
  serveDocument(app);
  return app;
}

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

function serveDocument(app: App): void {
  app.openAPIRegistry.registerComponent('securitySchemes', SECURITY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description: 'Needed where the service has tokens. An operation names the scope that it asks for.',
  });
  let text: string | undefined;
  app.get('/openapi.json', (c) => {
    text ??= JSON.stringify(openApiDocument(app));
    return c.body(text, 200, { 'Content-Type': 'application/json' });
  });
}
