/** What every benchmark shares: its form, and the peak memory of a child process. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Runs, checks, prints, and returns its figures. Throws where a result is wrong. */
export type Benchmark = (options: { readonly quick: boolean }) => Promise<Record<string, unknown>>;

const POLL_MS = 20;

export interface ChildFigures {
  readonly seconds: number;
  /** Of all its threads, as of the last look at it. */
  readonly cpuSeconds: number;
  /** Largest resident set, as the kernel counts it (VmHWM). */
  readonly peakBytes: number;
  readonly stdout: string;
}

/** Hundredths of a second: the kernel's unit in /proc (USER_HZ). */
const TICKS = 100;

/** Runs a Node program to its end and measures it. Throws where it fails. */
export async function measureNode(args: readonly string[]): Promise<ChildFigures> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let peakBytes = 0;
  let cpuSeconds = 0;
  const poll = setInterval(() => {
    try {
      const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
      if (match !== null) peakBytes = Math.max(peakBytes, Number(match[1]) * 1024);
    } catch {
      // The process ended between two looks.
    }
  }, POLL_MS);
  const parts: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearInterval(poll);
  if (status !== 0) throw new Error(`${args.join(' ')} ended with status ${status}`);
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds,
    peakBytes,
    stdout: Buffer.concat(parts).toString(),
  };
}

/** The middle one; of an even number the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
