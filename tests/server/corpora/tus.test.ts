/** tus 1.0 over HTTP, without a socket: what https://tus.io/protocols/resumable-upload asks, section by section. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { testApi, testFolder, type TestApi } from '../support.js';
import { brokenStream } from './streams.js';

const CHUNK = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' };

function metadata(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
}

async function create(api: TestApi, length: number, pairs: Record<string, string> = {}): Promise<string> {
  const response = await api.request('POST', '/v1/uploads', {
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(length),
      'upload-metadata': metadata({ corpus: 'c', filename: 'f', ...pairs }),
    },
  });
  expect(response.status).toBe(201);
  return response.headers.get('location') ?? '';
}

async function patch(
  api: TestApi,
  path: string,
  offset: number,
  body: RequestInit['body'],
  headers: Record<string, string> = {},
): Promise<Response> {
  return api.request('PATCH', path, {
    body,
    headers: { ...CHUNK, 'upload-offset': String(offset), ...headers },
  });
}

async function head(api: TestApi, path: string): Promise<Response> {
  return api.request('HEAD', path, { headers: { 'tus-resumable': '1.0.0' } });
}

async function offsetOf(api: TestApi, path: string): Promise<string | null> {
  return (await head(api, path)).headers.get('upload-offset');
}

async function text(api: TestApi): Promise<string> {
  return readFile(join(api.workspace.uploads, 'c', 'f'), 'utf8');
}

describe('core', () => {
  test('an upload in three requests', async () => {
    const api = await testApi();
    const path = await create(api, 9);
    const started = await head(api, path);
    expect(
      Object.fromEntries([...started.headers].filter(([name]) => /^(?:upload|tus|cache)/.test(name))),
    ).toEqual({
      'upload-offset': '0',
      'upload-length': '9',
      'upload-metadata': 'corpus Yw==,filename Zg==',
      'upload-expires': expect.any(String) as string,
      'tus-resumable': '1.0.0',
      'cache-control': 'no-store',
    });
    let offset = 0;
    for (const part of ['abc', 'def', 'ghi']) {
      await expect(text(api)).rejects.toMatchObject({ code: 'ENOENT' });
      const response = await patch(api, path, offset, part);
      offset += 3;
      expect([response.status, response.headers.get('upload-offset')]).toEqual([204, String(offset)]);
      expect(response.headers.get('tus-resumable')).toBe('1.0.0');
    }
    expect(await text(api)).toBe('abcdefghi');
    // The answer to the last request may get lost: the client asks, and learns that it has finished.
    expect(await offsetOf(api, path)).toBe('9');
    const sha256 = createHash('sha256').update('abcdefghi').digest('hex');
    expect(await api.json('GET', path)).toMatchObject({ state: 'complete', offset: 9, bytes: 9, sha256 });
  });

  test('a request that does not begin at the offset changes nothing', async () => {
    const api = await testApi();
    const path = await create(api, 6);
    await patch(api, path, 0, 'abc');
    for (const offset of [0, 2, 4, 6]) expect((await patch(api, path, offset, 'xyz')).status).toBe(409);
    expect(await offsetOf(api, path)).toBe('3');
    await patch(api, path, 3, 'def');
    expect(await text(api)).toBe('abcdef');
    expect((await patch(api, path, 3, 'def')).status).toBe(409);
  });

  test('what arrived before the connection broke counts', async () => {
    const api = await testApi();
    const path = await create(api, 9);
    const body = brokenStream('abc', 'de');
    await api.problem('PATCH', path, 'INTERRUPTED', { body, headers: { ...CHUNK, 'upload-offset': '0' } });
    expect(await offsetOf(api, path)).toBe('5');
    await patch(api, path, 5, 'fghi');
    expect(await text(api)).toBe('abcdefghi');
  });

  test('more than the length is refused, and not kept', async () => {
    const api = await testApi();
    const path = await create(api, 4);
    await patch(api, path, 0, 'ab');
    const long = { ...CHUNK, 'upload-offset': '2' };
    await api.problem('PATCH', path, 'INPUT_TOO_LARGE', {
      body: 'cde',
      headers: { ...long, 'content-length': '3' },
    });
    const stream = Readable.toWeb(Readable.from([Buffer.from('cd'), Buffer.from('e')])) as ReadableStream;
    await api.problem('PATCH', path, 'INPUT_TOO_LARGE', { body: stream, headers: long });
    expect(await offsetOf(api, path)).toBe('2');
    await patch(api, path, 2, 'cd');
    expect(await text(api)).toBe('abcd');
    const made = await api.json('GET', path);
    expect(made['sha256']).toBe(createHash('sha256').update('abcd').digest('hex'));
  });

  test('wrong version, type, offset, length', async () => {
    const api = await testApi();
    const path = await create(api, 4);
    const wrong = await api.request('POST', '/v1/uploads', { headers: { 'tus-resumable': '0.2.2' } });
    expect([wrong.status, wrong.headers.get('tus-version')]).toEqual([412, '1.0.0']);
    await api.problem('PATCH', path, 'UPLOAD_VERSION', { body: 'abcd' });
    await api.problem('DELETE', path, 'UPLOAD_VERSION');
    expect((await api.request('HEAD', path)).status).toBe(412);
    const version = { 'tus-resumable': '1.0.0' };
    await api.problem('PATCH', path, 'INPUT_UNSUPPORTED', {
      body: 'abcd',
      headers: { ...version, 'upload-offset': '0', 'content-type': 'text/plain' },
    });
    for (const offset of ['', '-1', '0x0', '1.5', '9'.repeat(16)]) {
      await api.problem('PATCH', path, 'USAGE', {
        body: 'abcd',
        headers: { ...CHUNK, 'upload-offset': offset },
      });
    }
    await api.problem('PATCH', path, 'USAGE', { body: 'abcd', headers: CHUNK });
    const pairs = { 'upload-metadata': metadata({ corpus: 'c', filename: 'g' }) };
    for (const length of ['-1', 'x', '']) {
      await api.problem('POST', '/v1/uploads', 'USAGE', {
        headers: { ...version, ...pairs, 'upload-length': length },
      });
    }
    await api.problem('POST', '/v1/uploads', 'USAGE', { headers: { ...version, ...pairs } });
    const deferred = { ...version, ...pairs, 'upload-length': '3', 'upload-defer-length': '1' };
    await api.problem('POST', '/v1/uploads', 'USAGE', { headers: deferred });
  });

  test('an upload that is not there', async () => {
    const api = await testApi();
    const path = `/v1/uploads/${'0'.repeat(32)}`;
    expect((await head(api, path)).status).toBe(404);
    await api.problem('GET', path, 'UPLOAD_NOT_FOUND');
    await api.problem('PATCH', path, 'UPLOAD_NOT_FOUND', {
      body: 'x',
      headers: { ...CHUNK, 'upload-offset': '0' },
    });
    await api.problem('DELETE', path, 'UPLOAD_NOT_FOUND', { headers: { 'tus-resumable': '1.0.0' } });
    await api.problem('GET', '/v1/uploads/..%2F..%2Fx', 'USAGE');
  });

  test('OPTIONS says what is spoken', async () => {
    const api = await testApi({ settings: { uploadMaxFile: 1234 } });
    const response = await api.request('OPTIONS', '/v1/uploads');
    expect([
      response.status,
      response.headers.get('tus-version'),
      response.headers.get('tus-max-size'),
    ]).toEqual([204, '1.0.0', '1234']);
    expect(response.headers.get('tus-extension')?.split(',').sort()).toEqual([
      'checksum',
      'creation',
      'creation-with-upload',
      'expiration',
      'termination',
    ]);
    expect(response.headers.get('tus-checksum-algorithm')?.split(',')).toContain('sha1');
  });

  test('X-HTTP-Method-Override', async () => {
    const api = await testApi();
    const path = await create(api, 3);
    const override = (method: string, headers = {}): Promise<Response> =>
      api.request('POST', path, {
        body: 'abc',
        headers: { ...CHUNK, 'x-http-method-override': method, ...headers },
      });
    expect((await override('PUT')).status).toBe(400);
    expect((await override('PATCH', { 'upload-offset': '0' })).status).toBe(204);
    expect(await text(api)).toBe('abc');
    expect((await override('DELETE')).status).toBe(204);
    expect((await head(api, path)).status).toBe(404);
  });
});

describe('creation', () => {
  test('an upload of no bytes is complete at once', async () => {
    const api = await testApi();
    const path = await create(api, 0);
    expect(await api.json('GET', path)).toMatchObject({ state: 'complete' });
    expect(await text(api)).toBe('');
  });

  test('with its first bytes, and with all', async () => {
    const api = await testApi();
    const send = (body: string, filename: string): Promise<Response> =>
      api.request('POST', '/v1/uploads', {
        body,
        headers: { ...CHUNK, 'upload-length': '6', 'upload-metadata': metadata({ corpus: 'c', filename }) },
      });
    const begun = await send('abc', 'f');
    expect([begun.status, begun.headers.get('upload-offset')]).toEqual([201, '3']);
    await patch(api, begun.headers.get('location') ?? '', 3, 'def');
    expect(await text(api)).toBe('abcdef');
    const whole = await send('uvwxyz', 'g');
    expect([whole.status, whole.headers.get('upload-offset')]).toEqual([201, '6']);
    expect(await (await api.request('GET', '/v1/corpora/c/files/g')).text()).toBe('uvwxyz');
    expect((await send('1234567', 'h')).status).toBe(413);
    expect(api.context.corpora.list()).toHaveLength(2);
  });

  test('refuses metadata that cannot be used', async () => {
    const api = await testApi();
    for (const [value, why] of [
      ['', 'no keys'],
      [metadata({ corpus: 'c' }), 'no file name'],
      [metadata({ filename: 'f' }), 'no corpus'],
      [`${metadata({ corpus: 'c', filename: 'f' })},corpus Yw==`, 'a key twice'],
      ['corpus !!!,filename Zg==', 'not Base64'],
      [metadata({ corpus: '../c', filename: 'f' }), 'a path'],
      [metadata({ corpus: 'c', filename: 'a/b' }), 'a path in the file'],
      [metadata({ corpus: 'c', filename: 'f', sha256: 'abc' }), 'no SHA-256'],
      [metadata({ corpus: 'c', filename: 'f', note: 'x'.repeat(5000) }), 'too long'],
      [metadata({ corpus: 'c', filename: 'f', ingest: '../d' }), 'no name of a dataset'],
    ]) {
      const headers = { 'tus-resumable': '1.0.0', 'upload-length': '3', 'upload-metadata': value };
      const response = await api.request('POST', '/v1/uploads', { headers });
      expect(response.status, why).toBe(400);
    }
    expect(await readdir(join(api.workspace.uploads, '.partial'))).toEqual([]);
  });

  test('a file that is there already, the quota, the largest file', async () => {
    const api = await testApi({ settings: { uploadQuota: 100, uploadMaxFile: 80 } });
    await api.request('PUT', '/v1/corpora/c/files/there', { body: 'abc' });
    const begin = (length: number, filename: string): { headers: Record<string, string> } => ({
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(length),
        'upload-metadata': metadata({ corpus: 'c', filename }),
      },
    });
    await api.problem('POST', '/v1/uploads', 'FILE_EXISTS', begin(3, 'there'));
    await api.problem('POST', '/v1/uploads', 'INPUT_TOO_LARGE', begin(81, 'f'));
    // What an upload under way was promised is taken.
    const path = await create(api, 70);
    await api.problem('POST', '/v1/uploads', 'QUOTA_EXCEEDED', begin(28, 'g'));
    await api.request('DELETE', path, { headers: { 'tus-resumable': '1.0.0' } });
    expect((await api.request('POST', '/v1/uploads', begin(28, 'g'))).status).toBe(201);
  });
});

describe('checksum', () => {
  const base64 = (algorithm: string, value: string): string =>
    `${algorithm} ${createHash(algorithm).update(value).digest('base64')}`;

  test.each(['sha1', 'sha256', 'sha512', 'md5'])('%s of a request', async (algorithm) => {
    const api = await testApi();
    const path = await create(api, 6);
    await patch(api, path, 0, 'abc', { 'upload-checksum': base64(algorithm, 'abc') });
    const wrong = await patch(api, path, 3, 'dxf', { 'upload-checksum': base64(algorithm, 'def') });
    expect([wrong.status, await offsetOf(api, path)]).toEqual([460, '3']);
    await patch(api, path, 3, 'def', { 'upload-checksum': base64(algorithm, 'def') });
    expect(await text(api)).toBe('abcdef');
    expect(await api.json('GET', path)).toMatchObject({
      sha256: createHash('sha256').update('abcdef').digest('hex'),
    });
  });

  test('bytes whose checksum never came do not count', async () => {
    const api = await testApi();
    const path = await create(api, 6);
    await patch(api, path, 0, 'abc');
    const headers = { ...CHUNK, 'upload-offset': '3', 'upload-checksum': base64('sha1', 'def') };
    await api.problem('PATCH', path, 'INTERRUPTED', { body: brokenStream('de'), headers });
    expect(await offsetOf(api, path)).toBe('3');
  });

  test('refuses what is not a checksum', async () => {
    const api = await testApi();
    const path = await create(api, 3);
    for (const value of ['crc99 AAAA', 'sha1', 'sha1 AAAA', 'sha1 !!!!', `${base64('sha1', 'abc')} x`]) {
      expect((await patch(api, path, 0, 'abc', { 'upload-checksum': value })).status, value).toBe(400);
    }
    expect(await offsetOf(api, path)).toBe('0');
  });

  test('of the whole file, in the metadata', async () => {
    const api = await testApi();
    const sha256 = createHash('sha256').update('abc').digest('hex');
    const wrong = await create(api, 3, { sha256 });
    const problem = await api.problem('PATCH', wrong, 'CHECKSUM_MISMATCH', {
      body: 'abd',
      headers: { ...CHUNK, 'upload-offset': '0' },
    });
    expect(problem.status).toBe(422);
    expect((await head(api, wrong)).status).toBe(410);
    expect(await api.json('GET', wrong)).toMatchObject({
      state: 'failed',
      failure: expect.stringContaining(sha256) as string,
    });
    expect(api.context.corpora.space.taken).toBe(0);
    const right = await create(api, 3, { sha256 });
    expect((await patch(api, right, 0, 'abc')).status).toBe(204);
  });
});

describe('termination and expiration', () => {
  const version = { headers: { 'tus-resumable': '1.0.0' } };

  test('an unfinished and a finished upload', async () => {
    const api = await testApi();
    const unfinished = await create(api, 6);
    await patch(api, unfinished, 0, 'abc');
    expect((await api.request('DELETE', unfinished, version)).status).toBe(204);
    expect((await head(api, unfinished)).status).toBe(404);
    const finished = await create(api, 3);
    await patch(api, finished, 0, 'abc');
    expect((await api.request('DELETE', finished, version)).status).toBe(204);
    await expect(text(api)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(join(api.workspace.uploads, '.partial'))).toEqual([]);
    expect(api.context.corpora.space.taken).toBe(0);
  });

  test('ending a finished upload spares a file that took its place', async () => {
    const api = await testApi();
    const path = await create(api, 3);
    await patch(api, path, 0, 'abc');
    await api.request('DELETE', '/v1/corpora/c/files/f');
    await api.request('PUT', '/v1/corpora/c/files/f', { body: 'new' });
    expect((await api.request('DELETE', path, version)).status).toBe(204);
    expect(await text(api)).toBe('new');
  });

  test('an upload that nobody touched goes, and one that somebody did stays', async () => {
    const workspace = await testFolder();
    const settings = { uploadExpiry: 3600 };
    const first = await testApi({ workspace, settings });
    const [old, young] = [await create(first, 6), await create(first, 6, { filename: 'g' })];
    await patch(first, old, 0, 'abc');
    await first.context.close();
    const folder = join(first.workspace.uploads, '.partial', old.split('/').at(-1) ?? '');
    const then = new Date(Date.now() - 3_601_000);
    for (const name of ['upload.json', 'data']) await utimes(join(folder, name), then, then);
    const api = await testApi({ workspace, settings });
    const gone = await head(api, old);
    expect(gone.status).toBe(410);
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await offsetOf(api, young)).toBe('0');
    const expires = (await head(api, young)).headers.get('upload-expires') ?? '';
    expect(new Date(expires).toUTCString()).toBe(expires);
    await api.context.corpora.expire();
    expect(api.context.corpora.list().map(({ id }) => `/v1/uploads/${id}`)).toEqual([young]);
  });

  test('the list of uploads, in pages', async () => {
    const api = await testApi();
    const paths = [
      await create(api, 3),
      await create(api, 3, { filename: 'g' }),
      await create(api, 3, { filename: 'h' }),
    ];
    const seen: string[] = [];
    let query = '?limit=2';
    for (;;) {
      const { items, next_cursor } = await api.json<{ items: { id: string }[]; next_cursor: string | null }>(
        'GET',
        `/v1/uploads${query}`,
      );
      seen.push(...items.map(({ id }) => `/v1/uploads/${id}`));
      if (next_cursor === null) break;
      query = `?limit=2&cursor=${next_cursor}`;
    }
    expect(seen).toEqual([...paths].sort());
  });
});

describe('another start of the service', () => {
  test('goes on where the files end', async () => {
    const workspace = await testFolder();
    const first = await testApi({ workspace });
    const path = await create(first, 9);
    await patch(first, path, 0, 'abc');
    await first.context.close();
    const second = await testApi({ workspace });
    expect(await offsetOf(second, path)).toBe('3');
    expect(second.context.corpora.space.taken).toBe(9);
    await patch(second, path, 3, 'defghi');
    expect(await text(second)).toBe('abcdefghi');
    const made = await second.json('GET', path);
    expect(made['sha256']).toBe(createHash('sha256').update('abcdefghi').digest('hex'));
    await second.context.close();
    const third = await testApi({ workspace });
    expect(await offsetOf(third, path)).toBe('9');
    expect(third.context.corpora.space.taken).toBe(9);
  });
});
