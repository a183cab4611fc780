/**
 * Who a process is, so that another one can tell later whether it still runs. A process id alone does not say: the
 * system gives it to another process, and in another container or after a reboot it means nothing.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** What process ids belong to: boot and process namespace; empty where the system does not say. */
  machine: z.string(),
  /** Start of the process, in the kernel's ticks, so that a reused pid is not mistaken for it. */
  started: z.string().nullable(),
});

export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** Of a process of this machine: this one, or a child of it. */
export function identifyProcess(pid = process.pid): ProcessIdentity {
  return { pid, host: hostname(), machine: machineOfProcess(), started: processStat(pid)?.started ?? null };
}

/** Whether the process runs; undefined where this machine cannot know. */
export function isProcessAlive(identity: ProcessIdentity): boolean | undefined {
  if (identity.host !== hostname() || identity.machine !== machineOfProcess()) return undefined;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const found = processStat(identity.pid);
  if (found === undefined || identity.started === null) return undefined;
  // A zombie has ended; its parent only has not asked for its status.
  return found.state !== 'Z' && found.started === identity.started;
}

/** Whether the process runs, or ran, on the kernel of this one, if in another container. */
export function isOfThisKernel({ machine }: ProcessIdentity): boolean {
  const [boot] = machine.split(' ');
  return boot !== '' && boot === machineOfProcess().split(' ')[0];
}

/** Fields 3 and 22 of /proc/<pid>/stat, see proc_pid_stat(5); undefined where there is no /proc. */
function processStat(pid: number): { state: string; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 2 is the command in parentheses and may contain anything; field 3 follows its last parenthesis.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[19] };
  } catch {
    return undefined;
  }
}

function machineOfProcess(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}
