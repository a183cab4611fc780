/** The real service with a real ingest: kill -9 in the middle, and SIGTERM; the next start ends as if nothing had been. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { isProcessAlive, type ProcessIdentity } from '../../../src/core/process.js';
import { readCommits, type Commit } from '../../../src/store/commits.js';
import { Workspace } from '../../../src/store/workspace.js';
import { tokenmill } from '../../support/cli.js';
import { generateDocuments, toJsonl } from '../../support/corpus.js';
import { decisions, shardHashes } from '../../support/dataset.js';
import { makeTokenizer } from '../../support/tokenizer.js';
import { readEvents } from '../sse.js';
import { startTestService, testFolder, type TestService } from '../support.js';

const SETTINGS = { shard_tokens: 20_000, window: 1, workers: 1, tokenizer: 'small' } as const;
const FLAGS = ['--shard-tokens=20000', '--window=1', '--workers=1', '--tokenizer=small'];

async function workspaceWithCorpus(root: string): Promise<Workspace> {
  const workspace = new Workspace(root);
  await makeTokenizer(join(workspace.tokenizers, 'small'));
  await mkdir(join(workspace.uploads, 'c'), { recursive: true });
  await writeFile(join(workspace.uploads, 'c', 'in.jsonl'), toJsonl(generateDocuments(2, 1800)));
  return workspace;
}

async function post(service: TestService, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  expect(response.status).toBe(202);
  return (await response.json()) as Record<string, unknown>;
}

async function commits(workspace: Workspace): Promise<number> {
  return (await workspace.hasDataset('d')) ? (await readCommits(workspace.dataset('d'))).length : 0;
}

async function processOf(workspace: Workspace, job: string): Promise<ProcessIdentity> {
  return JSON.parse(await readFile(join(workspace.jobs, job, 'process.json'), 'utf8')) as ProcessIdentity;
}

/** Follows a job to its end. Returns the states that it went through behind the event `after`. */
async function states(service: TestService, job: string, after = '0'): Promise<[string[], string]> {
  const seen: string[] = [];
  let last = after;
  for await (const { id, event, data } of readEvents(`${service.url}/v1/jobs/${job}/events`, {
    'last-event-id': after,
  })) {
    if (event === 'state') seen.push((data as { state: string }).state);
    last = id ?? last;
  }
  return [seen, last];
}

it(
  'continues a job by itself after a kill -9 and after a stop, and ends with the same dataset',
  { timeout: 240_000 },
  async () => {
    const whole = await workspaceWithCorpus(await testFolder());
    const flags = ['--workspace', whole.root, '--dataset=d', '--corpus=c', ...FLAGS];
    expect(await tokenmill(['ingest', ...flags])).toMatchObject({ status: 0 });
    const total = await commits(whole);
    expect(total).toBeGreaterThan(5);

    const workspace = await workspaceWithCorpus(await testFolder());
    const first = await startTestService({ workspace: workspace.root });
    const { id } = await post(first, '/v1/jobs', { kind: 'ingest', corpus: 'c', dataset: 'd', ...SETTINGS });
    const job = id as string;
    await vi.waitFor(async () => expect(await commits(workspace)).toBeGreaterThan(1), {
      timeout: 60_000,
      interval: 5,
    });
    const orphan = await processOf(workspace, job);
    expect(isProcessAlive(orphan)).toBe(true);
    first.child.kill('SIGKILL');
    await first.ended;
    // The process notices that the service is gone, commits and ends.
    await vi.waitFor(() => expect(isProcessAlive(orphan)).toBe(false), { timeout: 60_000, interval: 20 });
    const committed = await commits(workspace);
    expect(committed).toBeLessThan(total);

    const second = await startTestService({ workspace: workspace.root });
    await vi.waitFor(async () => expect(await commits(workspace)).toBeGreaterThan(committed), {
      timeout: 60_000,
      interval: 5,
    });
    const followed = states(second, job);
    await sleep(50);
    second.child.kill('SIGTERM');
    const [before, seen] = await followed;
    expect(await second.ended).toEqual({ status: 0, signal: null });
    expect(before).toEqual([
      'queued',
      'running',
      'interrupted',
      'queued',
      'running',
      'stopping',
      'interrupted',
    ]);
    expect(await commits(workspace)).toBeLessThan(total);

    const third = await startTestService({ workspace: workspace.root });
    const [after] = await states(third, job, seen);
    expect(after).toEqual(['queued', 'running', 'succeeded']);
    const ended = (await (await fetch(`${third.url}/v1/jobs/${job}`)).json()) as Record<string, unknown>;
    expect(ended).toMatchObject({
      state: 'succeeded',
      attempts: 3,
      result: { dataset: 'd', totals: { documents: 1800 } },
    });
    expect(await shardHashes(workspace.root, 'd')).toEqual(await shardHashes(whole.root, 'd'));
    expect(await decisions(workspace.root)).toEqual(await decisions(whole.root));

    // What the policy of the dataset drops is what it drops beyond one that keeps all.
    const request = { kind: 'policy-diff', dataset: 'd', a: 'keep-all', b: 'gopher', examples: 1 };
    const compared = (await post(third, '/v1/jobs', request))['id'] as string;
    const [comparing] = await states(third, compared);
    expect(comparing).toEqual(['queued', 'running', 'succeeded']);
    const { result } = (await (await fetch(`${third.url}/v1/jobs/${compared}`)).json()) as {
      result: { documents: { documents: number }; newly_dropped: { documents: number } };
    };
    const { totals } = (await readCommits(workspace.dataset('d'))).at(-1) as Commit;
    const duplicates = (totals['dropped.exact_duplicate'] ?? 0) + (totals['dropped.near_duplicate'] ?? 0);
    expect(result.documents.documents).toBe(1800);
    expect(result.newly_dropped.documents).toBe(totals['dropped'] - duplicates);
  },
);
