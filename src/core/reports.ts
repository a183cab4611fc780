/**
 * What a command tells another program while it works, on stderr: one JSON object a line instead of text for a person,
 * where the environment has TOKENMILL_REPORTS=json.
 *
 * A program that starts commands may also set TOKENMILL_SUPERVISED=1 and hold the other end of their standard input:
 * when that closes, because the program ended it or is gone itself, the command stops as if it were interrupted.
 */
import type { ErrorCode, Place } from './errors.js';

export type Report =
  | { readonly type: 'log'; readonly message: string }
  | {
      readonly type: 'progress';
      readonly label: string;
      readonly done: number;
      readonly total: number | null;
      readonly note: string | null;
      /** Figures by name, such as documents or loss. */
      readonly values: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      readonly place: Place;
      readonly hint: string | null;
    };

/** Milliseconds that a command has to stop once whoever supervises it is gone. */
const ORPHAN_LIMIT_MS = 60_000;

export function reportsAreJson(): boolean {
  return process.env['TOKENMILL_REPORTS'] === 'json';
}

export function writeReport(report: Report): void {
  process.stderr.write(`${JSON.stringify(report)}\n`);
}

/** Interrupts this process when its standard input ends; a process that does not stop for that is killed later. */
export function endWithSupervisor(): void {
  if (process.env['TOKENMILL_SUPERVISED'] !== '1') return;
  process.stdin.once('close', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_LIMIT_MS).unref();
    process.kill(process.pid, 'SIGINT');
  });
  process.stdin.on('error', () => undefined);
  process.stdin.resume();
  // The work keeps the process alive, not the wait for the end of the supervisor.
  (process.stdin as { unref?: () => void }).unref?.();
}
