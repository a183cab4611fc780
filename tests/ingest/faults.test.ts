/** Bad inputs and a bad machine, through the command line: a clear message or a counted bad record, never half a commit. */
import { chmod, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCommits } from '../../src/store/commits.js';
import { Workspace } from '../../src/store/workspace.js';
import { MAIN, run, tokenmill } from '../support/cli.js';
import { generateDocuments, toJsonl } from '../support/corpus.js';
import { rows } from '../support/dataset.js';
import { makeTokenizer } from '../support/tokenizer.js';

let folder: string;
let workspace: string;
let tokenizer: string;
beforeAll(async () => {
  tokenizer = await makeTokenizer(join(await mkdtemp(join(tmpdir(), 'tokenmill-faults-')), 'small'));
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-faults-'));
  workspace = join(folder, 'workspace');
});

const TEXT = 'The harbor and the old bridge have been there for long. ';

function warcRecord(text: string, length = Buffer.byteLength(text)): Buffer {
  return Buffer.from(
    `WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://example.com/\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n${text}\r\n\r\n`,
  );
}

interface Summary {
  readonly counts: Record<string, number>;
}

async function ingest(
  name: string,
  content: Uint8Array | string,
): Promise<{ status: number | null; stderr: string; counts: Record<string, number> }> {
  const path = join(folder, name);
  await writeFile(path, content);
  const { status, stdout, stderr } = await tokenmill([
    'ingest',
    path,
    '--workspace',
    workspace,
    '--policy',
    'keep-all',
    '--tokenizer',
    tokenizer,
    '--workers',
    '1',
    '--json',
  ]);
  return { status, stderr, counts: stdout === '' ? {} : (JSON.parse(stdout) as Summary).counts };
}

describe('damaged inputs are counted, and the rest goes on', () => {
  it('truncated gzip', async () => {
    const members = [1, 2, 3].map((n) => gzipSync(warcRecord(TEXT.repeat(50 + n))));
    const cut = Buffer.concat([...members.slice(0, 2), members[2].subarray(0, members[2].length - 20)]);
    const { status, counts } = await ingest('cut.warc.gz', cut);
    expect([status, counts['documents'], counts['bad.truncated'], counts['records']]).toEqual([0, 2, 1, 3]);
    const bad = await rows(workspace, 'SELECT source, "offset", length, reason FROM bad_records');
    expect(bad).toEqual([
      {
        source: expect.stringMatching(/cut\.warc\.gz$/) as string,
        offset: members[0].length + members[1].length,
        length: members[2].length - 20,
        reason: 'truncated',
      },
    ]);
  });

  it('garbage in the middle of a WARC', async () => {
    const garbage = Buffer.alloc(5000, 0xc3);
    const { status, counts } = await ingest(
      'garbage.warc',
      Buffer.concat([warcRecord(TEXT.repeat(50)), garbage, warcRecord(TEXT.repeat(60))]),
    );
    expect([status, counts['documents'], counts['bad.garbage']]).toEqual([0, 2, 1]);
  });

  it('a record of 200 MB between two small ones', { timeout: 120_000 }, async () => {
    const huge = 'x'.repeat(200_000_000);
    const { status, counts } = await ingest(
      'huge.warc',
      Buffer.concat([warcRecord(TEXT.repeat(50)), warcRecord(huge), warcRecord(TEXT.repeat(60))]),
    );
    expect([status, counts['documents'], counts['bad.too-large']]).toEqual([0, 2, 1]);
  });

  it('invalid UTF-8', async () => {
    const line = Buffer.concat([
      Buffer.from(`{"text": "${TEXT.repeat(50)}`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(' end."}\n'),
    ]);
    const { status, counts } = await ingest(
      'latin.jsonl',
      Buffer.concat([line, Buffer.from(`{"text": "${TEXT.repeat(60)}"}\n{"id": 5}\nnot json\n`)]),
    );
    expect([status, counts['records']]).toEqual([0, 4]);
    expect((counts['documents'] ?? 0) + (counts['bad'] ?? 0)).toBe(4);
    expect(counts['bad.json']).toBe(1);
    expect(counts['bad.no-text']).toBe(1);
  });

  it('an empty file', async () => {
    const { status, counts } = await ingest('empty.warc', '');
    expect([status, counts]).toEqual([0, {}]);
  });
});

describe('what cannot be read is said clearly, before anything is written', () => {
  it('a missing file', async () => {
    const { status, stderr } = await tokenmill([
      'ingest',
      join(folder, 'absent.warc.gz'),
      '--workspace',
      workspace,
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('error FILE_NOT_FOUND');
    expect(stderr).toContain('absent.warc.gz');
    await expect(readdir(workspace)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a folder without permission', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed);
    await writeFile(join(closed, 'a.txt'), TEXT);
    await chmod(folder, 0o755);
    await chmod(closed, 0);
    const args = [MAIN, 'ingest', closed, '--workspace', workspace];
    // Permissions do not bind root, so root becomes somebody else for this.
    const { status, stderr } =
      process.getuid?.() === 0
        ? await run(
            'setpriv',
            ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, ...args],
            { cwd: '/' },
          )
        : await run(process.execPath, args);
    expect(stderr).toContain('error FILE_FORBIDDEN');
    expect(stderr).toContain('closed');
    expect(status).toBe(1);
  });
});

describe('a full disk', () => {
  it('ends with a clear message and whole commits, and the next run continues', async () => {
    const input = join(folder, 'in.jsonl');
    await writeFile(input, toJsonl(generateDocuments(5, 1500)));
    const small = join(folder, 'small');
    const copy = join(folder, 'copy');
    await mkdir(small);
    await mkdir(copy);
    const ingest = `"${process.execPath}" "${MAIN}" ingest "${input}" --dataset d --tokenizer "${tokenizer}" --window 1 --policy keep-all`;
    // A file system of 8 MB in a mount namespace of its own; what it holds in the end is copied out.
    const script = `mount -t tmpfs -o size=8m tmpfs "${small}" && mkdir "${small}/w" && head -c 5500000 /dev/zero > "${small}/filler" && ${ingest} --workspace "${small}/w"; status=$?; cp -r "${small}/w" "${copy}/"; exit $status`;
    const { status, stderr } = await run('unshare', ['--mount', '--map-root-user', 'sh', '-c', script]);
    expect(stderr).toContain('error DISK_FULL');
    expect(status).toBe(1);

    const paths = new Workspace(join(copy, 'w')).dataset('d');
    const commits = await readCommits(paths);
    const seen = await rows(join(copy, 'w'), 'SELECT count(*) AS n FROM documents');
    expect(seen[0]['n']).toBe(commits.at(-1)?.next_ordinal ?? 0);
    expect(await run('sh', ['-c', `${ingest} --workspace "${copy}/w"`])).toMatchObject({ status: 0 });
    expect(
      (
        await rows(join(copy, 'w'), 'SELECT count(*) AS n, count(DISTINCT document_id) AS ids FROM documents')
      )[0],
    ).toEqual({ n: 1500, ids: 1500 });
  });
});
