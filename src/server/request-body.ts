/** The body of a request as it comes, for routes that stream it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Context } from 'hono';
import type { AppEnv } from './context.js';

/** Not yet read; backpressure reaches the client's socket. */
export function bodyOf(c: Context<AppEnv>): Readable {
  if (c.env?.incoming instanceof Readable) return c.env.incoming;
  const { body } = c.req.raw;
  return body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream);
}

/** Bytes that the request says its body has; undefined where it does not say. */
export function bodyLength(c: Context<AppEnv>): number | undefined {
  const text = c.req.header('content-length');
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  // Without either header a request has no body (RFC 9112, section 6.3); calls without a socket have no headers for it.
  if (c.env?.incoming === undefined && c.req.raw.body !== null) return undefined;
  return c.req.header('transfer-encoding') === undefined ? 0 : undefined;
}

/**
 * For a request with `Expect: 100-continue`: asks the client for the body when a route begins to read it. A request that is
 * refused before that gets its answer without having sent anything.
 */
export function continueWhenRead(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const onListener = (event: string | symbol): void => {
    if (event !== 'data' && event !== 'readable') return;
    incoming.off('newListener', onListener);
    if (!outgoing.headersSent) outgoing.writeContinue();
  };
  incoming.on('newListener', onListener);
}
