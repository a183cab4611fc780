/** What a start of the service makes of the states in which a crash can leave an upload; ingest jobs of uploads. */
import { createHash } from 'node:crypto';
import { link, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { FAKE_COMMAND } from '../jobs/support.js';
import { testApi, testFolder, type TestApi, type TestApiOptions } from '../support.js';

const ID = '0123456789abcdef0123456789abcdef';
const SHA256 = createHash('sha256').update('abcdef').digest('hex');

interface Left {
  readonly data?: string;
  /** Also under its final name: the crash came between link and clean-up. */
  readonly linked?: boolean;
  readonly record?: { readonly upload: string; readonly size: number; readonly sha256: string };
  readonly state?: Record<string, unknown>;
}

/** A workspace as an earlier process left it: an upload of "abcdef" to c/f. */
async function leave({ data, linked, record, state }: Left): Promise<string> {
  const workspace = await testFolder();
  const uploads = join(workspace, 'uploads');
  const partial = join(uploads, '.partial', ID);
  await mkdir(partial, { recursive: true });
  const upload = {
    version: 1,
    kind: 'tus',
    corpus: 'c',
    file: 'f',
    length: 6,
    expected: null,
    ingest: null,
    metadata: 'corpus Yw==,filename Zg==',
    state: 'receiving',
    sha256: null,
    job: null,
    failure: null,
    ...state,
  };
  await writeFile(join(partial, 'upload.json'), JSON.stringify(upload));
  if (data !== undefined) await writeFile(join(partial, 'data'), data);
  if (linked === true) {
    await mkdir(join(uploads, 'c'));
    await link(join(partial, 'data'), join(uploads, 'c', 'f'));
  }
  if (record !== undefined) {
    await mkdir(join(uploads, '.records', 'c'), { recursive: true });
    await writeFile(join(uploads, '.records', 'c', 'f.json'), JSON.stringify({ version: 1, ...record }));
  }
  return workspace;
}

async function offsetOf(api: TestApi): Promise<[number, string | null]> {
  const response = await api.request('HEAD', `/v1/uploads/${ID}`, { headers: { 'tus-resumable': '1.0.0' } });
  return [response.status, response.headers.get('upload-offset')];
}

const own = { upload: ID, size: 6, sha256: SHA256 };
const foreign = { upload: 'f'.repeat(32), size: 6, sha256: '0'.repeat(64) };

describe('an upload that has all its bytes is completed', () => {
  test.each<[string, Left]>([
    ['before it was published', { data: 'abcdef' }],
    ['after its record was written', { data: 'abcdef', record: own }],
    ['after it got its name', { data: 'abcdef', record: own, linked: true }],
    [
      'after its data was let go',
      { record: own, data: 'abcdef', linked: true, state: { state: 'complete', sha256: SHA256 } },
    ],
    ['where the record of a file that never appeared is left', { data: 'abcdef', record: foreign }],
  ])('%s', async (_, left) => {
    const api = await testApi({ workspace: await leave(left) });
    // Asking waits for it, so that a client that hears of all bytes finds the file.
    expect(await offsetOf(api)).toEqual([200, '6']);
    const { items } = await api.json<{ items: unknown[] }>('GET', '/v1/corpora/c/files');
    expect(items).toMatchObject([{ file: 'f', bytes: 6, sha256: SHA256 }]);
    expect(await readdir(join(api.workspace.uploads, '.partial', ID))).toEqual(['upload.json']);
    expect(api.context.corpora.space.taken).toBe(6);
  });

  test('but not where another file took its name', async () => {
    const workspace = await leave({ data: 'abcdef' });
    await mkdir(join(workspace, 'uploads', 'c'));
    await writeFile(join(workspace, 'uploads', 'c', 'f'), 'other!');
    const api = await testApi({ workspace });
    const [status] = await offsetOf(api);
    expect([409, 410]).toContain(status);
    expect(await offsetOf(api)).toEqual([410, null]);
    expect(await readFile(join(workspace, 'uploads', 'c', 'f'), 'utf8')).toBe('other!');
  });
});

describe('an upload that has not', () => {
  test.each<[string, Left & { readonly checking?: string }, string]>([
    ['goes on where its data ends', { data: 'abc' }, '3'],
    ['loses bytes that no checksum confirmed', { data: 'abcde', checking: '2' }, '2'],
    ['keeps all where the mark was not written yet', { data: 'abc', checking: '' }, '3'],
    ['loses bytes beyond its length', { data: 'abcdefgh', state: { length: 7 } }, '7'],
  ])('%s', async (_, { checking, ...left }, offset) => {
    const workspace = await leave(left);
    const folder = join(workspace, 'uploads', '.partial', ID);
    if (checking !== undefined) await writeFile(join(folder, 'checking'), checking);
    const api = await testApi({ workspace });
    expect(await offsetOf(api)).toEqual([200, offset]);
    expect(await readdir(join(api.workspace.uploads, '.partial', ID))).not.toContain('checking');
  });

  test.each<[string, Left]>([
    ['a PUT', { data: 'abc', state: { kind: 'put' } }],
    ['one whose state is not readable', { data: 'abc', state: { version: 2 } }],
    ['one without data', {}],
  ])('%s is removed', async (_, left) => {
    const api = await testApi({ workspace: await leave(left) });
    expect(await offsetOf(api)).toEqual([404, null]);
    expect(await readdir(join(api.workspace.uploads, '.partial'))).toEqual([]);
    expect(api.context.corpora.space.taken).toBe(0);
  });
});

describe('?ingest', () => {
  const withJobs = (options: TestApiOptions = {}): Promise<TestApi> =>
    testApi({ jobCommand: [process.execPath, FAKE_COMMAND], ...options });

  test('starts a job when the file is complete, also for a file that was there', async () => {
    const api = await withJobs();
    const headers = { 'x-checksum-sha256': SHA256 };
    const made = await api.json('PUT', '/v1/corpora/c/files/f?ingest=d', {
      body: 'abcdef',
      headers,
      status: 201,
    });
    expect(made).toMatchObject({ job: '000000001', job_problem: null });
    const job = await api.json('GET', '/v1/jobs/000000001');
    expect(job).toMatchObject({ request: { kind: 'ingest', corpus: 'c', files: ['f'], dataset: 'd' } });
    const again = await api.json('PUT', '/v1/corpora/c/files/f?ingest=e', { body: 'abcdef', headers });
    expect(again).toMatchObject({ created: false, job: '000000002' });
    await api.problem('PUT', '/v1/corpora/c/files/g?ingest=../d', 'USAGE', { body: 'abc' });
  });

  test('a job that cannot be started does not undo the upload, and is started by the next service', async () => {
    const workspace = await testFolder();
    const first = await withJobs({ workspace });
    const metadata = ['corpus Yw==', 'filename Zg==', 'ingest ZA=='].join(',');
    const created = await first.request('POST', '/v1/uploads', {
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '6', 'upload-metadata': metadata },
    });
    const path = created.headers.get('location') ?? '';
    await first.context.jobs.close();
    const response = await first.request('PATCH', path, {
      body: 'abcdef',
      headers: {
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'upload-offset': '0',
      },
    });
    expect(response.status).toBe(204);
    expect(await first.json('GET', path)).toMatchObject({
      state: 'complete',
      job: null,
      job_problem: expect.stringContaining('INTERRUPTED') as string,
    });
    await first.context.close();
    const second = await withJobs({ workspace });
    await vi.waitFor(async () => {
      expect(await second.json('GET', path)).toMatchObject({ job: '000000001', job_problem: null });
    });
  });
});
