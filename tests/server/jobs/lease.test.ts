import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acquireService } from '../../../src/server/jobs/lease.js';
import { STALE_MS } from '../../../src/store/lease.js';
import { Workspace } from '../../../src/store/workspace.js';
import { failure } from '../../store/support.js';
import { testFolder } from '../support.js';

/** A workspace whose service is on a machine that cannot be seen, with its last heartbeat so long ago. */
async function leasedElsewhere(silentMs: number): Promise<Workspace> {
  const workspace = new Workspace(await testFolder());
  await mkdir(workspace.jobs);
  const lease = join(workspace.jobs, 'service.lock.3');
  const holder = {
    owner: 'x',
    pid: 4242,
    host: 'elsewhere',
    machine: 'other',
    started: '1',
    released: false,
  };
  await writeFile(lease, JSON.stringify(holder));
  const beat = new Date(Date.now() - silentMs);
  await utimes(lease, beat, beat);
  return workspace;
}

it('waits for a service elsewhere that gives no sign of life, and says so once', async () => {
  const workspace = await leasedElsewhere(STALE_MS - 800);
  const logged: string[] = [];
  const lease = await acquireService(workspace, (message) => void logged.push(message));
  await lease.assertHeld();
  expect(logged).toEqual([
    `the service of workspace ${workspace.root} is in use by process 4242 on elsewhere, which cannot be seen from here; waiting up to 35 s for a sign of its life`,
  ]);
  // Of one that lives nobody waits for anything.
  const error = await failure(acquireService(workspace, (message) => void logged.push(message)));
  expect([error.code, logged.length]).toEqual(['SERVICE_LOCKED', 1]);
  await lease.release();
});

it('gives up where the other service shows that it lives', async () => {
  const workspace = await leasedElsewhere(0);
  expect((await failure(acquireService(workspace, () => undefined, 100))).code).toBe('SERVICE_LOCKED');
});
