/** One HTTP request with its redirects. Bodies are as they are sent: no coding is asked for and none is undone. */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TokenmillError } from '../../../core/errors.js';
import { checkHost, checkedLookup, type AddressRule } from './address-rule.js';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly rule: AddressRule;
  /** Milliseconds without a byte, before the answer or in it, after which the connection is given up. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** To be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

/** @throws TokenmillError USAGE for what is no address, ADDRESS_FORBIDDEN, DOWNLOAD_FAILED after too many redirects; errors of the network */
export async function requestUrl(url: string, options: RequestOptions): Promise<Answer> {
  let target = parseUrl(url);
  for (let redirects = 0; ; redirects++) {
    const answer = await requestOnce(target, options);
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
    answer.body.destroy();
    if (redirects === MAX_REDIRECTS) {
      throw new TokenmillError('DOWNLOAD_FAILED', `${url} redirects more than ${MAX_REDIRECTS} times`);
    }
    target = parseUrl(location, target);
  }
}

/** @throws TokenmillError USAGE */
export function parseUrl(url: string, base?: URL): URL {
  const parsed = URL.canParse(url, base?.href) ? new URL(url, base) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new TokenmillError('USAGE', `${url} is not an address that begins with http:// or https://`);
  }
  if (base === undefined && (parsed.username !== '' || parsed.password !== '')) {
    // It would go into lineage and logs.
    throw new TokenmillError('USAGE', `an address with a password in it cannot be read: ${parsed.host}`);
  }
  return parsed;
}

async function requestOnce(url: URL, options: RequestOptions): Promise<Answer> {
  checkHost(url.hostname, options.rule);
  const { method = 'GET', headers, idleMs, signal } = options;
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      method,
      headers: { 'user-agent': 'tokenmill', 'accept-encoding': 'identity', ...headers },
      lookup: checkedLookup(options.rule),
      timeout: idleMs,
      signal,
      // A connection that is kept would keep the process alive, and is worth nothing between large files.
      agent: false,
    });
    request.on('timeout', () => request.destroy(new Error(`no byte for ${idleMs / 1000} s`)));
    request.on('error', reject);
    request.on('response', (body) => {
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    request.end();
  });
}

/** Chunks that wait to be taken; then the connection is held back. */
const MAX_CHUNKS = 16;

/**
 * The bytes of a body, which is listened to from now on: it may break off before they are taken. Of one that breaks off, all that came is given before the error is thrown, where the stream
 * itself would throw it away.
 */
export function readBody(body: IncomingMessage): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let end: { readonly error?: Error } | undefined;
  let wake = (): void => undefined;
  const finish = (error?: Error): void => {
    end ??= { error };
    wake();
  };
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (chunks.length >= MAX_CHUNKS) body.pause();
    wake();
  });
  body.on('end', () => finish());
  body.on('error', finish);
  body.on('close', () => finish(new Error('the connection broke off')));
  if (body.destroyed) finish(new Error('the connection broke off'));
  return (async function* () {
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          if (chunks.length === 0) body.resume();
          yield chunk;
        } else if (end !== undefined) {
          if (end.error !== undefined) throw end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = () => undefined;
        }
      }
    } finally {
      body.destroy();
    }
  })();
}
