import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/core/errors.js';
import { testApi } from './support.js';

describe('health', () => {
  test('the process answers and the workspace is ready', async () => {
    const api = await testApi();
    expect(await api.json('GET', '/healthz')).toMatchObject({ status: 'ok' });
    expect(await api.json('GET', '/readyz')).toEqual({ status: 'ready' });
  });

  test('not ready without its workspace; still healthy', async () => {
    const api = await testApi();
    await rm(api.workspace.root, { recursive: true });
    expect((await api.problem('GET', '/readyz', 'UNAVAILABLE')).status).toBe(503);
    await api.json('GET', '/healthz');
  });

  test('not ready while it stops', async () => {
    const api = await testApi();
    await api.context.close();
    expect((await api.problem('GET', '/readyz', 'UNAVAILABLE')).detail).toBe('the service is stopping');
  });
});

describe('problems', () => {
  test('a path that does not exist', async () => {
    const api = await testApi();
    const response = await api.request('GET', '/v1/nothing');
    expect(response.status).toBe(404);
    const { instance, ...problem } = (await response.json()) as Record<string, string>;
    expect(problem).toEqual({
      type: '/docs/errors#ROUTE_NOT_FOUND',
      title: ERRORS.ROUTE_NOT_FOUND.title,
      status: 404,
      detail: 'there is nothing at /v1/nothing',
      code: 'ROUTE_NOT_FOUND',
      hint: 'see /docs',
    });
    expect(instance).toBe(`urn:uuid:${response.headers.get('x-request-id')}`);
  });

  test('a method that a path does not take', async () => {
    const api = await testApi();
    const response = await api.request('POST', '/readyz');
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(await response.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED', hint: 'it takes GET, HEAD' });
  });

  test('a defect says nothing of itself to the client, and all to the log', async () => {
    const api = await testApi();
    api.app.get('/broken', () => {
      throw new Error('the secret');
    });
    const problem = await api.problem('GET', '/broken', 'INTERNAL');
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(api.logged.join()).toContain('the secret');
    expect(api.logged.join()).toContain(problem.instance.replace('urn:uuid:', ''));
  });
});

describe('the OpenAPI document', () => {
  test('is served, and every operation has an id, a tag, a summary and, under /v1, a scope', async () => {
    const api = await testApi();
    const document = await api.json<{
      openapi: string;
      paths: Record<string, Record<string, Record<string, unknown>>>;
    }>('GET', '/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    const ids = new Set<unknown>();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const what = `${method} ${path}`;
        expect(operation['operationId'], what).toEqual(expect.any(String));
        expect(ids.has(operation['operationId']), what).toBe(false);
        ids.add(operation['operationId']);
        expect(operation['tags'], what).toHaveLength(1);
        expect(operation['summary'], what).toEqual(expect.any(String));
        const scope = [{ token: [expect.stringMatching(/^(?:read|write|admin)$/)] }];
        if (path.startsWith('/v1/')) expect(operation['security'], what).toEqual(scope);
      }
    }
  });
});
