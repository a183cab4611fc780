/**
 * Processes that a service which died left behind. Each stops by itself, because its standard input closed; here the next
 * service waits for that, and ends one by force that does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isProcessAlive } from '../../core/process.js';
import type { JobJournal } from './journal.js';

const POLL_MS = 100;

/** Resolves when no process of an earlier service works on the job, or `giveUp` says so. */
export async function endOrphan(journal: JobJournal, limitMs: number, giveUp: () => boolean): Promise<void> {
  const orphan = await journal.readProcess();
  if (orphan === undefined) return;
  const until = performance.now() + limitMs;
  // Undefined is another machine or container: there the leases of datasets and runs keep two processes apart.
  while (isProcessAlive(orphan) === true) {
    if (giveUp()) return;
    if (performance.now() > until) {
      try {
        process.kill(orphan.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await sleep(POLL_MS);
  }
  await journal.clearProcess();
}
