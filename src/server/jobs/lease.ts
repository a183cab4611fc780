/** One service a workspace: its lease, and the wait for that of a service that may have been killed elsewhere. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenmillError } from '../../core/errors.js';
import type { Log } from '../../core/log.js';
import { acquireWriter, inspectLease, STALE_MS, type WriterLease } from '../../store/lease.js';
import type { Workspace } from '../../store/workspace.js';

const RETRY_MS = 500;
/** A heartbeat can be late. */
const MARGIN_MS = 5_000;

/**
 * Takes the lease of the workspace's service. Where its holder is on another machine, so that nobody here can tell
 * whether it lives, this waits until its heartbeats have been missing for long enough, and says so.
 * @throws TokenmillError SERVICE_LOCKED where another service runs on the workspace
 */
export async function acquireService(
  workspace: Workspace,
  log: Log,
  waitMs = STALE_MS + MARGIN_MS,
): Promise<WriterLease> {
  const path = join(workspace.jobs, 'service.lock');
  const what = `the service of workspace ${workspace.root}`;
  const until = performance.now() + waitMs;
  let told = false;
  for (;;) {
    try {
      return await acquireWriter(path, { what, code: 'SERVICE_LOCKED', withBeacon: true });
    } catch (error) {
      if (!(error instanceof TokenmillError) || error.code !== 'SERVICE_LOCKED') throw error;
      const { state } = await inspectLease(path);
      if (state === 'held' || performance.now() > until) throw error;
      if (!told) {
        log(
          `${error.message}, which cannot be seen from here; waiting up to ${Math.round(waitMs / 1000)} s for a sign of its life`,
        );
      }
      told = true;
    }
    await sleep(RETRY_MS);
  }
}
