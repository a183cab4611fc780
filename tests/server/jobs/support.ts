/** A job manager on a temporary workspace, with a program in place of the command line. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { JobEvent, JobState } from '../../../src/server/jobs/job.js';
import { JobManager, type JobSettings } from '../../../src/server/jobs/manager.js';
import type { JobRequestInput } from '../../../src/server/jobs/requests.js';
import { Workspace } from '../../../src/store/workspace.js';

export const FAKE_COMMAND = fileURLToPath(new URL('../../support/workers/command.mjs', import.meta.url));

/** A workspace with a corpus `c` of two files. */
export async function jobWorkspace(): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), 'tokenmill-jobs-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const workspace = new Workspace(root);
  await mkdir(join(workspace.uploads, 'c'), { recursive: true });
  await writeFile(join(workspace.uploads, 'c', 'a.txt'), 'a');
  await writeFile(join(workspace.uploads, 'c', 'b.txt'), 'b');
  return workspace;
}

export async function openJobs(
  workspace: Workspace,
  settings: Partial<JobSettings> = {},
): Promise<JobManager> {
  const jobs = await JobManager.open({
    workspace,
    log: () => undefined,
    settings: { stopMs: 20_000, ...settings },
    command: [process.execPath, FAKE_COMMAND],
  });
  onTestFinished(() => jobs.close());
  return jobs;
}

/** An ingest that behaves as the fake command does for a dataset of this name. */
export const behaving = (dataset: string): JobRequestInput => ({ kind: 'ingest', corpus: 'c', dataset });

/** Lets the processes of a workspace come to their end. */
export async function go(workspace: Workspace): Promise<void> {
  await writeFile(join(workspace.root, 'go'), '');
}

export async function trace(workspace: Workspace): Promise<string[]> {
  return (await readFile(join(workspace.root, 'trace'), 'utf8')).trimEnd().split('\n');
}

/** Waits until a job is in one of these states. */
export async function reaches(jobs: JobManager, id: string, ...states: JobState[]): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  for await (const _ of jobs.follow(id, { after: 0, idleMs: 60_000, signal })) {
    if (states.includes(jobs.get(id).state)) return;
  }
  if (!states.includes(jobs.get(id).state)) throw new Error(`job ${id} is ${jobs.get(id).state}`);
}

/** All events of a job that has ended, or that ends. */
export async function eventsOf(jobs: JobManager, id: string, after = 0): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  const signal = AbortSignal.timeout(60_000);
  for await (const event of jobs.follow(id, { after, idleMs: 60_000, signal })) {
    if (event !== null) events.push(event);
  }
  return events;
}
