/** What an operation asks of a token: `createRoute({ ...scope('write'), ... })` puts it in the document and enforces it. */
import type { MiddlewareHandler } from 'hono';
import { TokenmillError } from '../../core/errors.js';
import type { AppEnv } from '../context.js';
import { hasScope, type Scope } from './tokens.js';

/** Name of the security scheme in the OpenAPI document. */
export const SECURITY_SCHEME = 'token';

/** Middleware that refuses tokens without the scope; other scopes than `read` are written to the audit log. */
export function requireScope(needed: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    c.set('scope', needed);
    const identity = c.get('identity');
    if (!hasScope(identity, needed)) {
      throw new TokenmillError('FORBIDDEN', `the token ${identity.name} does not have the scope ${needed}`, {
        hint: `it has: ${identity.scopes.join(', ')}`,
      });
    }
    await next();
  };
}

/** Entries of a route's definition: its scope. */
export function scope(needed: Scope): {
  security: { [name: string]: string[] }[];
  middleware: MiddlewareHandler<AppEnv>;
} {
  return { security: [{ [SECURITY_SCHEME]: [needed] }], middleware: requireScope(needed) };
}
