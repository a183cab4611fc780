/**
 * The service on a socket. A stop goes in this order: no new connections, `closing` aborts so that event streams end
 * and jobs stop at a commit, requests under way finish, the context closes; what is left after `shutdownSeconds` is cut.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { ensureFolder } from '../core/files.js';
import { createApp } from './app.js';
import type { ServerContext } from './context.js';
import { continueWhenRead } from './request-body.js';

/** A client has this long to send the head of a request. Bodies have no limit of time: uploads take as long as they take. */
const HEADERS_TIMEOUT_MS = 30_000;
/** Longest head of a request. */
const MAX_HEADER_BYTES = 32_768;
const MAX_CONNECTIONS = 2000;

export interface RunningService {
  readonly url: string;
  /** Resolves when everything has ended: true where it ended by itself, false where something had to be cut off. */
  stop(): Promise<boolean>;
}

/** @throws TokenmillError CONFIG_INVALID where the address cannot be bound */
export async function startService(context: ServerContext): Promise<RunningService> {
  await ensureFolder(context.workspace.root);
  const app = createApp(context);
  const listener = getRequestListener((request, env) => app.fetch(request, env));
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    continueWhenRead(incoming, outgoing);
    void listener(incoming, outgoing);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, context);
  let stopped: Promise<boolean> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    stop: () => (stopped ??= stop(server, context)),
  };
}

async function listen(server: Server, { settings }: ServerContext): Promise<void> {
  const { host, port } = settings;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const hints: Record<string, string> = {
        EADDRINUSE: 'another process has this port; choose one with --port',
        EADDRNOTAVAIL: 'this machine does not have that address; choose one with --host',
        EACCES: 'ports below 1024 need a privilege; choose another with --port',
      };
      reject(
        new TokenmillError('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.message}`, {
          hint: hints[error.code ?? ''],
          cause: fromSystemError(error, host),
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function stop(server: Server, context: ServerContext): Promise<boolean> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  context.beginClosing();
  const ended = closed.then(() => context.close()).then(() => true);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), context.settings.shutdownSeconds * 1000);
  });
  const clean = await Promise.race([ended, late]);
  clearTimeout(timer);
  server.closeAllConnections();
  return clean;
}
