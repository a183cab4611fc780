import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../../src/core/errors.js';
import { referencePage } from '../../../src/server/docs/page.js';
import { testApi } from '../support.js';

describe('metrics', () => {
  test('count requests by the template of their route, never by their path', async () => {
    const api = await testApi();
    await api.request('GET', '/healthz');
    await api.request('GET', '/healthz');
    await api.request('GET', '/v1/datasets/one');
    await api.request('GET', '/v1/datasets/two');
    await api.request('GET', '/nothing/here');
    await api.request('BREW', '/healthz');
    const response = await api.request('GET', '/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n');
    const counts = lines.filter((line) => line.startsWith('tokenmill_http_request_duration_seconds_count'));
    expect(counts.sort()).toEqual(
      [
        ['GET', '/healthz', 200, 2],
        ['GET', '/v1/datasets/:dataset', 404, 2],
        ['GET', 'none', 404, 1],
        ['other', 'none', 405, 1],
      ].map(
        ([method, route, status, count]) =>
          `tokenmill_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"} ${count}`,
      ),
    );
    expect(lines).toContain('tokenmill_http_requests_in_flight 1');
  });

  test('have what they mean, and the figures of the process', async () => {
    const api = await testApi();
    const text = await (await api.request('GET', '/metrics')).text();
    const names = new Set([...text.matchAll(/^([a-z_0-9]+)[ {]/gm)].map(([, name]) => name));
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_seconds',
      'tokenmill_queue_entries',
    ]) {
      expect(names, name).toContain(name);
    }
    for (const name of names) {
      const metric = name.replace(/_(?:bucket|sum|count)$/, '');
      const described = text.includes(`# HELP ${metric} `) || text.includes(`# HELP ${name} `);
      expect(described, name).toBe(true);
    }
  });
});

describe('the reference', () => {
  test('has every operation and schema of the document, and loads nothing from elsewhere', async () => {
    const api = await testApi();
    const response = await api.request('GET', '/docs');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self';/);
    const page = await response.text();
    const document = await api.json<{
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: Record<string, unknown> };
    }>('GET', '/openapi.json');
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(operations.length).toBeGreaterThan(10);
    for (const { operationId } of operations) expect(page).toContain(`<article id="${operationId}">`);
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`id="schema-${name}"`);
    expect(page).not.toMatch(/<script|javascript:|https?:\/\//i);
    const targets = [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target]) => target);
    for (const target of new Set(targets)) {
      if (target.startsWith('#')) expect(page, target).toContain(`id="${target.slice(1)}"`);
      else expect([200, target]).toEqual([(await api.request('GET', target)).status, target]);
    }
  });

  test('escapes whatever it shows', async () => {
    const hostile = `<img src=x onerror="alert('1')">`;
    const page = String(
      await referencePage({
        info: { title: hostile, version: hostile, description: hostile },
        paths: {
          [hostile]: {
            get: {
              operationId: hostile,
              tags: [hostile],
              summary: hostile,
              description: hostile,
              parameters: [{ name: hostile, in: hostile, schema: { enum: [hostile], default: hostile } }],
              requestBody: { content: { [hostile]: { schema: { $ref: hostile } } } },
              responses: {
                200: { description: hostile, content: { [hostile]: { schema: { const: hostile } } } },
              },
            },
          },
        },
        components: {
          schemas: {
            [hostile]: {
              type: 'object',
              properties: { [hostile]: { type: hostile, format: hostile, description: hostile } },
            },
          },
        },
      }),
    );
    expect(page).not.toMatch(/<img|onerror="/);
  });

  test('explains every error code, where the type of a problem leads', async () => {
    const api = await testApi();
    const page = await (await api.request('GET', '/docs/errors')).text();
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`<tr id="${code}">`);
    const { type } = await api.problem('GET', '/nothing', 'ROUTE_NOT_FOUND');
    expect(type).toBe('/docs/errors#ROUTE_NOT_FOUND');
  });
});
