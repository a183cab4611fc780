/** A server on loopback that misbehaves in the ways that real ones do. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FaultServer {
  readonly url: string;
  /** `METHOD PATH RANGE` of every request. */
  readonly requests: string[];
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** @param handlers by path; `count` is how many requests for the path there were before */
export async function faultServer(handlers: Record<string, Handler>): Promise<FaultServer> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(
      [request.method, path, request.headers.range].filter((part) => part !== undefined).join(' '),
    );
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    const handler = handlers[path] as Handler | undefined;
    if (handler === undefined) response.writeHead(404).end();
    else handler(request, response, count);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Sends a file as servers should: with ranges, and only of the version that `If-Range` names. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  {
    etag = '"1"',
    dropAfter,
    stallAfter,
  }: { etag?: string | null; dropAfter?: number; stallAfter?: number } = {},
): void {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const isPart = range !== null && (condition === undefined || condition === etag);
  const start = isPart ? Number(range[1]) : 0;
  if (isPart && start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const body = content.subarray(start);
  response.writeHead(isPart ? 206 : 200, {
    ...(etag === null ? {} : { etag }),
    'content-length': body.length,
    ...(isPart ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  const sent = dropAfter ?? stallAfter;
  if (sent === undefined || sent >= body.length) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, sent), () => {
    // Let it arrive before the connection goes.
    if (dropAfter !== undefined) setTimeout(() => response.destroy(), 10);
  });
}
