/** The same documents in every form that inputs come in: one dataset for any number of workers, stops and sources. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/log.js';
import { sha256 } from '../../src/core/hash.js';
import { Random } from '../../src/core/random.js';
import { normalizedTextHash } from '../../src/filters/dedup/text-hash.js';
import { readRecordAt } from '../../src/ingest/formats/record-at.js';
import { ingest, type IngestSummary } from '../../src/ingest/ingest.js';
import { ingestOptionsSchema } from '../../src/ingest/options.js';
import { previewIngest } from '../../src/ingest/preview.js';
import { RecordFetcher } from '../../src/ingest/record-fetcher.js';
import { readChecksums } from '../../src/ingest/sources/checksums.js';
import { expandInputs } from '../../src/ingest/sources/expand.js';
import { anyAddress } from '../../src/ingest/sources/http/address-rule.js';
import { readPathList } from '../../src/ingest/sources/path-list.js';
import { latestSources, readCommits } from '../../src/store/commits.js';
import { Workspace } from '../../src/store/workspace.js';
import { tokenmill } from '../support/cli.js';
import { generateDocuments, prose, toJsonl } from '../support/corpus.js';
import { decisions, rows, shardHashes } from '../support/dataset.js';
import { faultServer, sendFile, type FaultServer } from '../support/fault-server.js';
import { storedLz4, storedZstd } from '../support/frames.js';
import { tarEnd, tarMember } from '../support/tar.js';
import { gzipRecords, warcRecord } from '../support/warc.js';
import { makeTokenizer } from '../support/tokenizer.js';

let folder: string;
let tokenizer: string;
let server: FaultServer;
let archive: Buffer;
let gets = 0;
const documents = generateDocuments(1, 120);
const jsonl = toJsonl(documents);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-inputs-'));
  tokenizer = await makeTokenizer(join(folder, 'small'));
  const half = documents.length / 2;
  const members = join(folder, 'members');
  await mkdir(members);
  const rowsOfCsv = documents.slice(half).map(({ text }) => `"${text.replaceAll('"', '""')}"\n`);
  const files = {
    'a.jsonl.gz': gzipSync(toJsonl(documents.slice(0, half))),
    'b.csv': Buffer.from(`text\n${rowsOfCsv.join('')}`),
    'c.png': Buffer.from('image'),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(members, name), bytes);
  const tar = Buffer.concat([
    ...Object.entries(files).map(([name, bytes]) => tarMember(`./${name}`, bytes)),
    tarEnd,
  ]);
  archive = gzipSync(tar);
  await writeFile(join(folder, 'all.tar'), tar);
  await writeFile(join(folder, 'all.tar.gz'), archive);
  server = await faultServer({
    // Breaks off once.
    '/all.tar.gz': (q, r, n) => sendFile(q, r, archive, n === 1 ? { dropAfter: 5000 } : {}),
    // Goes silent in the middle, the first time that it is not only asked for its size.
    '/stalling': (q, r) =>
      sendFile(
        q,
        r,
        archive,
        q.method === 'GET' && (gets += 1) === 1 ? { stallAfter: archive.length >> 1 } : {},
      ),
    '/elsewhere': (_q, r) =>
      void r.writeHead(302, { location: `${server.url.replace('.0.0.1', '.0.0.2')}/all.tar.gz` }).end(),
    '/list': (_q, r) => r.end(gzipSync('crawl/1.gz\n# a comment\n\ncrawl/2.gz\n/crawl/3.gz\n')),
  });
});
afterAll(() => server.close());

const newWorkspace = (): Promise<string> => mkdtemp(join(folder, 'workspace-'));

async function run(
  workspace: string,
  inputs: readonly string[],
  settings: Record<string, unknown> = {},
  signal?: AbortSignal,
  onProgress?: () => void,
): Promise<IngestSummary> {
  const options = ingestOptionsSchema.parse({
    dataset: 'd',
    tokenizer,
    policy: 'keep-all',
    shardTokens: 5000,
    workers: 1,
    ...settings,
  });
  const { sources } = await expandInputs(inputs);
  const checksums = join(folder, 'SUMS');
  await writeFile(checksums, `${createHash('sha256').update(archive).digest('hex')}  all.tar.gz\n`);
  const download = {
    rule: anyAddress,
    parallel: 2,
    limits: { backoffMs: 1 },
    checksumOf: await readChecksums(checksums),
  };
  return ingest(sources, options, {
    workspace: new Workspace(workspace),
    log: silentLog,
    download,
    signal,
    onProgress,
  });
}

describe('an archive', () => {
  it('has the documents of its members, for one worker and for two, and however often it is stopped', async () => {
    const input = join(folder, 'all.tar.gz');
    const one = await newWorkspace();
    const { counts, sources } = await run(one, [input]);
    expect([sources, counts['documents'], counts['non_document.member-not-read']]).toEqual([1, 120, 1]);
    const expected = await rows(one, 'SELECT text_hash FROM documents ORDER BY ordinal');
    const plain = await newWorkspace();
    await writeFile(join(folder, 'plain.jsonl'), jsonl);
    await run(plain, [join(folder, 'plain.jsonl')]);
    expect(await rows(plain, 'SELECT text_hash FROM documents ORDER BY ordinal')).toEqual(expected);

    const shards = await shardHashes(one, 'd');
    const two = await newWorkspace();
    await run(two, [input], { workers: 2, window: 1 });
    expect(await shardHashes(two, 'd')).toEqual(shards);

    const stopped = await newWorkspace();
    for (let stops = 0; stops < 3; stops++) {
      const controller = new AbortController();
      let calls = 0;
      const stop = (): void => {
        if ((calls += 1) > 1) controller.abort();
      };
      const stopping = run(stopped, [input], { window: 1 }, controller.signal, stop);
      await stopping.catch((error: unknown) => expect(error).toMatchObject({ code: 'INTERRUPTED' }));
    }
    expect((await run(stopped, [input])).skipped).toBeLessThanOrEqual(1);
    expect(await decisions(stopped)).toEqual(await decisions(one));
    expect(await shardHashes(stopped, 'd')).toEqual(shards);
    expect(await run(stopped, [input])).toMatchObject({ sources: 0, skipped: 1 });
  });

  it('leads back to the bytes of each record, packed or not, directly and in order', async () => {
    for (const name of ['all.tar', 'all.tar.gz']) {
      const workspace = await newWorkspace();
      await run(workspace, [join(folder, name)]);
      const sources = latestSources(await readCommits(new Workspace(workspace).dataset('d')));
      const fetcher = new RecordFetcher(sources);
      const found = await rows(
        workspace,
        `SELECT source, space, "offset"::DOUBLE AS "offset", length::DOUBLE AS length, location
         FROM documents JOIN sources USING (dataset, source) ORDER BY ordinal`,
      );
      expect(found.length).toBe(120);
      const lines = jsonl.split('\n');
      for (const [index, row] of found.entries()) {
        const place = row as never as Parameters<RecordFetcher['fetch']>[0];
        const text = Buffer.from(await fetcher.fetch(place)).toString();
        if (index < 60) expect(text).toBe(`${lines[index]}\n`);
        else expect(text).toContain(documents[index].text.slice(0, 50));
        if (index % 59 !== 0) continue;
        expect(Buffer.from(await readRecordAt(row['location'] as string, place)).toString()).toBe(text);
      }
      await fetcher.close();
    }
  });
});

describe('a file of every container', () => {
  it('is cut into the same documents for one worker and for two, whatever the window', async () => {
    const random = new Random(5);
    // Two batches each: a batch ends with 256 records.
    const texts = Array.from({ length: 300 }, () => prose(random, 12));
    const warc = texts.map((text, i) => warcRecord(text, { uri: `http://example.com/${i}` }));
    const lines = Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
    const files = {
      'a.warc.gz': gzipRecords(warc),
      'b.jsonl.gz': gzipSync(lines),
      'c.jsonl.zst': storedZstd(lines),
      'd.warc.lz4': storedLz4(Buffer.concat(warc)),
      'e.csv': Buffer.from(`text\n${texts.map((text) => `"${text}"\n`).join('')}`),
      'f.jsonl': lines,
      'g.tar.gz': gzipSync(Buffer.concat([tarMember('m.jsonl', lines), tarMember('n.jsonl', lines), tarEnd])),
    };
    const inputs = join(folder, 'containers');
    await mkdir(inputs);
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(inputs, name), bytes);
    const [one, two] = [await newWorkspace(), await newWorkspace()];
    const { counts } = await run(one, [inputs]);
    expect(counts).toMatchObject({ documents: 8 * 300 });
    await run(two, [inputs], { workers: 2, window: 1 });
    expect(await decisions(two)).toEqual(await decisions(one));
    expect(await shardHashes(two, 'd')).toEqual(await shardHashes(one, 'd'));
    const found = await rows(one, 'SELECT source, text_hash FROM documents ORDER BY ordinal');
    expect(found.map((row) => row['text_hash'])).toEqual(
      Array.from({ length: 8 }, () => texts.map((text) => normalizedTextHash(text))).flat(),
    );
  });
});

describe('an address', () => {
  it('is downloaded, verified and read like the file; nothing of it stays but where it was', async () => {
    const workspace = await newWorkspace();
    const url = `${server.url}/all.tar.gz`;
    // The second answer breaks off.
    await fetch(url).then((response) => response.arrayBuffer());
    const { counts } = await run(workspace, [url]);
    expect(counts['documents']).toBe(120);
    expect(server.requests.filter((request) => request.startsWith('GET /all.tar.gz'))).toEqual([
      'GET /all.tar.gz',
      'GET /all.tar.gz',
      'GET /all.tar.gz bytes=5000-',
    ]);
    expect(await readdir(join(workspace, 'downloads', 'd'))).toEqual([]);
    const [row] = await rows(
      workspace,
      `SELECT s.location, space, "offset"::DOUBLE AS "offset", length::DOUBLE AS length
       FROM documents JOIN sources s USING (dataset, source) ORDER BY ordinal LIMIT 1`,
    );
    expect(row['location']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/all\.tar\.gz!\d+\+\d+!\.\/a\.jsonl\.gz$/);
    const record = await readRecordAt(row['location'] as string, row as never);
    expect(Buffer.from(record).toString()).toBe(`${jsonl.split('\n')[0]}\n`);
    expect(await run(workspace, [url])).toMatchObject({ sources: 0, skipped: 1 });
  });

  it(
    'goes on where a process that was killed in the middle of it had come to',
    { timeout: 60_000 },
    async () => {
      const workspace = await newWorkspace();
      const url = `${server.url}/stalling`;
      const half = archive.length >> 1;
      const args = ['ingest', url, `--workspace=${workspace}`, '--dataset=d', `--tokenizer=${tokenizer}`];
      const flags = ['--policy=keep-all', '--shard-tokens=5000', '--workers=1'];
      const sizes = async (): Promise<number[]> => {
        const path = join(workspace, 'downloads', 'd');
        const names = await readdir(path).catch(() => []);
        return Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
      };
      const killed = await tokenmill([...args, ...flags], {
        onStart: (child) => {
          const poll = setInterval(() => {
            void sizes().then((found) => {
              if (found.includes(half)) child.kill('SIGKILL');
            });
          }, 20);
          child.on('close', () => clearInterval(poll));
        },
      });
      expect(killed.signal).toBe('SIGKILL');
      expect(await tokenmill([...args, ...flags])).toMatchObject({ status: 0 });
      expect(server.requests.filter((request) => request.startsWith('GET /stalling')).at(-1)).toBe(
        `GET /stalling bytes=${half}-`,
      );
      const whole = await newWorkspace();
      await run(whole, [join(folder, 'all.tar.gz')]);
      const texts = 'SELECT ordinal, text_hash, verdict FROM documents ORDER BY ordinal';
      expect(await rows(workspace, texts)).toEqual(await rows(whole, texts));
      expect(await sizes()).toEqual([]);
    },
  );

  it('that redirects to one that may not be reached is not read', async () => {
    const options = ingestOptionsSchema.parse({ dataset: 'd', tokenizer, policy: 'keep-all', workers: 1 });
    const { sources } = await expandInputs([`${server.url}/elsewhere`]);
    const workspace = new Workspace(await newWorkspace());
    // Loopback stands for the public network, another of its addresses for what lies behind it.
    const download = { rule: (address: string) => address === '127.0.0.1', parallel: 1 };
    await expect(ingest(sources, options, { workspace, log: silentLog, download })).rejects.toMatchObject({
      code: 'ADDRESS_FORBIDDEN',
      message: '127.0.0.2 is not an address that may be reached',
    });
  });

  it('with another checksum is not read', async () => {
    const workspace = await newWorkspace();
    const right = archive;
    archive = Buffer.concat([right, Buffer.from('more')]);
    const wrong = sha256(right);
    const options = ingestOptionsSchema.parse({ dataset: 'd', tokenizer, policy: 'keep-all' });
    const { sources } = await expandInputs([`${server.url}/all.tar.gz`]);
    await expect(
      ingest(sources, options, {
        workspace: new Workspace(workspace),
        log: silentLog,
        download: { rule: anyAddress, parallel: 1, checksumOf: () => ({ algorithm: 'sha256', hex: wrong }) },
      }),
    ).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    archive = right;
  });
});

describe('a list of paths', () => {
  it('becomes addresses or files, the first or a sample', async () => {
    const list = `${server.url}/list`;
    const base = 'https://example.com/data';
    const all = [1, 2, 3].map((n) => `https://example.com/data/crawl/${n}.gz`);
    expect(await readPathList(list, { base })).toEqual(all);
    expect(await readPathList(list, { base, take: 2 })).toEqual(all.slice(0, 2));
    const samples = await Promise.all(
      Array.from({ length: 30 }, (_, sample) => readPathList(list, { base, take: 2, sample })),
    );
    // Each in the order of the list, every pair at some time, the same seed the same.
    expect(samples.every((paths) => paths.length === 2 && paths[0] < paths[1])).toBe(true);
    expect(new Set(samples.map((paths) => paths.join())).size).toBe(3);
    expect(await readPathList(list, { base, take: 2, sample: 7 })).toEqual(samples[7]);
    expect(await readPathList(list, { base: '/archive' })).toContain('/archive/crawl/2.gz');
  });

  it('of checksums tells the line that is none', async () => {
    const path = join(folder, 'bad-sums');
    await writeFile(path, `${'0'.repeat(64)}  a.gz\nnot a checksum\n`);
    await expect(readChecksums(path)).rejects.toMatchObject({ code: 'INPUT_CORRUPT', place: { line: 2 } });
  });
});

describe('a dry run', () => {
  it('says what would be read, and changes nothing', async () => {
    const workspace = join(folder, 'not-there');
    const options = ingestOptionsSchema.parse({ dataset: 'd', textField: 'body' });
    const { sources } = await expandInputs([join(folder, 'all.tar.gz'), join(folder, 'members'), '-']);
    const preview = await previewIngest(sources, options, new Workspace(workspace));
    expect(preview).toMatchObject({
      dataset: 'd',
      exists: false,
      policy: 'gopher',
      tokenizer: 'train:8192',
      fields: { text: 'body' },
      bytes: null,
    });
    expect(
      preview.sources.map(({ container, format, state, problem }) => [container, format, state, problem]),
    ).toEqual([
      ['gzip', 'tar', 'new', null],
      ['gzip', 'jsonl', 'new', null],
      ['plain', 'csv', 'new', null],
      [null, null, 'new', null],
    ]);
    expect(existsSync(workspace)).toBe(false);
  });
});
