/** Uploads to the real service over real sockets: clients that break off, processes that are killed, a disk that is full. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tus from 'tus-js-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startTestService, testFolder, type TestService } from '../support.js';

const TUS = { 'tus-resumable': '1.0.0' };
const CHUNK = { ...TUS, 'content-type': 'application/offset+octet-stream' };

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function metadata(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
}

async function kill(service: TestService): Promise<void> {
  service.child.kill('SIGKILL');
  await service.ended;
}

/** The same service anew, at the same address. */
async function restart(service: TestService, workspace: string): Promise<TestService> {
  return startTestService({ workspace, arguments: ['--port', new URL(service.url).port] });
}

async function fileOf(url: string, path: string): Promise<Record<string, unknown> | undefined> {
  const [corpus, name] = path.split('/');
  const response = await fetch(`${url}/v1/corpora/${corpus}/files`);
  if (!response.ok) return undefined;
  const { items } = (await response.json()) as { items: Record<string, unknown>[] };
  return items.find(({ file }) => file === name);
}

async function createUpload(url: string, length: number, filename: string): Promise<string> {
  const response = await fetch(`${url}/v1/uploads`, {
    method: 'POST',
    headers: {
      ...TUS,
      'upload-length': String(length),
      'upload-metadata': metadata({ corpus: 'c', filename }),
    },
  });
  expect(response.status).toBe(201);
  return response.headers.get('location') ?? '';
}

async function offsetOf(url: string, path: string): Promise<number> {
  const response = await fetch(`${url}${path}`, { method: 'HEAD', headers: TUS });
  expect(response.status).toBe(200);
  return Number(response.headers.get('upload-offset'));
}

/** A connection on which a request is written by hand. */
async function openSocket(url: string): Promise<{ socket: Socket; received(): string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, received: () => text };
}

function head(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

test('a tus client takes 40 MB through three kills of the service', async () => {
  const workspace = await testFolder();
  const data = randomBytes(40_000_000);
  let service = await startTestService({ workspace });
  const kills = [10_000_000, 20_000_000, 30_000_000];
  const offsets: number[] = [];
  let killed = 0;
  let restarting: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    const upload = new tus.Upload(data, {
      endpoint: `${service.url}/v1/uploads`,
      metadata: { corpus: 'c', filename: 'f', sha256: sha256(data) },
      retryDelays: Array.from({ length: 100 }, () => 100),
      onProgress: (sent) => {
        if (restarting !== undefined || !(sent >= kills[killed])) return;
        killed += 1;
        restarting = (async () => {
          await kill(service);
          service = await restart(service, workspace);
          restarting = undefined;
        })();
        restarting.catch(reject);
      },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('upload-offset')));
      },
      onSuccess: () => resolve(),
      onError: reject,
    });
    upload.start();
  });
  await restarting;
  expect(killed).toBe(3);
  // It went on where it had been, every time.
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  expect(offsets.filter((offset) => offset > 0 && offset < data.length).length).toBeGreaterThanOrEqual(2);
  expect(await fileOf(service.url, 'c/f')).toMatchObject({ bytes: 40_000_000, sha256: sha256(data) });
  expect((await readFile(join(workspace, 'uploads', 'c', 'f'))).equals(data)).toBe(true);
});

test('50 uploads at once, by PUT and by tus', async () => {
  const workspace = await testFolder();
  const { url } = await startTestService({ workspace });
  const files = Array.from({ length: 50 }, (_, n) => ({
    name: `f${n}`,
    data: randomBytes(200_000 + n * 10_000),
  }));
  await Promise.all(
    files.map(async ({ name, data }, n) => {
      if (n % 2 === 0) {
        const response = await fetch(`${url}/v1/corpora/c/files/${name}`, { method: 'PUT', body: data });
        expect([response.status, ((await response.json()) as { sha256: string }).sha256]).toEqual([
          201,
          sha256(data),
        ]);
        return;
      }
      await new Promise<void>((resolve, reject) => {
        new tus.Upload(data, {
          endpoint: `${url}/v1/uploads`,
          chunkSize: 100_000,
          retryDelays: null,
          metadata: { corpus: 'c', filename: name },
          onSuccess: () => resolve(),
          onError: reject,
        }).start();
      });
    }),
  );
  for (const { name, data } of files) {
    expect((await readFile(join(workspace, 'uploads', 'c', name))).equals(data)).toBe(true);
    expect(await fileOf(url, `c/${name}`)).toMatchObject({ sha256: sha256(data) });
  }
});

describe('a PUT', () => {
  test('that breaks off leaves nothing, also where the service is killed in it', async () => {
    const workspace = await testFolder();
    const service = await startTestService({ workspace });
    const partial = join(workspace, 'uploads', '.partial');
    const begin = async (): Promise<Socket> => {
      const { socket } = await openSocket(service.url);
      socket.write(head('PUT', '/v1/corpora/c/files/f', { 'Content-Length': '10000000' }));
      socket.write(Buffer.alloc(1_000_000));
      await until(async () => (await readdir(partial)).length === 1);
      return socket;
    };
    (await begin()).destroy();
    await until(async () => (await readdir(partial)).length === 0);
    expect(await fileOf(service.url, 'c/f')).toBeUndefined();

    await begin();
    await kill(service);
    expect(await readdir(partial)).toHaveLength(1);
    const { url } = await restart(service, workspace);
    expect(await readdir(partial)).toEqual([]);
    expect(await fileOf(url, 'c/f')).toBeUndefined();
    const data = randomBytes(1000);
    const response = await fetch(`${url}/v1/corpora/c/files/f`, { method: 'PUT', body: data });
    expect(response.status).toBe(201);
    expect(await fileOf(url, 'c/f')).toMatchObject({ sha256: sha256(data) });
  });

  test('that expects 100-continue is refused before its body, or asked for it', async () => {
    const { url } = await startTestService({
      workspace: await testFolder(),
      arguments: ['--upload-quota', '1000'],
    });
    const expecting = (length: number): string =>
      head('PUT', '/v1/corpora/c/files/f', { 'Content-Length': String(length), Expect: '100-continue' });
    const refused = await openSocket(url);
    refused.socket.write(expecting(1001));
    await until(() => refused.received().includes('QUOTA_EXCEEDED'));
    expect(refused.received()).toMatch(/^HTTP\/1\.1 413 /);
    const accepted = await openSocket(url);
    accepted.socket.write(expecting(3));
    await until(() => accepted.received() === 'HTTP/1.1 100 Continue\r\n\r\n');
    accepted.socket.write('abc');
    await until(() => accepted.received().includes('"created":true'));
    expect(accepted.received()).toContain('HTTP/1.1 201 ');
  });

  test('that is refused while it sends gets its answer', async () => {
    const { url } = await startTestService({
      workspace: await testFolder(),
      arguments: ['--upload-quota', '1000000'],
    });
    const body = Buffer.alloc(5_000_000);
    const response = await fetch(`${url}/v1/corpora/c/files/f`, { method: 'PUT', body });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      413,
      'QUOTA_EXCEEDED',
    ]);
  });
});

describe('a tus request', () => {
  test('on a dead connection gives way to the next', async () => {
    const { url } = await startTestService({ workspace: await testFolder() });
    const data = randomBytes(3_000_000);
    const path = await createUpload(url, data.length, 'f');
    const stalled = await openSocket(url);
    stalled.socket.write(
      head('PATCH', path, { ...CHUNK, 'Upload-Offset': '0', 'Content-Length': String(data.length) }),
    );
    stalled.socket.write(data.subarray(0, 1_000_000));
    const received = async (): Promise<number> =>
      ((await (await fetch(`${url}${path}`)).json()) as { offset: number }).offset;
    await until(async () => (await received()) === 1_000_000);
    // The client has lost its connection, and the service does not know.
    const offset = await offsetOf(url, path);
    expect(offset).toBe(1_000_000);
    const response = await fetch(`${url}${path}`, {
      method: 'PATCH',
      headers: { ...CHUNK, 'upload-offset': String(offset) },
      body: data.subarray(offset),
    });
    expect(response.status).toBe(204);
    expect(await fileOf(url, 'c/f')).toMatchObject({ sha256: sha256(data) });
  });

  test('that is killed before its checksum is confirmed counts for nothing', async () => {
    const workspace = await testFolder();
    const service = await startTestService({ workspace });
    const data = randomBytes(2_000_000);
    const path = await createUpload(service.url, data.length, 'f');
    const first = await fetch(`${service.url}${path}`, {
      method: 'PATCH',
      headers: { ...CHUNK, 'upload-offset': '0' },
      body: data.subarray(0, 500_000),
    });
    expect(first.status).toBe(204);
    const { socket } = await openSocket(service.url);
    const checksum = `sha1 ${createHash('sha1').update(data.subarray(500_000)).digest('base64')}`;
    socket.write(
      head('PATCH', path, {
        ...CHUNK,
        'Upload-Offset': '500000',
        'Upload-Checksum': checksum,
        'Content-Length': '1500000',
      }),
    );
    socket.write(data.subarray(500_000, 1_500_000));
    const file = join(workspace, 'uploads', '.partial', path.split('/').at(-1) ?? '', 'data');
    await until(async () => (await readFile(file)).length > 500_000);
    await kill(service);
    const { url } = await restart(service, workspace);
    expect(await offsetOf(url, path)).toBe(500_000);
    const rest = await fetch(`${url}${path}`, {
      method: 'PATCH',
      headers: { ...CHUNK, 'upload-offset': '500000', 'upload-checksum': checksum },
      body: data.subarray(500_000),
    });
    expect(rest.status).toBe(204);
    expect(await fileOf(url, 'c/f')).toMatchObject({ sha256: sha256(data) });
  });
});

test('a full disk: a clear answer, nothing half, and the upload goes on when there is space', async () => {
  const folder = await testFolder();
  const small = join(folder, 'small');
  await mkdir(small);
  // A file system of 16 MB in a mount namespace of its own, which the test looks into through /proc.
  const { url, child } = await startTestService({
    workspace: join(small, 'w'),
    arguments: ['--upload-keep-free', '0'],
    launcher: [
      'unshare',
      '--mount',
      '--map-root-user',
      'sh',
      '-c',
      `mount -t tmpfs -o size=16m tmpfs "${small}" && exec "$@"`,
      'sh',
    ],
  });
  const inside = join(`/proc/${child.pid}/root`, small);
  const tooLarge = await fetch(`${url}/v1/corpora/c/files/f`, {
    method: 'PUT',
    body: Buffer.alloc(17_000_000),
  });
  expect([tooLarge.status, ((await tooLarge.json()) as { code: string }).code]).toEqual([507, 'DISK_FULL']);

  const data = randomBytes(8_000_000);
  const path = await createUpload(url, data.length, 'f');
  // Somebody else takes the space that the upload was promised.
  await writeFile(join(inside, 'filler'), Buffer.alloc(12_000_000));
  const send = async (offset: number): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'PATCH',
      headers: { ...CHUNK, 'upload-offset': String(offset) },
      body: data.subarray(offset),
    });
  const full = await send(0);
  expect([full.status, ((await full.json()) as { code: string }).code]).toEqual([507, 'DISK_FULL']);
  const offset = await offsetOf(url, path);
  expect(offset).toBeGreaterThan(0);
  expect(offset).toBeLessThan(data.length);
  const put = await fetch(`${url}/v1/corpora/c/files/g`, { method: 'PUT', body: Buffer.alloc(100_000) });
  expect(put.status).toBe(507);
  expect((await readdir(join(inside, 'w', 'uploads'))).filter((name) => !name.startsWith('.'))).toEqual([]);

  await rm(join(inside, 'filler'));
  expect((await send(offset)).status).toBe(204);
  expect(await fileOf(url, 'c/f')).toMatchObject({ sha256: sha256(data) });
});
