import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { testApi, testFolder, type TestApi } from '../support.js';

const RETRY = '/v1/queue/retry';
const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

describe('tokens', () => {
  let api: TestApi;
  beforeEach(async () => {
    const tokenFile = join(await testFolder(), 'tokens.json');
    const tokens = (['read', 'write', 'admin'] as const).map((scope) => ({
      name: `${scope}-only`,
      token: `${scope}-token-0123456789`,
      scopes: [scope],
    }));
    await writeFile(tokenFile, JSON.stringify({ tokens }), { mode: 0o600 });
    api = await testApi({ settings: { tokenFile } });
    await api.workspace.createDataset('crawl', {});
  });

  test('are asked for by every operation under /v1 and by the metrics, and by nothing else', async () => {
    const document = await api.json<{ paths: Record<string, Record<string, unknown>> }>(
      'GET',
      '/openapi.json',
    );
    let asked = 0;
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const response = await api.request(method.toUpperCase(), path.replaceAll(/\{[^}]+\}/g, 'x'));
        const guarded = path.startsWith('/v1/') || path === '/metrics';
        expect(response.status === 401, `${method} ${path}`).toBe(guarded);
        if (guarded) expect(response.headers.get('www-authenticate')).toBe('Bearer realm="tokenmill"');
        asked += Number(guarded);
      }
    }
    expect(asked).toBeGreaterThan(15);
    for (const path of ['/docs', '/docs/errors', '/openapi.json'])
      expect((await api.request('GET', path)).status).toBe(200);
    await api.problem('GET', '/v1/not-a-route', 'UNAUTHENTICATED');
  });

  test.each([
    'Bearer',
    'Bearer wrong-token-0123456789',
    'Basic cmVhZC10b2tlbi0wMTIzNDU2Nzg5',
    'read-token-0123456789',
    'Bearer read-token-0123456789 x',
    'Bearer read-token-012345678',
    'Bearer read-token-0123456789\u00e9',
  ])('are refused as %j', async (authorization) => {
    const problem = await api.problem('GET', '/v1/queue', 'UNAUTHENTICATED', { headers: { authorization } });
    expect(JSON.stringify(problem)).not.toContain('token-0123456789');
  });

  test('allow what their scope says', async () => {
    const statuses = [];
    for (const scope of ['read', 'write', 'admin']) {
      const { headers } = bearer(`${scope}-token-0123456789`);
      const reads = await api.request('GET', '/v1/queue', { headers });
      const writes = await api.request('POST', RETRY, { headers, json: { dataset: 'crawl' } });
      statuses.push([scope, reads.status, writes.status]);
    }
    expect(statuses).toEqual([
      ['read', 200, 403],
      ['write', 403, 200],
      ['admin', 200, 200],
    ]);
    const problem = await api.problem('POST', RETRY, 'FORBIDDEN', {
      ...bearer('read-token-0123456789'),
      json: {},
    });
    expect(problem).toMatchObject({
      detail: 'the token read-only does not have the scope write',
      hint: 'it has: read',
    });
  });

  test('in the audit log are names, with what they did and what was refused', async () => {
    for (const scope of ['read', 'write', 'admin']) {
      const { headers } = bearer(`${scope}-token-0123456789`);
      await api.request('POST', RETRY, { headers, json: { dataset: 'crawl' } });
      await api.request('GET', '/v1/datasets', { headers });
    }
    await api.request('POST', RETRY, { json: { dataset: 'crawl' } });
    const entries = await api.audited();
    expect(entries.map(({ identity, status }) => [identity, status])).toEqual([
      ['read-only', 403],
      ['write-only', 200],
      ['admin-only', 200],
    ]);
    expect(Object.keys(entries[0])).toEqual([
      'time',
      'request',
      'identity',
      'address',
      'method',
      'path',
      'status',
    ]);
    expect(JSON.stringify(entries)).not.toContain('token-0123456789');
  });

  test('cannot be tried out: after thirty wrong ones even a right one waits', async () => {
    const wrong = bearer('wrong-token-0123456789');
    for (let i = 0; i < 30; i++) await api.problem('GET', '/v1/queue', 'UNAUTHENTICATED', wrong);
    const response = await api.request('GET', '/v1/queue', wrong);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    await api.problem('GET', '/v1/queue', 'RATE_LIMITED', bearer('read-token-0123456789'));
  });
});

test('a service without a token takes whatever token a client sends', async () => {
  const api = await testApi();
  await api.json('GET', '/v1/queue', bearer('anything-at-all'));
});

test('a write that cannot be written to the audit log is known to the log', async () => {
  const api = await testApi();
  await api.workspace.createDataset('crawl', {});
  await writeFile(api.context.audit.folder, 'not a folder');
  await api.json('POST', RETRY, { json: { dataset: 'crawl' } });
  expect(api.logged.join()).toMatch(/the audit log cannot be written/);
});

test('a client that sends too much is told when to come again', async () => {
  const api = await testApi({ settings: { rateLimit: 3 } });
  for (let i = 0; i < 3; i++) await api.json('GET', '/v1/queue');
  const response = await api.request('GET', '/v1/queue');
  expect(response.headers.get('retry-after')).toBe('20');
  expect(await response.json()).toMatchObject({
    status: 429,
    code: 'RATE_LIMITED',
    hint: 'try again in 20 s',
  });
  // What watches over the service must not be kept out by those who use it.
  await api.json('GET', '/healthz');
});

describe('bodies', () => {
  const large = JSON.stringify({ dataset: 'x'.repeat(1000) });
  const headers = { 'content-type': 'application/json' };

  test('larger than the cap are refused, by what they say and by what they are', async () => {
    const api = await testApi({ settings: { maxBody: 1000 } });
    await api.problem('POST', RETRY, 'INPUT_TOO_LARGE', {
      body: large,
      headers: { ...headers, 'content-length': '1016' },
    });
    const body = new Blob([large]).stream();
    await api.problem('POST', RETRY, 'INPUT_TOO_LARGE', { body, headers });
    const lies = { ...headers, 'content-length': '10', 'transfer-encoding': 'chunked' };
    await api.problem('POST', RETRY, 'INPUT_TOO_LARGE', { body: new Blob([large]).stream(), headers: lies });
  });

  test('up to the cap are read', async () => {
    const api = await testApi({ settings: { maxBody: large.length } });
    await api.problem('POST', RETRY, 'USAGE', { body: large, headers });
    await api.problem('POST', RETRY, 'USAGE', { body: new Blob([large]).stream(), headers });
  });
});

describe('other sites', () => {
  test('cannot reach the service by a name of theirs that leads to loopback', async () => {
    const api = await testApi();
    for (const host of ['evil.example', 'localhost.evil.example:8080', '169.254.169.254']) {
      await api.problem('GET', '/v1/queue', 'FORBIDDEN', { headers: { host } });
      await api.problem('GET', '/healthz', 'FORBIDDEN', { headers: { host } });
    }
    await api.json('GET', '/v1/queue', { headers: { host: '127.0.0.1:8080' } });
  });

  test('cannot write through a browser, and read nothing', async () => {
    const api = await testApi();
    const headers = { origin: 'https://evil.example', 'content-type': 'text/plain' };
    await api.problem('POST', RETRY, 'FORBIDDEN', { headers, body: '{"dataset":"crawl"}' });
    const read = await api.request('GET', '/v1/queue', { headers: { origin: 'https://evil.example' } });
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
    expect(read.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    const preflight = await api.request('OPTIONS', '/v1/queue', { headers });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('that are allowed may do both', async () => {
    const origin = 'https://app.example';
    const api = await testApi({ settings: { allowedOrigins: origin } });
    await api.workspace.createDataset('crawl', {});
    const request = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const preflight = await api.request('OPTIONS', RETRY, { headers: { origin, ...request } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
    const written = await api.request('POST', RETRY, { headers: { origin }, json: { dataset: 'crawl' } });
    expect(written.status).toBe(200);
    expect(written.headers.get('access-control-allow-origin')).toBe(origin);
    const other = await api.request('GET', '/v1/queue', { headers: { origin: 'https://evil.example' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('every response has the security headers and a name of its own, errors too', async () => {
  const api = await testApi();
  const ids = new Set<string | null>();
  for (const path of [
    '/healthz',
    '/v1/datasets',
    '/nothing',
    '/v1/datasets/nothing',
    '/docs',
    '/openapi.json',
  ]) {
    const { headers } = await api.request('GET', path);
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('x-frame-options'), path).toBe('DENY');
    expect(headers.get('referrer-policy'), path).toBe('no-referrer');
    expect(headers.get('content-security-policy'), path).toMatch(
      /^default-src 'none'.*frame-ancestors 'none'/,
    );
    expect(headers.get('cache-control'), path).toBe('no-store');
    ids.add(headers.get('x-request-id'));
  }
  expect(ids.size).toBe(6);
});
