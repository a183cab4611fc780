/** What doctor says of workspaces that are whole and of such as are damaged in one known way. */
import { appendFile, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.js';
import { checkMemory, compareNode, openFilesFinding } from '../../src/cli/doctor/machine.js';
import { checkWorkspace, spaceFinding } from '../../src/cli/doctor/workspace.js';
import { acquireWriter, STALE_MS } from '../../src/store/lease.js';
import { Queue } from '../../src/store/queue.js';
import { Workspace } from '../../src/store/workspace.js';
import { tokenmill } from '../support/cli.js';
import { DATASET, range, trainingWorkspace, type TrainingWorkspace } from '../support/training.js';

async function made(): Promise<TrainingWorkspace> {
  const workspace = await trainingWorkspace([range(0, 50), range(50, 50)], [range(100, 20)]);
  onTestFinished(() => rm(workspace.workspace.root, { recursive: true, force: true }));
  return workspace;
}

/** Findings about the dataset, its queue and its runs, without what depends on the machine. */
async function findings({ workspace }: TrainingWorkspace): Promise<Finding[]> {
  const all = await checkWorkspace(workspace);
  return all.filter(({ what }) => !['workspace', 'space', 'service'].includes(what));
}

const WHOLE: Finding[] = [
  { what: 'dataset d', status: 'ok', message: '1 commits, 0 documents', hint: null },
  { what: 'queue d', status: 'ok', message: '2 ready, 0 leased, 0 done, 0 failed', hint: null },
];

describe('a workspace', () => {
  it('that is whole', async () => {
    expect(await findings(await made())).toEqual(WHOLE);
  });

  it('that lacks a file that a commit names', async () => {
    const workspace = await made();
    await rm(join(workspace.paths.folder, 'shards', 'train-1-2.arrow'));
    await appendFile(join(workspace.paths.folder, 'shards', 'valid-1-1.arrow'), 'x');
    expect(await findings(workspace)).toMatchObject([
      {
        what: 'dataset d',
        status: 'fail',
        message: expect.stringMatching(
          /^shards\/train-1-2.arrow is missing, shards\/valid-1-1.arrow has \d+ bytes, not \d+$/,
        ) as string,
      },
      WHOLE[1],
    ]);
  });

  it('whose commit log has a gap', async () => {
    const workspace = await made();
    await writeFile(join(workspace.paths.commits, '000000003.json'), '{}');
    expect((await findings(workspace))[0]).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('000000002.json is missing') as string,
      hint: 'restore the dataset folder from a copy, or ingest into a new dataset',
    });
  });

  it('with files that no commit names, unless somebody writes', async () => {
    const workspace = await made();
    for (const name of ['a', 'b', 'c', 'd']) {
      await writeFile(join(workspace.paths.shards, `${name}.arrow`), '');
    }
    const message = 'no commit names shards/a.arrow, shards/b.arrow, shards/c.arrow and 1 more';
    expect((await findings(workspace))[1]).toMatchObject({ status: 'warn', message });
    const lease = await acquireWriter(workspace.paths.lock, { what: 'd', code: 'DATASET_LOCKED' });
    expect((await findings(workspace)).map((finding) => finding.message)).toEqual([
      '1 commits, 0 documents',
      expect.stringMatching(/^is written by process \d+ on /),
      WHOLE[1].message,
    ]);
    await lease.release();
    expect((await findings(workspace))[1]).toMatchObject({ message });
  });

  it('whose writer is gone, here or on another machine', async () => {
    const workspace = await made();
    const holder = { owner: 'x', host: 'elsewhere', machine: 'm', pid: 9, started: '1', released: false };
    const file = `${workspace.paths.lock}.1`;
    await writeFile(file, JSON.stringify(holder));
    expect((await findings(workspace))[1]).toMatchObject({
      status: 'ok',
      message: 'is written by process 9 on elsewhere',
    });
    const silent = new Date(Date.now() - STALE_MS - 60_000);
    await utimes(file, silent, silent);
    expect((await findings(workspace))[1]).toMatchObject({
      status: 'warn',
      message: 'process 9 on elsewhere was writing and is gone',
      hint: 'the same ingest again continues where it stopped',
    });
  });

  it('whose queue has entries that failed or leases that expired', async () => {
    const workspace = await made();
    const past = new Queue(workspace.paths.queue, { now: () => 1_000 });
    const late = await past.lease('trainer');
    expect((await findings(workspace))[1]).toMatchObject({
      status: 'warn',
      message: '1 ready, 1 leased, 0 done, 0 failed; 1 leases have expired',
    });
    if (late !== null) await past.fail(late, 'damaged');
    expect((await findings(workspace))[1]).toMatchObject({
      status: 'warn',
      message: '1 ready, 0 leased, 0 done, 1 failed; train-1-1: damaged',
      hint: 'after mending that: tokenmill queue retry --dataset d',
    });
  });

  it('with a run that cannot be read', async () => {
    const workspace = await made();
    const folder = join(workspace.workspace.models, 'broken');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'run.json'), '{}');
    expect((await findings(workspace))[2]).toMatchObject({ what: 'run broken', status: 'fail' });
  });

  it('that is not there, and that a service left', async () => {
    const nowhere = new Workspace('/nowhere/at/all');
    expect(await checkWorkspace(nowhere)).toMatchObject([{ what: 'workspace', status: 'warn' }]);
    const { workspace } = await made();
    const service = async (): Promise<Finding | undefined> =>
      (await checkWorkspace(workspace)).find(({ what }) => what === 'service');
    expect(await service()).toMatchObject({ status: 'ok', message: 'does not run' });
    await mkdir(workspace.jobs);
    const holder = { owner: 'x', host: 'h', machine: 'm', pid: 9, started: '1', released: false };
    const file = join(workspace.jobs, 'service.lock.1');
    await writeFile(file, JSON.stringify(holder));
    await utimes(file, new Date(0), new Date(0));
    expect(await service()).toMatchObject({
      status: 'warn',
      hint: 'tokenmill serve continues its jobs',
    });
  });
});

describe('a machine', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['20.19.1', 'ok'],
    ['21.0.0', 'ok'],
    ['20.18.9', 'fail'],
    ['18.20.4', 'fail'],
  ])('with Node %s is %s', (version, status) => {
    expect(compareNode(version, '20.19.0').status).toBe(status);
  });

  it('has space, memory and open files enough or not', () => {
    expect([3e9, 1e9, 1e6].map((free) => spaceFinding(free).status)).toEqual(['ok', 'warn', 'fail']);
    expect([2e9, 5e8].map((free) => checkMemory({ free, total: 4e9 }).status)).toEqual(['ok', 'warn']);
    expect(checkMemory({ free: 5e8, total: 4e9 }).message).toBe('500 MB of 4.0 GB free');
    const limits = ['1048576', 'unlimited', '256', undefined].map((limit) => openFilesFinding(limit).status);
    expect(limits).toEqual(['ok', 'ok', 'warn', 'ok']);
  });
});

it('ends with status 1 where something failed, else with 0, and prints JSON', async () => {
  const workspace = await made();
  const doctor = ['doctor', '--workspace', workspace.workspace.root];
  const whole = await tokenmill([...doctor, '--json']);
  expect(whole).toMatchObject({ status: 0, stderr: '' });
  const found = JSON.parse(whole.stdout) as Finding[];
  expect(found.map(({ what }) => what)).toEqual([
    'node',
    'tokenmill',
    'duckdb',
    'onnxruntime',
    'engine',
    'gpu',
    'memory',
    'open files',
    'workspace',
    'space',
    'service',
    `dataset ${DATASET}`,
    `queue ${DATASET}`,
  ]);
  expect(found.find(({ what }) => what === 'engine')?.status).toBe('ok');
  await rm(join(workspace.paths.folder, 'shards', 'train-1-2.arrow'));
  const damaged = await tokenmill(doctor);
  expect(damaged).toMatchObject({ status: 1, stderr: 'error CHECK_FAILED: failed: dataset d\n' });
  expect(damaged.stdout).toMatch(
    /^fail {2}dataset d +shards\/train-1-2\.arrow is missing\n +-> restore them from a copy/m,
  );
});
