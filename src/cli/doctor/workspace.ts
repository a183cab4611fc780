/**
 * Whether a workspace is whole: commit logs, the files that commits name, leases, queues, runs, space. Nothing here writes
 * or takes a lease, so it may run beside anything.
 */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { listFolder, TEMPORARY_PREFIX } from '../../core/files.js';
import { formatBytes, formatCount } from '../../core/format.js';
import { listModels, readCheckpoint, readModel } from '../../server/runs.js';
import { committedFiles, readCommits, type Commit } from '../../store/commits.js';
import { inspectLease } from '../../store/lease.js';
import { Queue } from '../../store/queue.js';
import type { DatasetPaths, Workspace } from '../../store/workspace.js';
import { fail, look, ok, warn, type Finding } from './finding.js';

const LITTLE_SPACE = 2e9;
const NO_SPACE = 100e6;
/** Files that are named in a message. */
const SHOWN = 3;

export async function checkWorkspace(workspace: Workspace): Promise<Finding[]> {
  const { root } = workspace;
  const there = await stat(root).catch(() => undefined);
  if (there === undefined) {
    return [warn('workspace', `${root} does not exist`, 'ingest creates it; --workspace DIR names another')];
  }
  try {
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [fail('workspace', `${root} cannot be read and written`, 'check its owner and mode')];
  }
  const findings = [ok('workspace', root), ...(await look('space', () => checkSpace(root)))];
  findings.push(...(await look('service', () => checkService(workspace))));
  for (const name of await workspace.listDatasets()) {
    const paths = workspace.dataset(name);
    findings.push(...(await look(`dataset ${name}`, () => checkDataset(paths))));
    findings.push(...(await look(`queue ${name}`, () => checkQueue(paths))));
  }
  for (const name of await listModels(workspace)) {
    findings.push(...(await look(`run ${name}`, () => checkRun(workspace, name))));
  }
  return findings;
}

async function checkSpace(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  return spaceFinding(bavail * bsize);
}

export function spaceFinding(free: number): Finding {
  const message = `${formatBytes(free)} free`;
  if (free < NO_SPACE) return fail('space', message, 'free some: what is written now would not fit');
  if (free < LITTLE_SPACE) return warn('space', message, 'free some before the next ingest');
  return ok('space', message);
}

async function checkService(workspace: Workspace): Promise<Finding> {
  const { state, holder } = await inspectLease(join(workspace.jobs, 'service.lock'));
  if (state === 'held') return ok('service', `runs: ${holder}`);
  if (state === 'left') {
    return warn('service', `${holder} ended without stopping`, 'tokenmill serve continues its jobs');
  }
  return ok('service', state === 'free' ? 'does not run' : `may run: ${holder}`);
}

async function checkDataset(paths: DatasetPaths): Promise<Finding[]> {
  const what = `dataset ${paths.name}`;
  // The lease first: what a writer adds after the log was read is not an orphan.
  const { state, holder } = await inspectLease(paths.lock);
  const commits = await readCommits(paths);
  const findings = [...(await checkFiles(paths, commits))];
  const documents = commits.at(-1)?.totals['documents'] ?? 0;
  if (findings.length === 0) {
    findings.push(ok(what, `${formatCount(commits.length)} commits, ${formatCount(documents)} documents`));
  }
  if (state === 'held' || state === 'unknown') findings.push(ok(what, `is written by ${holder}`));
  else findings.push(...(await checkOrphans(paths, commits)));
  if (state === 'left') {
    const hint = 'the same ingest again continues where it stopped';
    findings.push(warn(what, `${holder} was writing and is gone`, hint));
  }
  return findings;
}

async function checkFiles(paths: DatasetPaths, commits: readonly Commit[]): Promise<Finding[]> {
  const bad: string[] = [];
  for (const { path, bytes } of [...committedFiles(commits), ...(commits.at(-1)?.pending ?? [])]) {
    const found = await stat(join(paths.folder, path)).catch(() => undefined);
    if (found === undefined) bad.push(`${path} is missing`);
    else if (found.size !== bytes) bad.push(`${path} has ${found.size} bytes, not ${bytes}`);
  }
  if (bad.length === 0) return [];
  const hint = 'restore them from a copy, or ingest into a new dataset';
  return [fail(`dataset ${paths.name}`, some(bad), hint)];
}

async function checkOrphans(paths: DatasetPaths, commits: readonly Commit[]): Promise<Finding[]> {
  const named = new Set(
    [...committedFiles(commits), ...(commits.at(-1)?.pending ?? [])].map(({ path }) => path),
  );
  const orphans: string[] = [];
  for (const kind of ['documents', 'signatures', 'shards'] as const) {
    for (const name of await listFolder(paths[kind])) {
      const path = `${kind}/${name}`;
      if (!named.has(path) && !name.startsWith(TEMPORARY_PREFIX)) orphans.push(path);
    }
  }
  if (orphans.length === 0) return [];
  const hint = 'left by an ingest that was killed; the next ingest into the dataset removes them';
  return [warn(`dataset ${paths.name}`, `no commit names ${some(orphans)}`, hint)];
}

async function checkQueue(paths: DatasetPaths): Promise<Finding[]> {
  const what = `queue ${paths.name}`;
  const entries = await new Queue(paths.queue).list();
  if (entries.length === 0) return [];
  const count = (state: string): number => entries.filter((entry) => entry.state === state).length;
  const states = ['ready', 'leased', 'done', 'failed'].map(
    (state) => `${formatCount(count(state))} ${state}`,
  );
  const failed = entries.find(({ state }) => state === 'failed');
  if (failed !== undefined) {
    const hint = `after mending that: tokenmill queue retry --dataset ${paths.name}`;
    return [warn(what, `${states.join(', ')}; ${failed.name}: ${failed.reason ?? 'no reason given'}`, hint)];
  }
  const late = entries.filter(({ deadline }) => deadline !== null && deadline < Date.now());
  if (late.length > 0) {
    const hint = 'the next trainer takes them; a trainer that runs would have renewed them';
    return [warn(what, `${states.join(', ')}; ${formatCount(late.length)} leases have expired`, hint)];
  }
  return [ok(what, states.join(', '))];
}

async function checkRun(workspace: Workspace, name: string): Promise<Finding[]> {
  const what = `run ${name}`;
  const model = await readModel(workspace, name);
  const { state, holder } = await inspectLease(join(model.folder, 'run.lock'));
  const latest = model.checkpoints.at(-1);
  if (model.run === undefined) return [ok(what, `${formatCount(model.parameters)} parameters`)];
  const now = state === 'held' || state === 'unknown' ? `, trained by ${holder}` : '';
  if (latest === undefined) return [ok(what, `no checkpoint yet${now}`)];
  const { step, files } = await readCheckpoint(model, latest);
  if (files.length < 4) {
    const hint = 'the checkpoint before it is used where there is one; train on to write another';
    return [fail(what, `checkpoint ${latest} has only ${files.map((file) => file.name).join(', ')}`, hint)];
  }
  return [ok(what, `step ${formatCount(step)} of ${formatCount(model.run.steps)}${now}`)];
}

function some(texts: readonly string[]): string {
  const more = texts.length - SHOWN;
  return `${texts.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}
