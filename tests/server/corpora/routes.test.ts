/** Corpora over HTTP, without a socket: every route, what it answers and each way to fail. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { testApi, type TestApi } from '../support.js';
import { brokenStream } from './streams.js';

/** Of "abc", from FIPS 180-2, appendix B.1. */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const ABC_BASE64 = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';

async function put(
  api: TestApi,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const length = String(Buffer.byteLength(body));
  return api.request('PUT', `/v1/corpora/${path}`, {
    body,
    headers: { 'content-length': length, ...headers },
  });
}

/** Names below the uploads folder, but for what the store keeps for itself in `.records`. */
async function visible(api: TestApi): Promise<string[]> {
  const names = await readdir(api.workspace.uploads, { recursive: true });
  return names.filter((name) => !name.startsWith('.')).sort();
}

describe('PUT', () => {
  test('a file, with its size and SHA-256', async () => {
    const api = await testApi();
    const response = await put(api, 'letters/files/abc.txt', 'abc');
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/v1/corpora/letters/files/abc.txt');
    expect(response.headers.get('etag')).toBe(`"${ABC}"`);
    expect(response.headers.get('repr-digest')).toBe(`sha-256=:${ABC_BASE64}:`);
    expect(await response.json()).toEqual({
      corpus: 'letters',
      file: 'abc.txt',
      bytes: 3,
      sha256: ABC,
      modified: expect.any(String) as string,
      created: true,
      job: null,
      job_problem: null,
    });
    expect(await readFile(join(api.workspace.uploads, 'letters', 'abc.txt'), 'utf8')).toBe('abc');
    expect(await readdir(join(api.workspace.uploads, '.partial'))).toEqual([]);
  });

  test('an empty file', async () => {
    const api = await testApi();
    const body = (await (await put(api, 'c/files/empty', '')).json()) as Record<string, unknown>;
    expect([body['bytes'], body['sha256']]).toEqual([
      0,
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    ]);
  });

  test('a body that does not say its length', async () => {
    const api = await testApi();
    const parts = Array.from({ length: 100 }, (_, n) => Buffer.alloc(50_000, n));
    const body = Readable.toWeb(Readable.from(parts)) as ReadableStream;
    const made = await api.json('PUT', '/v1/corpora/c/files/f', { body, status: 201 });
    const sha256 = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    expect([made['bytes'], made['sha256']]).toEqual([5_000_000, sha256]);
  });

  test('with its digest, in every form', async () => {
    const api = await testApi();
    const digests = [
      ['x-checksum-sha256', ABC],
      ['x-checksum-sha256', ABC.toUpperCase()],
      ['repr-digest', `sha-256=:${ABC_BASE64}:`],
      ['repr-digest', `md5=:kAFQmDzST7DWlj99KOF/cg==:, sha-256=:${ABC_BASE64}:`],
      ['content-digest', `sha-256=:${ABC_BASE64}:`],
      ['digest', `SHA-256=${ABC_BASE64}`],
      ['digest', 'md5=kAFQmDzST7DWlj99KOF/cg=='],
    ];
    for (const [n, [name, value]] of digests.entries()) {
      const { status } = await put(api, `c/files/${n}`, 'abc', { [name]: value });
      expect(status, `${name}: ${value}`).toBe(201);
    }
  });

  test.each(['x-checksum-sha256', 'repr-digest', 'content-digest', 'digest'])(
    'a %s that the body does not have leaves nothing',
    async (name) => {
      const api = await testApi();
      const text =
        name === 'x-checksum-sha256' ? ABC : `sha-256=${name === 'digest' ? ABC_BASE64 : `:${ABC_BASE64}:`}`;
      const problem = await api.problem('PUT', '/v1/corpora/c/files/f', 'CHECKSUM_MISMATCH', {
        body: 'abd',
        headers: { [name]: text },
      });
      expect(problem.status).toBe(422);
      expect(await visible(api)).toEqual([]);
      expect(api.context.corpora.space.taken).toBe(0);
      expect((await put(api, 'c/files/f', 'abc', { [name]: text })).status).toBe(201);
    },
  );

  test('refuses digests that are not well formed, and two that differ', async () => {
    const api = await testApi();
    const refused: Record<string, string>[] = [
      { 'x-checksum-sha256': 'abc' },
      { 'repr-digest': `sha-256=${ABC_BASE64}` },
      { 'repr-digest': 'sha-256=:AAAA:' },
      { digest: 'sha-256=AAAA' },
      { 'x-checksum-sha256': ABC.replace('b', 'c'), digest: `sha-256=${ABC_BASE64}` },
    ];
    for (const headers of refused) {
      await api.problem('PUT', '/v1/corpora/c/files/f', 'USAGE', { body: 'abc', headers });
    }
    expect(await visible(api)).toEqual([]);
  });

  test('a complete file stays as it is: 409, or 200 where the SHA-256 given is its own', async () => {
    const api = await testApi();
    await put(api, 'c/files/f', 'abc');
    expect((await put(api, 'c/files/f', 'abc')).status).toBe(409);
    const other = createHash('sha256').update('other').digest('hex');
    expect((await put(api, 'c/files/f', 'other', { 'x-checksum-sha256': other })).status).toBe(409);
    const same = await put(api, 'c/files/f', 'abc', { 'x-checksum-sha256': ABC });
    expect([same.status, ((await same.json()) as { created: boolean }).created]).toEqual([200, false]);
    expect(await (await api.request('GET', '/v1/corpora/c/files/f')).text()).toBe('abc');
  });

  test('two at once with one name: one file, whole', async () => {
    const api = await testApi();
    const bodies = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
    const answers = await Promise.all(bodies.map((body) => put(api, 'c/files/f', body)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    const winner = answers.findIndex(({ status }) => status === 201);
    expect(await (await api.request('GET', '/v1/corpora/c/files/f')).text()).toBe(bodies[winner]);
    expect(api.context.corpora.space.taken).toBe(300_000);
  });

  test('a body that breaks off leaves nothing', async () => {
    const api = await testApi();
    const body = brokenStream(Buffer.alloc(100_000));
    await api.problem('PUT', '/v1/corpora/c/files/f', 'INTERRUPTED', { body });
    expect(await visible(api)).toEqual([]);
    expect(await readdir(join(api.workspace.uploads, '.partial'))).toEqual([]);
    expect(api.context.corpora.space.taken).toBe(0);
  });

  test('refuses names that are not names', async () => {
    const api = await testApi();
    for (const [corpus, file] of [
      ['.hidden', 'f'],
      ['..', 'f'],
      ['a%2Fb', 'f'],
      ['a'.repeat(65), 'f'],
      ['c', '.f'],
      ['c', '..%2F..%2Fdataset.json'],
      ['c', 'a%00b'],
      ['c', 'a%5Cb'],
      ['c', '-rf'],
      ['c', 'a'.repeat(201)],
      ['c', 'a%0Ab'],
    ]) {
      const response = await api.request('PUT', `/v1/corpora/${corpus}/files/${file}`, { body: 'abc' });
      // An URL has its dots resolved before it is sent.
      expect(response.status, `${corpus} ${file}`).toBe(corpus === '..' ? 404 : 400);
    }
    expect(await visible(api)).toEqual([]);
  });

  test('names as crawls have them', async () => {
    const api = await testApi();
    for (const name of [
      'CC-MAIN-20240220211055-20240221001055-00000.warc.gz',
      'a'.repeat(200),
      'x+y=z@1,2_3',
    ]) {
      expect((await put(api, `c/files/${name}`, 'abc')).status).toBe(201);
    }
  });
});

describe('limits', () => {
  test('the quota counts complete files and what is under way, and is checked before the body', async () => {
    const api = await testApi({ settings: { uploadQuota: 1000 } });
    await put(api, 'c/files/a', 'x'.repeat(600));
    let read = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          read = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const problem = await api.problem('PUT', '/v1/corpora/c/files/b', 'QUOTA_EXCEEDED', {
      body,
      headers: { 'content-length': '401' },
    });
    expect([problem.status, read]).toEqual([413, false]);
    expect((await put(api, 'c/files/b', 'x'.repeat(400))).status).toBe(201);
    await api.request('DELETE', '/v1/corpora/c/files/a');
    expect((await put(api, 'c/files/a', 'x'.repeat(600))).status).toBe(201);
  });

  test('a body of unknown length may have exactly what is left', async () => {
    const api = await testApi({ settings: { uploadQuota: 100_000 } });
    const stream = (bytes: number): ReadableStream =>
      Readable.toWeb(Readable.from([Buffer.alloc(bytes / 2), Buffer.alloc(bytes / 2)])) as ReadableStream;
    await api.problem('PUT', '/v1/corpora/c/files/f', 'QUOTA_EXCEEDED', { body: stream(100_002) });
    expect(await visible(api)).toEqual([]);
    await api.json('PUT', '/v1/corpora/c/files/f', { body: stream(100_000), status: 201 });
  });

  test('the largest file, and the space that stays free', async () => {
    const small = await testApi({ settings: { uploadMaxFile: 10 } });
    const headers = { 'content-length': '11' };
    await small.problem('PUT', '/v1/corpora/c/files/f', 'INPUT_TOO_LARGE', { body: 'x'.repeat(11), headers });
    expect((await put(small, 'c/files/f', 'x'.repeat(10))).status).toBe(201);
    const full = await testApi({ settings: { uploadKeepFree: 1e18 } });
    const problem = await full.problem('PUT', '/v1/corpora/c/files/f', 'DISK_FULL', { body: 'x' });
    expect(problem.status).toBe(507);
  });

  test('bodies of uploads are not bound by maxBody', async () => {
    const api = await testApi({ settings: { maxBody: 10 } });
    expect((await put(api, 'c/files/f', 'x'.repeat(1000))).status).toBe(201);
  });
});

describe('GET, HEAD and DELETE', () => {
  async function withAlphabet(): Promise<TestApi> {
    const api = await testApi();
    await put(api, 'c/files/f', 'abcdefghijklmnopqrstuvwxyz');
    return api;
  }
  const path = '/v1/corpora/c/files/f';

  test('the whole file, its head, and 304', async () => {
    const api = await withAlphabet();
    const response = await api.request('GET', path);
    expect(await response.text()).toBe('abcdefghijklmnopqrstuvwxyz');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="f"');
    const head = await api.request('HEAD', path);
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '26', '']);
    const etag = response.headers.get('etag') ?? '';
    for (const tag of [etag, `"x", W/${etag}`, '*']) {
      expect((await api.request('GET', path, { headers: { 'if-none-match': tag } })).status).toBe(304);
    }
    expect((await api.request('GET', path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
  });

  test('ranges, in the forms of RFC 9110, section 14.1.2', async () => {
    const api = await withAlphabet();
    const whole = 'abcdefghijklmnopqrstuvwxyz';
    for (const [range, status, text, contentRange] of [
      ['bytes=0-2', 206, 'abc', 'bytes 0-2/26'],
      ['bytes=23-', 206, 'xyz', 'bytes 23-25/26'],
      ['bytes=-2', 206, 'yz', 'bytes 24-25/26'],
      ['bytes=20-1000', 206, 'uvwxyz', 'bytes 20-25/26'],
      ['bytes=-1000', 206, whole, 'bytes 0-25/26'],
      ['bytes=25-25', 206, 'z', 'bytes 25-25/26'],
      ['bytes=0-0,2-2', 200, whole, null],
      ['bytes=5-2', 200, whole, null],
      ['lines=1-2', 200, whole, null],
    ] as const) {
      const response = await api.request('GET', path, { headers: { range } });
      const found = [response.status, await response.text(), response.headers.get('content-range')];
      expect(found, range).toEqual([status, text, contentRange]);
    }
    for (const range of ['bytes=26-', 'bytes=100-200', 'bytes=-0']) {
      const response = await api.request('GET', path, { headers: { range } });
      expect([response.status, response.headers.get('content-range')], range).toEqual([416, 'bytes */26']);
    }
  });

  test('If-Range with the tag of the file, and of another', async () => {
    const api = await withAlphabet();
    const etag = (await api.request('HEAD', path)).headers.get('etag') ?? '';
    const get = (tag: string): Promise<Response> =>
      api.request('GET', path, { headers: { range: 'bytes=0-0', 'if-range': tag } });
    expect((await get(etag)).status).toBe(206);
    expect((await get('"other"')).status).toBe(200);
  });

  test('delete: the corpus goes with its last file, and the name is free again', async () => {
    const api = await withAlphabet();
    await put(api, 'c/files/g', 'abc');
    expect((await api.request('DELETE', path)).status).toBe(204);
    await api.problem('GET', path, 'FILE_NOT_FOUND');
    await api.problem('DELETE', path, 'FILE_NOT_FOUND');
    expect((await api.request('DELETE', '/v1/corpora/c/files/g')).status).toBe(204);
    await api.problem('GET', path, 'CORPUS_NOT_FOUND');
    await api.problem('DELETE', path, 'CORPUS_NOT_FOUND');
    await api.problem('GET', '/v1/corpora/c', 'CORPUS_NOT_FOUND');
    await api.problem('GET', '/v1/corpora/c/files', 'CORPUS_NOT_FOUND');
    expect(await visible(api)).toEqual([]);
    expect(api.context.corpora.space.taken).toBe(0);
    expect((await put(api, 'c/files/f', 'other')).status).toBe(201);
  });
});

describe('lists', () => {
  test('pages of corpora and of files', async () => {
    const api = await testApi();
    expect(await api.json('GET', '/v1/corpora')).toEqual({ items: [], next_cursor: null });
    for (const name of ['b/files/2', 'a/files/1', 'b/files/1', 'b/files/3']) await put(api, name, 'abc');
    const first = await api.json<{ items: unknown[]; next_cursor: string }>('GET', '/v1/corpora?limit=1');
    expect(first.items).toEqual([{ corpus: 'a', files: 1, bytes: 3 }]);
    expect(await api.json('GET', `/v1/corpora?limit=1&cursor=${first.next_cursor}`)).toEqual({
      items: [{ corpus: 'b', files: 3, bytes: 9 }],
      next_cursor: null,
    });
    expect(await api.json('GET', '/v1/corpora/b')).toEqual({ corpus: 'b', files: 3, bytes: 9 });
    const names: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: { file: string }[]; next_cursor: string | null } = await api.json(
        'GET',
        `/v1/corpora/b/files?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      names.push(page.items.map(({ file }) => file));
      cursor = page.next_cursor;
    }
    expect(names).toEqual([['1', '2'], ['3']]);
    await api.problem('GET', '/v1/corpora?cursor=x', 'USAGE');
    await api.problem('GET', '/v1/corpora/b/files?limit=0', 'USAGE');
  });

  test('a file that something else put there has no SHA-256, but serves', async () => {
    const api = await testApi();
    await mkdir(join(api.workspace.uploads, 'mine'), { recursive: true });
    await writeFile(join(api.workspace.uploads, 'mine', 'notes.txt'), 'abc');
    const { items } = await api.json<{ items: Record<string, unknown>[] }>('GET', '/v1/corpora/mine/files');
    expect(items).toMatchObject([{ file: 'notes.txt', bytes: 3, sha256: null }]);
    const response = await api.request('GET', '/v1/corpora/mine/files/notes.txt', {
      headers: { range: 'bytes=0-0' },
    });
    expect([response.status, await response.text(), response.headers.get('repr-digest')]).toEqual([
      206,
      'a',
      null,
    ]);
    expect((await put(api, 'mine/files/notes.txt', 'abc', { 'x-checksum-sha256': ABC })).status).toBe(409);
  });
});

describe('access', () => {
  const token = 'a-token-of-the-tests';
  test('reading asks for read, changing for write', async () => {
    const api = await testApi({ settings: { token } });
    const headers = { authorization: `Bearer ${token}` };
    expect((await put(api, 'c/files/f', 'abc', headers)).status).toBe(201);
    for (const [method, path] of [
      ['GET', '/v1/corpora'],
      ['GET', '/v1/corpora/c'],
      ['GET', '/v1/corpora/c/files'],
      ['GET', '/v1/corpora/c/files/f'],
      ['PUT', '/v1/corpora/c/files/g'],
      ['DELETE', '/v1/corpora/c/files/f'],
      ['GET', '/v1/uploads'],
      ['POST', '/v1/uploads'],
    ]) {
      await api.problem(method, path, 'UNAUTHENTICATED');
    }
    expect(await visible(api)).toEqual(['c', 'c/f']);
  });
});
