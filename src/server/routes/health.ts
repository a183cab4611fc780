/** `/healthz`: the process answers. `/readyz`: it can work: its workspace can be read and written, and it is not stopping. */
import { createRoute, z } from '@hono/zod-openapi';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { TokenmillError } from '../../core/errors.js';
import { packageVersion } from '../../core/paths.js';
import type { App, ServerContext } from '../context.js';
import { json, problems } from '../schemas.js';

const health = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  tags: ['service'],
  summary: 'Whether the process answers',
  responses: {
    200: json(z.object({ status: z.literal('ok'), version: z.string() }).openapi('Health'), 'it answers'),
    ...problems(),
  },
});

const readiness = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  tags: ['service'],
  summary: 'Whether the service takes work',
  responses: {
    200: json(z.object({ status: z.literal('ready') }).openapi('Readiness'), 'it takes work'),
    ...problems('UNAVAILABLE'),
  },
});

export function healthRoutes(app: App, context: ServerContext): void {
  const version = packageVersion();
  app.openapi(health, (c) => c.json({ status: 'ok' as const, version }, 200));
  app.openapi(readiness, async (c) => {
    if (context.closing.aborted) throw new TokenmillError('UNAVAILABLE', 'the service is stopping');
    const { root } = context.workspace;
    await access(root, constants.R_OK | constants.W_OK).catch((error: unknown) => {
      throw new TokenmillError('UNAVAILABLE', 'the workspace cannot be read and written', { cause: error });
    });
    return c.json({ status: 'ready' as const }, 200);
  });
}
