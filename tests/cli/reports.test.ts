/** Reports of a command for the program that started it, and its end when that program is gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCommits } from '../../src/store/commits.js';
import { Workspace } from '../../src/store/workspace.js';
import { MAIN, tokenmill } from '../support/cli.js';
import { generateDocuments, toJsonl } from '../support/corpus.js';
import { makeTokenizer } from '../support/tokenizer.js';

const reports = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('says in JSON what went wrong', async () => {
  const workspace = await mkdtemp(join(tmpdir(), 'tokenmill-reports-'));
  const result = await tokenmill(['train', '--workspace', workspace, '--json'], {
    environment: { TOKENMILL_REPORTS: 'json' },
  });
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(reports(result.stderr)).toEqual([
    {
      type: 'error',
      code: 'DATASET_NOT_FOUND',
      message: `there is no dataset default in ${workspace}`,
      place: {},
      hint: 'this workspace has no dataset yet; ingest creates one',
    },
  ]);
});

it('commits what it has and ends when the other end of its standard input is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-reports-'));
  const tokenizer = await makeTokenizer(join(folder, 'small'));
  const input = join(folder, 'in.jsonl');
  await writeFile(input, toJsonl(generateDocuments(2, 1500)));
  const workspace = new Workspace(join(folder, 'workspace'));
  const flags = ['--tokenizer', tokenizer, '--window', '1', '--workers', '1', '--json'];
  const child = spawn(process.execPath, [MAIN, 'ingest', input, '--workspace', workspace.root, ...flags], {
    env: { ...process.env, TOKENMILL_REPORTS: 'json', TOKENMILL_SUPERVISED: '1' },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close');
  while ((await readCommits(workspace.dataset('default'))).length < 2) await new Promise(setImmediate);
  child.stdin.destroy();
  expect(await ended).toEqual([130, null]);
  const commits = await readCommits(workspace.dataset('default'));
  expect(reports(stderr)).toContainEqual({
    type: 'error',
    code: 'INTERRUPTED',
    message: `interrupted; ${commits.length} commits were made`,
    place: {},
    hint: 'run the same command again to continue',
  });
});

it('reports progress with figures', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-reports-'));
  const tokenizer = await makeTokenizer(join(folder, 'small'));
  const input = join(folder, 'in.jsonl');
  await writeFile(input, toJsonl(generateDocuments(2, 50)));
  const flags = ['--workspace', join(folder, 'workspace'), '--tokenizer', tokenizer, '--json'];
  const result = await tokenmill(['ingest', input, ...flags], {
    environment: { TOKENMILL_REPORTS: 'json' },
  });
  expect(result.status).toBe(0);
  const { documents, kept } = (JSON.parse(result.stdout) as { counts: Record<string, number> }).counts;
  const last = reports(result.stderr).findLast(({ type }) => type === 'progress');
  expect(last).toMatchObject({ label: 'ingest', values: { documents } });
  expect(kept).toBeLessThanOrEqual(documents);
});
