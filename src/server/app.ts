/** The service as one application: middleware, every route, the OpenAPI document, errors. It knows no socket. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { TokenmillError } from '../core/errors.js';
import { installGuards } from './access/guard.js';
import type { App, AppEnv, ServerContext } from './context.js';
import { problemResponse } from './problem.js';
import { datasetRoutes } from './routes/datasets.js';
import { documentRoutes } from './routes/documents.js';
import { corporaRoutes } from './routes/corpora.js';
import { healthRoutes } from './routes/health.js';
import { uploadRoutes } from './routes/uploads.js';
import { completionRoutes } from './routes/completions.js';
import { jobRoutes } from './routes/jobs.js';
import { queueRoutes } from './routes/queue.js';
import { serviceRoutes } from './routes/service.js';
import { tokenizerRoutes } from './routes/tokenizers.js';
import { generateRoutes } from './routes/generate.js';
import { modelRoutes } from './routes/models.js';
import { sqlRoutes } from './routes/sql.js';
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
  queueRoutes(app, context);
  tokenizerRoutes(app, context);
  modelRoutes(app, context);
  generateRoutes(app, context);
  completionRoutes(app, context);
  sqlRoutes(app, context);
  serviceRoutes(app, context);
  return app;
}
