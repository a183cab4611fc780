import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { listReports } from '../../../src/store/query/reports.js';
import { commitDocuments, sampleWorkspace } from '../../store/sample-workspace.js';
import { crawlWorkspace } from '../crawl.js';
import { startTestService, testApi, testFolder, type TestApi } from '../support.js';

async function api(settings: Record<string, unknown> = {}): Promise<TestApi> {
  const { root } = await sampleWorkspace(await testFolder());
  return testApi({ workspace: root, settings: { sqlProcesses: 1, sqlMemory: '100MB', ...settings } });
}

const VERDICTS = 'SELECT verdict, count(*)::INT AS n FROM documents GROUP BY ALL ORDER BY ALL';
const ROWS = [
  { verdict: 'drop', n: 50 },
  { verdict: 'keep', n: 50 },
];

describe('POST /v1/sql', () => {
  it('takes JSON and plain text, and answers in the form that is accepted', async () => {
    const test = await api();
    expect(await test.json('POST', '/v1/sql', { json: { sql: VERDICTS } })).toEqual(ROWS);
    const plain = { headers: { 'content-type': 'text/plain' }, body: VERDICTS };
    expect(await test.json('POST', '/v1/sql', plain)).toEqual(ROWS);

    const as = async (accept: string): Promise<{ type: string | null; bytes: Uint8Array }> => {
      const response = await test.request('POST', '/v1/sql', {
        json: { sql: VERDICTS },
        headers: { accept },
      });
      expect(response.status).toBe(200);
      return {
        type: response.headers.get('content-type'),
        bytes: new Uint8Array(await response.arrayBuffer()),
      };
    };
    const text = async (accept: string): Promise<string> =>
      new TextDecoder().decode((await as(accept)).bytes);
    expect(await text('text/csv')).toBe('verdict,n\r\ndrop,50\r\nkeep,50\r\n');
    expect(await text('application/x-ndjson')).toBe('{"verdict":"drop","n":50}\n{"verdict":"keep","n":50}\n');
    expect(await text('text/plain')).toBe('verdict   n\n-------  --\ndrop     50\nkeep     50\n(2 rows)\n');
    const arrow = tableFromIPC((await as('application/vnd.apache.arrow.stream')).bytes);
    expect(arrow.toArray().map((row) => ({ ...row.toJSON() }))).toEqual(ROWS);
    const parquet = await text('application/vnd.apache.parquet');
    expect([parquet.slice(0, 4), parquet.slice(-4)]).toEqual(['PAR1', 'PAR1']);
    // By weight, then by the most specific range, then by our own preference.
    expect((await as('text/csv;q=0.5, application/x-ndjson;q=0.8')).type).toBe('application/x-ndjson');
    expect((await as('text/*, application/*;q=0.9')).type).toBe('text/csv; charset=utf-8');
    expect((await as('*/*;q=0.1, application/json;q=0')).type).toBe('application/x-ndjson');
    expect((await as('*/*')).type).toBe('application/json');
  });

  it('takes parameters by position and by name, and a limit', async () => {
    const test = await api();
    const ask = async (json: unknown): Promise<unknown> => test.json('POST', '/v1/sql', { json });
    expect(await ask({ sql: 'SELECT ? AS a, ? AS b, ? AS c, ? AS d', params: [1, 'x', true, null] })).toEqual(
      [{ a: 1, b: 'x', c: true, d: null }],
    );
    expect(
      await ask({
        sql: `SELECT $n * 2 AS n, $t || '!' AS t, len($l) AS l`,
        params: { n: 1.5, t: "it's", l: [1, 2] },
      }),
    ).toEqual([{ n: 3, t: "it's!", l: 2 }]);
    expect(await ask({ sql: 'SELECT ordinal FROM documents ORDER BY ordinal', limit: 2 })).toEqual([
      { ordinal: 0 },
      { ordinal: 1 },
    ]);
    const parquet = await test.request('POST', '/v1/sql', {
      json: { sql: 'SELECT $a AS a -- the end', params: { a: 1 }, limit: 1 },
      headers: { accept: 'application/vnd.apache.parquet' },
    });
    expect(parquet.status).toBe(200);
  });

  it('answers errors before the first byte with a problem', async () => {
    const test = await api({ sqlTimeout: 1, sqlMaxRows: 5000 });
    const refused = async (json: unknown, code: string): Promise<string> =>
      (await test.problem('POST', '/v1/sql', code, { json })).detail;
    expect(await refused({ sql: 'SELEC 1' }, 'SQL_INVALID')).toContain('syntax error');
    expect(await refused({ sql: 'SELECT nothing FROM documents' }, 'SQL_INVALID')).toContain('nothing');
    expect(await refused({ sql: "COPY documents TO '/tmp/x'" }, 'SQL_INVALID')).toContain('COPY');
    expect(await refused({ sql: 'SELECT $a' }, 'SQL_INVALID')).toContain('$a');
    expect(await refused({ sql: 'SELECT 1', params: { b: 1 } }, 'SQL_INVALID')).toContain('$b');
    expect(
      await refused({ sql: 'SELECT count(*) FROM range(10000000000) a, range(1000) b' }, 'SQL_TIMEOUT'),
    ).toContain('1 s');
    expect(await refused({ sql: 'SELECT 1', parameters: [] }, 'USAGE')).toContain('body');
    expect(await refused({ sql: 1 }, 'USAGE')).toContain('sql');
    // So few bytes are less than what is taken before the head is sent.
    expect(await refused({ sql: 'SELECT 1 AS a FROM range(5001)' }, 'SQL_LIMIT')).toContain('5,000 rows');
    await test.problem('POST', '/v1/sql', 'USAGE', {
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    await test.problem('POST', '/v1/sql', 'INPUT_UNSUPPORTED', {
      headers: { 'content-type': 'text/xml' },
      body: 'x',
    });
    await test.problem('POST', '/v1/sql', 'INPUT_TOO_LARGE', {
      headers: { 'content-type': 'text/plain' },
      body: 'x'.repeat(1_000_001),
    });
    await test.problem('POST', '/v1/sql', 'NOT_ACCEPTABLE', {
      json: { sql: 'SELECT 1' },
      headers: { accept: 'image/png' },
    });
    expect(await test.json('POST', '/v1/sql', { json: { sql: 'SELECT 1 AS one' } })).toEqual([{ one: 1 }]);
  });

  it('refuses what does not fit the line', async () => {
    const test = await api({ sqlWaiting: 0 });
    const slow = new AbortController();
    const first = test.app.request('http://localhost/v1/sql', {
      method: 'POST',
      headers: { host: 'localhost' },
      body: 'SELECT count(*) FROM range(10000000000) a, range(1000) b',
      signal: slow.signal,
    });
    while (test.context.sql.load.running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await test.problem('POST', '/v1/sql', 'SERVICE_BUSY', { json: { sql: 'SELECT 1' } });
    slow.abort();
    expect((await first).status).toBe(503);
    expect(await test.json('POST', '/v1/sql', { json: { sql: 'SELECT 1 AS one' } })).toEqual([{ one: 1 }]);
  });

  it('sees a commit as soon as it is there, whole', async () => {
    const test = await api();
    const count = {
      json: {
        sql: 'SELECT count(*)::INT AS n, (SELECT count(*)::INT FROM commits) AS c, (SELECT count(*)::INT FROM shards) AS s FROM documents',
      },
    };
    expect(await test.json('POST', '/v1/sql', count)).toEqual([{ n: 100, c: 2, s: 2 }]);
    await commitDocuments(test.workspace, 3, 100, 110);
    expect(await test.json('POST', '/v1/sql', count)).toEqual([{ n: 110, c: 3, s: 3 }]);
  });
});

describe('reports', () => {
  it('are listed with their parameters, in pages', async () => {
    const test = await api();
    const all = await listReports();
    const first = await test.json<{ items: { name: string }[]; next_cursor: string }>(
      'GET',
      '/v1/reports?limit=3',
    );
    expect(first.items.map(({ name }) => name)).toEqual(all.slice(0, 3).map(({ name }) => name));
    const rest = await test.json<{ items: { name: string }[]; next_cursor: null }>(
      'GET',
      `/v1/reports?cursor=${first.next_cursor}`,
    );
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(all.map(({ name }) => name));
    await test.problem('GET', '/v1/reports?cursor=x', 'USAGE');
  });

  it('run with parameters in the query or in the body', async () => {
    const test = await api();
    const domains = await test.json('GET', '/v1/reports/domains?limit=1&dataset=crawl');
    expect(domains).toEqual([
      { dataset: 'crawl', host: 'b.example', documents: 75, kept: 25, percent_kept: 33.33, tokens: 1275 },
    ]);
    const body = { json: { params: { dataset: 'crawl', limit: '1' } } };
    expect(await test.json('POST', '/v1/reports/domains', body)).toEqual(domains);
    expect(await test.json('POST', '/v1/reports/languages', { json: { limit: 0 } })).toEqual([]);
    const csv = await test.request('GET', '/v1/reports/commits', { headers: { accept: 'text/csv' } });
    expect((await csv.text()).split('\r\n')[1]).toBe('crawl,1,60,60,30,30,15,0,900,60,60,30,900,50');
    await test.problem('GET', '/v1/reports/nothing', 'REPORT_NOT_FOUND');
    await test.problem('POST', '/v1/reports/nothing', 'REPORT_NOT_FOUND', { json: {} });
    await test.problem('GET', '/v1/reports/domains?limit=many', 'USAGE');
    await test.problem('GET', '/v1/reports/domains?x=1', 'USAGE');
    await test.problem('POST', '/v1/reports/domains', 'USAGE', { json: { params: { x: 1 } } });
  });
});

it('lineage leads from every row of real shards to the document that is there', async () => {
  const root = await crawlWorkspace();
  const test = await testApi({ workspace: root, settings: { sqlProcesses: 1 } });
  const { folder } = test.workspace.dataset('crawl');
  const shards = await test.json<{ name: string; path: string }[]>('POST', '/v1/sql', {
    json: { sql: 'SELECT name, path FROM shards ORDER BY name' },
  });
  expect(shards.length).toBeGreaterThan(2);
  for (const { name, path } of shards) {
    const table = tableFromIPC(await readFile(join(folder, path)));
    const ids = [...(table.getChild('document_id') as Iterable<string>)];
    const rows = await test.json<{ row: number; document_id: string; tokens: number }[]>(
      'GET',
      `/v1/reports/lineage?dataset=crawl&shard=${name}&limit=100000`,
    );
    expect(rows.map(({ row, document_id }) => [row, document_id])).toEqual(ids.map((id, i) => [i, id]));
    const tokens = [...(table.getChild('tokens') as Iterable<{ length: number }>)];
    expect(rows.map((row) => row.tokens)).toEqual(tokens.map(({ length }) => length));
  }
});

describe('over a socket', () => {
  const ENDLESS = 'SELECT i, md5(i::VARCHAR) AS h FROM range(1000000000) t(i)';

  /** Sends a query; the response as it begins. */
  async function send(url: string, sql: string): Promise<IncomingMessage> {
    const request = httpRequest(`${url}/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', accept: 'text/csv' },
    });
    request.on('error', () => undefined);
    request.end(sql);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }

  it('a client that goes away frees its place, and its statement is interrupted', async () => {
    const workspace = await sampleWorkspace(await testFolder());
    const service = await startTestService({
      workspace: workspace.root,
      arguments: ['--sql-processes', '1', '--sql-waiting', '0', '--sql-timeout', '100'],
    });
    const ask = async (): Promise<Response> =>
      fetch(`${service.url}/v1/sql`, {
        method: 'POST',
        headers: { accept: 'text/csv' },
        body: 'SELECT 1 AS one',
      });
    const response = await send(service.url, ENDLESS);
    expect(response.statusCode).toBe(200);
    await once(response, 'data');
    expect((await ask()).status).toBe(503);
    response.destroy();
    // The only process has to be free again long before its time is over.
    let free = await ask();
    while (free.status === 503) free = await ask();
    expect(await free.text()).toBe('one\r\n1\r\n');
    const before = new AbortController();
    const computing = fetch(`${service.url}/v1/sql`, {
      method: 'POST',
      body: 'SELECT sum(a.i * b.i) FROM range(10000000000) a(i), range(10000000) b(i)',
      signal: before.signal,
    }).catch(() => 'gone');
    while ((await ask()).status !== 503);
    before.abort();
    expect(await computing).toBe('gone');
    while ((await ask()).status === 503);
    expect((await ask()).status).toBe(200);
  });

  it('an error in the middle breaks the connection off', async () => {
    const workspace = await sampleWorkspace(await testFolder());
    const service = await startTestService({
      workspace: workspace.root,
      arguments: ['--sql-max-rows', '50000'],
    });
    const response = await send(service.url, ENDLESS);
    expect(response.statusCode).toBe(200);
    let bytes = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
    };
    await expect(read()).rejects.toThrow('aborted');
    expect([bytes > 100_000, response.complete]).toEqual([true, false]);
  });

  it('a query process that dies takes no other request with it', async () => {
    const workspace = await sampleWorkspace(await testFolder());
    const service = await startTestService({
      workspace: workspace.root,
      arguments: ['--sql-processes', '1', '--sql-memory', '20MB'],
    });
    const response = await fetch(`${service.url}/v1/sql`, {
      method: 'POST',
      body: `SELECT length(repeat('x', 4000000000))`,
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'SQL_LIMIT']);
    const answer = await fetch(`${service.url}/v1/sql`, { method: 'POST', body: 'SELECT 1 AS one' });
    expect(await answer.json()).toEqual([{ one: 1 }]);
    service.child.kill('SIGTERM');
    expect((await service.ended).status).toBe(0);
    expect(await readdir(join(workspace.root, 'datasets'))).toEqual(['crawl']);
  });
});
