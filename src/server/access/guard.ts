/**
 * What every request passes before its route, in this order: a name of its own, security headers, the metrics, Host and
 * Origin, CORS, the rate limit, the token, the size of its body; and behind it, the audit log.
 *
 * Invariant: under `/v1` and at `/metrics` no route runs without an identity.
 */
import { randomUUID } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { routePath } from 'hono/route';
import { TokenmillError } from '../../core/errors.js';
import { formatBytes } from '../../core/format.js';
import type { App, AppEnv, ServerContext } from '../context.js';
import { isHostAllowed, isOriginAllowed } from './hosts.js';
import { RateLimit } from './rate-limit.js';

/** Wrong tokens from one address a minute, so that nobody can try many. */
const MAX_FAILURES_PER_MINUTE = 30;

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Response headers that a page of an allowed origin may read. */
const EXPOSED_HEADERS = [
  'Location',
  'ETag',
  'Content-Range',
  'Accept-Ranges',
  'Retry-After',
  'X-Request-Id',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Expires',
  'Tus-Resumable',
];

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function installGuards(app: App, context: ServerContext): void {
  const { settings } = context;
  app.use(nameAndHeaders());
  app.use(measure(context));
  app.use(checkHost(context));
  if (settings.allowedOrigins.length > 0) {
    app.use(cors({ origin: settings.allowedOrigins, exposeHeaders: EXPOSED_HEADERS, maxAge: 600 }));
  }
  const authenticated = authenticate(context);
  for (const path of ['/v1/*', '/metrics']) app.use(path, authenticated);
  app.use('/v1/*', audit(context));
  app.use(limitBody(settings.maxBody));
}

/** Address of the client's socket; no header is believed. */
export function clientAddress(c: Context<AppEnv>): string {
  return (c.env === undefined ? undefined : getConnInfo(c).remote.address) ?? 'local';
}

function nameAndHeaders(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const id = randomUUID();
    c.set('requestId', id);
    await next();
    const { headers } = c.res;
    headers.set('X-Request-Id', id);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      if (!headers.has(name)) headers.set(name, value);
    }
  };
}

function measure({ metrics }: ServerContext): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const done = metrics.startRequest();
    await next();
    // The template of the route, not the path: a path could be anything, and each would be a series.
    const route = routePath(c, -1);
    done({ method: c.req.method, route: route.endsWith('*') ? 'none' : route, status: c.res.status });
  };
}

function checkHost({ settings }: ServerContext): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    if (!isHostAllowed(host, settings.host, settings.allowedHosts)) {
      throw new TokenmillError(
        'FORBIDDEN',
        `the service does not answer to the host ${JSON.stringify(host)}`,
        {
          hint: 'use localhost, or start it with --allowed-hosts',
        },
      );
    }
    const origin = c.req.header('origin');
    if (!SAFE_METHODS.has(c.req.method) && !isOriginAllowed(origin, host, settings.allowedOrigins)) {
      throw new TokenmillError('FORBIDDEN', `pages of ${JSON.stringify(origin)} may not call the service`, {
        hint: 'start it with --allowed-origins',
      });
    }
    await next();
  };
}

function authenticate({ settings, tokens }: ServerContext): MiddlewareHandler<AppEnv> {
  const requests = new RateLimit(settings.rateLimit);
  const failures = new RateLimit(MAX_FAILURES_PER_MINUTE);
  return async (c, next) => {
    const address = clientAddress(c);
    const token = bearerToken(c.req.header('authorization'));
    if (token !== undefined && tokens.required) limit(c, failures.wait(address));
    const identity = tokens.identify(token);
    if (identity === undefined) {
      if (token !== undefined) failures.take(address);
      limit(c, requests.take(`address ${address}`));
      c.header('WWW-Authenticate', 'Bearer realm="tokenmill"');
      throw new TokenmillError(
        'UNAUTHENTICATED',
        token === undefined ? 'the request has no token' : 'the token is not known',
        { hint: 'send the header Authorization: Bearer TOKEN' },
      );
    }
    limit(c, requests.take(tokens.required ? `token ${identity.name}` : `address ${address}`));
    c.set('identity', identity);
    await next();
  };
}

function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
}

function limit(c: Context<AppEnv>, seconds: number): void {
  if (seconds === 0) return;
  c.header('Retry-After', String(seconds));
  throw new TokenmillError('RATE_LIMITED', 'this client sends too many requests', {
    hint: `try again in ${seconds} s`,
  });
}

function audit({ audit: log, log: message }: ServerContext): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const scope = c.get('scope');
    if (scope === undefined || scope === 'read') return;
    await log
      .record({
        request: c.get('requestId'),
        identity: c.get('identity').name,
        address: clientAddress(c),
        method: c.req.method,
        path: c.req.path,
        status: c.res.status,
      })
      .catch((error: unknown) => message(`the audit log cannot be written: ${String(error)}`));
  };
}

/** Bodies that are streamed to disk, with caps of their own. */
function isUpload(method: string, path: string): boolean {
  return (
    path.startsWith('/v1/uploads') || (method === 'PUT' && /^\/v1\/corpora\/[^/]+\/files\/[^/]+$/.test(path))
  );
}

function limitBody(maximum: number): MiddlewareHandler<AppEnv> {
  const limited = bodyLimit({
    maxSize: maximum,
    onError: () => {
      throw new TokenmillError('INPUT_TOO_LARGE', `the body is larger than ${formatBytes(maximum)}`, {
        hint: 'send less at once, or start the service with a larger --max-body',
      });
    },
  });
  return async (c, next) => (isUpload(c.req.method, c.req.path) ? next() : limited(c, next));
}
