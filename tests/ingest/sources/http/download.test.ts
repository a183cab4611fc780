/** Downloads from a server that misbehaves: they end with the right bytes or with a clear error, never with others. */
import { anyAddress, isPublicAddress } from '../../../../src/ingest/sources/http/address-rule.js';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecordAt } from '../../../../src/ingest/formats/record-at.js';
import { expandInputs } from '../../../../src/ingest/sources/expand.js';
import { download, type DownloadOptions } from '../../../../src/ingest/sources/http/download.js';
import { Downloads } from '../../../../src/ingest/sources/http/downloads.js';
import { openUrl } from '../../../../src/ingest/sources/http/url-reader.js';
import { cutAll } from '../../../support/cutting.js';
import { faultServer, sendFile, type FaultServer, type Handler } from '../../../support/fault-server.js';
import { gzipRecords, warcRecord } from '../../../support/warc.js';

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, i) => ((i * i * 7919) % 1_000_003) & 0xff));
const OTHER = Buffer.from(CONTENT.map((byte) => byte ^ 0xff));
const RECORDS = [warcRecord('first text'), warcRecord('second text'), warcRecord('third text')];
const WARC = gzipRecords(RECORDS);
const half = CONTENT.length / 2;

const HANDLERS: Record<string, Handler> = {
  '/good': (q, r) => sendFile(q, r, CONTENT),
  '/warc': (q, r) => sendFile(q, r, WARC),
  '/drops': (q, r, n) => sendFile(q, r, CONTENT, n < 3 ? { dropAfter: 50_000 } : {}),
  '/drops-always': (q) => q.socket.destroy(),
  '/stalls': (q, r, n) => sendFile(q, r, CONTENT, n === 0 ? { stallAfter: half } : {}),
  '/stalls-once': (q, r, n) => sendFile(q, r, CONTENT, n === 0 ? { stallAfter: half } : {}),
  '/stalls-always': (_q, r) => r.writeHead(200, { 'content-length': 10 }).flushHeaders(),
  '/silent': () => undefined,
  // Changes between two connections, and says so.
  '/changes': (q, r, n) =>
    sendFile(q, r, n === 0 ? OTHER : CONTENT, n === 0 ? { etag: '"0"', dropAfter: half } : { etag: '"1"' }),
  // Changes, sends the range all the same, and names the version that it is of.
  '/ignores-condition': (q, r, n) => {
    delete q.headers['if-range'];
    sendFile(q, r, n === 0 ? OTHER : CONTENT, n === 0 ? { etag: '"0"', dropAfter: half } : { etag: '"1"' });
  },
  '/ignores-ranges': (q, r, n) => {
    delete q.headers.range;
    sendFile(q, r, CONTENT, n === 0 ? { dropAfter: half } : {});
  },
  '/no-validator': (q, r, n) =>
    sendFile(q, r, n === 0 ? OTHER : CONTENT, { etag: null, ...(n === 0 && { dropAfter: half }) }),
  '/wrong-range': (q, r, n) => {
    if (n === 0) sendFile(q, r, CONTENT, { dropAfter: half });
    else if (q.headers.range === undefined) sendFile(q, r, CONTENT);
    else {
      const range = `bytes ${half + 7}-${CONTENT.length - 1}/${CONTENT.length}`;
      r.writeHead(206, { etag: '"1"', 'content-range': range }).end(CONTENT.subarray(half + 7));
    }
  },
  // Announces more than it has, each time.
  '/too-short': (_q, r) => {
    r.writeHead(200, { 'content-length': CONTENT.length + 100 });
    r.write(CONTENT, () => setTimeout(() => r.destroy(), 10));
  },
  '/chunked': (_q, r) => void r.writeHead(200).end(CONTENT),
  '/busy': (q, r, n) =>
    n < 2 ? void r.writeHead(503, { 'retry-after': '0' }).end() : sendFile(q, r, CONTENT),
  '/gone': (_q, r) => void r.writeHead(410).end(),
  '/redirect': (_q, r) => void r.writeHead(302, { location: '/good' }).end(),
  '/loop': (_q, r) => void r.writeHead(302, { location: '/loop' }).end(),
  '/to-file': (_q, r) => void r.writeHead(302, { location: 'file:///etc/passwd' }).end(),
};

const limits = { idleMs: 10_000, backoffMs: 1, maxBackoffMs: 4, retries: 3 };
/** For servers that stall. */
const impatient = { ...limits, idleMs: 400, retries: 1 };
const options = { rule: anyAddress, limits };

let server: FaultServer;
let folder: string;
let count = 0;
beforeAll(async () => {
  server = await faultServer(HANDLERS);
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-download-'));
});
afterAll(() => server.close());

const newPath = (): string => join(folder, `file-${(count += 1)}`);
const rangesOf = (path: string): string[] =>
  server.requests
    .filter((request) => request.startsWith(`GET ${path}`))
    .map((request) => request.slice(4 + path.length));

async function get(path: string, more: Partial<DownloadOptions> = {}): Promise<string> {
  const file = newPath();
  expect(await download(server.url + path, file, { ...options, ...more })).toBe(CONTENT.length);
  expect((await readFile(file)).equals(CONTENT)).toBe(true);
  expect([existsSync(`${file}.part`), existsSync(`${file}.part.json`)]).toEqual([false, false]);
  return file;
}

describe('a download', () => {
  it.each([
    ['/good', ['']],
    ['/drops', ['', 'bytes=50000-', 'bytes=100000-', 'bytes=150000-']],
    ['/changes', ['', `bytes=${half}-`]],
    ['/ignores-condition', ['', `bytes=${half}-`, '']],
    ['/ignores-ranges', ['', `bytes=${half}-`]],
    ['/no-validator', ['', '']],
    ['/wrong-range', ['', `bytes=${half}-`, '']],
    ['/chunked', ['']],
    ['/busy', ['', '', '']],
    ['/redirect', ['']],
  ])('is right from %s', async (path, ranges) => {
    await get(path);
    expect(rangesOf(path).map((range) => range.trim())).toEqual(ranges);
  });

  it('gives up a connection that stalls, and goes on', async () => {
    await get('/stalls', { limits: { ...impatient, retries: 20 } });
    expect(rangesOf('/stalls').slice(0, 2)).toEqual(['', ` bytes=${half}-`]);
  });

  it.each([
    ['/drops-always', 'DOWNLOAD_FAILED'],
    ['/stalls-always', 'DOWNLOAD_FAILED'],
    ['/silent', 'DOWNLOAD_FAILED'],
    ['/too-short', 'DOWNLOAD_FAILED'],
    ['/gone', 'DOWNLOAD_FAILED'],
    ['/absent', 'DOWNLOAD_FAILED'],
    ['/loop', 'DOWNLOAD_FAILED'],
    ['/to-file', 'USAGE'],
  ])('fails clearly from %s', async (path, code) => {
    const file = newPath();
    const limited = { ...options, limits: /stalls|silent/.test(path) ? impatient : limits };
    await expect(download(server.url + path, file, limited)).rejects.toMatchObject({ code });
    expect(existsSync(file)).toBe(false);
  });

  it('is not repeated where the answer will not change', async () => {
    expect(rangesOf('/gone').length).toBe(1);
    expect(rangesOf('/absent').length).toBe(1);
  });

  it('ends at a limit of bytes, announced or not', async () => {
    for (const path of ['/good', '/chunked']) {
      const limited = { ...options, limits: { ...limits, maxBytes: 1000 } };
      await expect(download(server.url + path, newPath(), limited)).rejects.toMatchObject({
        code: 'INPUT_TOO_LARGE',
      });
    }
  });

  it('goes on with what a process left that was killed, but only with bytes of the same version', async () => {
    const url = `${server.url}/good`;
    for (const [validator, range] of [
      ['"1"', 'bytes=1000-'],
      ['"0"', 'bytes=1000-'],
      [null, ''],
    ]) {
      const file = newPath();
      const left = validator === '"1"' ? CONTENT : OTHER;
      await writeFile(`${file}.part`, left.subarray(0, 1000));
      await writeFile(`${file}.part.json`, JSON.stringify({ url, size: CONTENT.length, validator }));
      await download(url, file, options);
      expect((await readFile(file)).equals(CONTENT)).toBe(true);
      expect(rangesOf('/good').at(-1)?.trim()).toBe(range);
    }
    // All of it was there.
    const file = newPath();
    await writeFile(`${file}.part`, CONTENT);
    await writeFile(`${file}.part.json`, JSON.stringify({ url, size: CONTENT.length, validator: '"1"' }));
    expect(await download(url, file, options)).toBe(CONTENT.length);
    expect((await readFile(file)).equals(CONTENT)).toBe(true);
  });

  it('verifies a checksum, and keeps nothing of what does not have it', async () => {
    const hex = createHash('sha256').update(CONTENT).digest('hex');
    await get('/good', { checksum: { algorithm: 'sha256', hex } });
    const file = newPath();
    await expect(
      download(`${server.url}/good`, file, { ...options, checksum: { algorithm: 'md5', hex: '00' } }),
    ).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
  });

  it('stops where it is interrupted, and what is there stays', async () => {
    const file = newPath();
    const controller = new AbortController();
    const onProgress = (done: number): void => {
      if (done >= half) controller.abort();
    };
    await expect(
      download(`${server.url}/stalls-always`, file, { ...options, signal: AbortSignal.timeout(20) }),
    ).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(
      download(`${server.url}/stalls-once`, file, { ...options, signal: controller.signal, onProgress }),
    ).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect((await readFile(`${file}.part`)).length).toBeGreaterThanOrEqual(half);
    await download(`${server.url}/stalls-once`, file, options);
    expect((await readFile(file)).equals(CONTENT)).toBe(true);
    expect(rangesOf('/stalls-once')).toEqual(['', ` bytes=${half}-`]);
  });
});

describe('only public addresses', () => {
  it('refuses loopback, by number and by name, and says why', async () => {
    const port = new URL(server.url).port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0x7f.1', '2130706433']) {
      const before = server.requests.length;
      await expect(
        download(`http://${host}:${port}/good`, newPath(), { rule: isPublicAddress, limits }),
      ).rejects.toMatchObject({ code: 'ADDRESS_FORBIDDEN' });
      expect(server.requests.length).toBe(before);
    }
  });
});

describe('downloads ahead', () => {
  it('come in the order in which they are taken, and no further ahead than allowed', async () => {
    const paths = Array.from({ length: 5 }, (_, i) => `/file-${i}`);
    const many = await faultServer(
      Object.fromEntries(paths.map((path, i) => [path, (q, r) => sendFile(q, r, CONTENT.subarray(i))])),
    );
    const urls = paths.map((path) => many.url + path);
    const asked = paths.map((path) => `GET ${path}`);
    const ahead = join(folder, 'ahead');
    const downloads = new Downloads(urls, { ...options, folder: ahead, parallel: 2 });
    for (const [i, url] of urls.entries()) {
      const { path, size } = await downloads.take(url);
      expect(size).toBe(CONTENT.length - i);
      expect((await readFile(path)).equals(CONTENT.subarray(i))).toBe(true);
      // This one and the next: none behind them was asked for before this one is released.
      expect(asked.slice(0, i + 2)).toEqual(expect.arrayContaining(many.requests));
      await downloads.release(url);
    }
    // Each once. Two that are under way together may arrive in either order.
    expect(many.requests.toSorted()).toEqual(asked);
    expect(await readdir(ahead)).toEqual([]);
    await downloads.close();
    await many.close();
  });

  it('one that fails does so when its turn comes', async () => {
    const downloads = new Downloads([`${server.url}/good`, `${server.url}/gone`], {
      ...options,
      folder: join(folder, 'failing'),
      parallel: 2,
    });
    expect((await downloads.take(`${server.url}/good`)).size).toBe(CONTENT.length);
    await expect(downloads.take(`${server.url}/gone`)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    await downloads.close();
  });
});

describe('an address as a source', () => {
  it('is cut, and its records are fetched again by ranges', async () => {
    const { sources } = await expandInputs([`${server.url}/warc#part`]);
    expect(sources[0].name).toBe(`${server.url}/warc`);
    const records = await cutAll(sources[0]);
    expect(records.map(({ offset }) => offset)).toEqual([
      0,
      gzipSync(RECORDS[0]).length,
      gzipSync(RECORDS[0]).length + gzipSync(RECORDS[1]).length,
    ]);
    const again = await readRecordAt(sources[0].location, records[2]);
    expect(Buffer.from(again).equals(RECORDS[2])).toBe(true);
    expect(server.requests.at(-1)).toBe(`GET /warc bytes=${records[2].offset}-`);
  });

  it('that breaks off is gone on with; one that changes or ignores ranges gives no wrong bytes', async () => {
    const readAll = async (path: string, offset: number): Promise<Buffer> => {
      const fresh = await faultServer(HANDLERS);
      const reader = await openUrl(fresh.url + path, offset, limits);
      const parts: Uint8Array[] = [];
      try {
        for (let bytes = await reader.read(); bytes !== undefined; bytes = await reader.read())
          parts.push(bytes);
      } finally {
        await reader.close();
        await fresh.close();
      }
      return Buffer.concat(parts);
    };
    expect((await readAll('/drops', 10)).equals(CONTENT.subarray(10))).toBe(true);
    expect((await readAll('/chunked', 777)).equals(CONTENT.subarray(777))).toBe(true);
    await expect(readAll('/changes', 0)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await expect(readAll('/ignores-condition', 0)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});
