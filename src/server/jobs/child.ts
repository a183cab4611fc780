/**
 * The process of a job: the command line, which reports in JSON on stderr and prints its result on stdout.
 *
 * Its standard input is a pipe that nobody writes to: when the service dies, however it dies, the pipe closes and the
 * command stops by itself (`core/reports.ts`). It leads a process group of its own, so that a Ctrl-C in the terminal of
 * the service reaches the service alone, which then stops its jobs in order. Its environment has no setting of the
 * service and none of its secrets.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { ERRORS, EXIT, type ErrorCode } from '../../core/errors.js';
import { identifyProcess, type ProcessIdentity } from '../../core/process.js';
import { jobProgressSchema, type JobError, type JobProgress } from './job.js';

/** A result larger than this is not a summary. */
const MAX_RESULT_BYTES = 1 << 20;
/** Of a message of the command; the rest is cut off. */
export const MAX_MESSAGE_LENGTH = 2_000;

const reportSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('log'), message: z.string() }),
  z.object({ type: z.literal('progress'), ...jobProgressSchema.shape }),
  z.object({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
  }),
]);

export interface ChildHandlers {
  onProgress(progress: JobProgress): void;
  onLog(message: string): void;
}

export interface ChildOutcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What the command printed, parsed; null where it is no JSON. */
  readonly result: unknown;
  /** What it reported, or what its end says; undefined where it succeeded. */
  readonly error: JobError | undefined;
}

export interface ChildCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
}

export class JobChild {
  /** Never rejects. */
  readonly ended: Promise<ChildOutcome>;
  private readonly child: ChildProcess;
  private killed: NodeJS.Timeout | undefined;

  constructor({ program, args, folder }: ChildCommand, handlers: ChildHandlers) {
    this.child = spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: childEnvironment(),
    });
    this.child.stdin?.on('error', () => undefined);
    this.ended = this.follow(handlers);
  }

  /** Undefined where it could not be started. */
  get identity(): ProcessIdentity | undefined {
    return this.child.pid === undefined ? undefined : identifyProcess(this.child.pid);
  }

  /** Asks it to stop at its next commit or checkpoint, and ends it by force where it takes longer than `limitMs`. */
  stop(limitMs: number): void {
    if (this.killed !== undefined) return;
    this.signal('SIGINT');
    this.killed = setTimeout(() => this.signal('SIGKILL'), limitMs);
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined || this.child.exitCode !== null) return;
    try {
      if (signal === 'SIGKILL') process.kill(-this.child.pid, signal);
      else this.child.kill(signal);
    } catch {
      // It has ended in the meantime.
    }
  }

  private async follow(handlers: ChildHandlers): Promise<ChildOutcome> {
    const { child } = this;
    let output = '';
    let reported: JobError | undefined;
    let unread = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < MAX_RESULT_BYTES) output += chunk;
    });
    if (child.stderr !== null) {
      const lines = createInterface({ input: child.stderr, crlfDelay: Number.POSITIVE_INFINITY });
      lines.on('line', (line) => {
        const report = parseReport(line);
        if (report === undefined) {
          unread = line.slice(0, MAX_MESSAGE_LENGTH);
          if (line.trim() !== '') handlers.onLog(unread);
        } else if (report.type === 'progress') {
          const { type: _, ...progress } = report;
          handlers.onProgress(progress);
        } else if (report.type === 'log') {
          handlers.onLog(report.message.slice(0, MAX_MESSAGE_LENGTH));
        } else {
          const code = Object.hasOwn(ERRORS, report.code) ? (report.code as ErrorCode) : 'INTERNAL';
          reported = { code, message: report.message.slice(0, MAX_MESSAGE_LENGTH), hint: report.hint };
        }
      });
    }
    const { status, signal, failure } = await new Promise<{
      status: number | null;
      signal: NodeJS.Signals | null;
      failure?: Error;
    }>((resolve) => {
      child.on('error', (error) => {
        if (child.pid === undefined) resolve({ status: null, signal: null, failure: error });
      });
      child.on('close', (code, by) => resolve({ status: code, signal: by }));
    });
    clearTimeout(this.killed);
    return {
      status,
      signal,
      result: status === EXIT.ok ? parseResult(output) : null,
      error: status === EXIT.ok ? undefined : (reported ?? unreported(status, signal, failure, unread)),
    };
  }
}

/** Without the service's own settings and tokens: a job depends on its request alone. */
function childEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TOKENMILL_'));
  return { ...Object.fromEntries(inherited), TOKENMILL_REPORTS: 'json', TOKENMILL_SUPERVISED: '1' };
}

function parseReport(line: string): z.output<typeof reportSchema> | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function parseResult(output: string): unknown {
  try {
    return JSON.parse(output) as unknown;
  } catch {
    return null;
  }
}

function unreported(
  status: number | null,
  signal: NodeJS.Signals | null,
  failure: Error | undefined,
  lastLine: string,
): JobError {
  if (failure !== undefined) {
    return { code: 'INTERNAL', message: `the command could not be started: ${failure.message}`, hint: null };
  }
  if (signal !== null) {
    return {
      code: 'JOB_KILLED',
      message: `the process was ended by ${signal}`,
      hint: 'where nobody did that, the machine may have run out of memory; what was committed is kept',
    };
  }
  return { code: 'INTERNAL', message: lastLine || `the command ended with status ${status}`, hint: null };
}
