/** A query process as its parent sees it: one query at a time, and ended by force where it does not end by itself. */
import { fork, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { TokenmillError } from '../../core/errors.js';
import { compiledFile } from '../../core/paths.js';
import { decodeError, FRAME, readFrames, type Frame } from './frames.js';
import type { QueryLimits } from './limits.js';
import type { QueryRequest } from './run.js';
import type { SessionOptions } from './session.js';
import { FRAMES_DESCRIPTOR, type WorkerMessage } from './worker-message.js';

/** It is slow to start where the machine is busy or the commit log is long. */
const START_MS = 120_000;
/** After a cancel or the end of its time a query has this long to end. */
const GRACE_MS = 500;
/** Heap of the process for results on their way, in megabytes. */
const HEAP_MB = 256;
/** What of the process's own messages is kept for the error that tells of its end. */
const MAX_STDERR = 2000;

export interface ProcessOptions {
  readonly session: SessionOptions & { readonly limits: QueryLimits };
  /** Memory of the whole process, in bytes. */
  readonly residentBytes: number;
}

export class QueryProcess {
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private readonly frames: AsyncGenerator<Frame>;
  private readonly limits: QueryLimits;
  private readonly ready: Promise<void>;
  private stderr = '';
  private hasEnded = false;
  /** Why this side killed it. */
  private killed: TokenmillError | undefined;

  constructor({ session, residentBytes }: ProcessOptions) {
    this.limits = session.limits;
    this.child = fork(compiledFile(import.meta.url, './worker.js'), [], {
      // Nothing of the service's environment, which may hold tokens.
      env: { TMPDIR: process.env['TMPDIR'] },
      // The session's paths are relative, so that nothing that it says tells where the workspace is.
      cwd: session.workspace,
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
    });
    this.frames = readFrames(this.child.stdio[FRAMES_DESCRIPTOR] as Readable);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-MAX_STDERR);
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.hasEnded = true;
        resolve();
      };
      this.child.once('exit', end);
      this.child.once('error', end);
    });
    this.send({ kind: 'open', options: { ...session, workspace: '.' }, residentBytes });
    this.ready = this.start();
  }

  get alive(): boolean {
    return !this.hasEnded && this.killed === undefined;
  }

  kill(reason: TokenmillError): void {
    this.killed ??= reason;
    this.child.kill('SIGKILL');
  }

  /**
   * The parts of a result. When it has ended, in whatever way, the process is either free or not `alive`.
   * @throws TokenmillError as `QuerySession.query`; SQL_LIMIT where the process took too much memory
   */
  async *query(request: QueryRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    await this.ready;
    let finished = false;
    let grace: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      this.send({ kind: 'cancel' });
      grace ??= setTimeout(
        () => this.kill(new TokenmillError('INTERRUPTED', 'the query was cancelled')),
        GRACE_MS,
      );
    };
    const { milliseconds } = this.limits;
    const late = setTimeout(
      () =>
        this.kill(new TokenmillError('SQL_TIMEOUT', `the query took longer than ${milliseconds / 1000} s`)),
      milliseconds + GRACE_MS,
    );
    signal.addEventListener('abort', cancel, { once: true });
    this.send({ kind: 'run', request });
    if (signal.aborted) cancel();
    try {
      for (;;) {
        const frame = await this.next();
        finished = frame.kind !== FRAME.data;
        if (frame.kind === FRAME.failure) throw this.failure(decodeError(frame.payload));
        if (frame.kind === FRAME.end) return;
        yield frame.payload;
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      if (!finished && this.alive) {
        // Whoever reads does not want the rest; the process gets rid of it.
        cancel();
        await this.drain();
      }
      clearTimeout(late);
      clearTimeout(grace);
    }
  }

  private async start(): Promise<void> {
    const late = setTimeout(
      () => this.kill(new TokenmillError('INTERNAL', 'a query process did not start in time')),
      START_MS,
    );
    // Where it ends instead, the first query finds out.
    await this.frames.next();
    clearTimeout(late);
  }

  private async next(): Promise<Frame> {
    const { done, value } = await this.frames.next();
    if (done !== true) return value;
    await this.ended;
    throw this.endError();
  }

  /** A defect, which may have left the process in any state, ends it. */
  private failure(error: TokenmillError): TokenmillError {
    if (error.code === 'INTERNAL') this.kill(error);
    return error;
  }

  private async drain(): Promise<void> {
    for (;;) {
      const { done, value } = await this.frames.next();
      if (done === true || (value as Frame).kind !== FRAME.data) return;
    }
  }

  private endError(): TokenmillError {
    if (this.killed !== undefined) return this.killed;
    const { signalCode, exitCode } = this.child;
    // The process itself, V8 or the kernel ended it for its memory.
    if (signalCode === 'SIGKILL' || signalCode === 'SIGABRT') {
      return new TokenmillError('SQL_LIMIT', 'the statement needs more memory than a query may have', {
        hint: 'select fewer columns, filter first, or aggregate more coarsely',
      });
    }
    return new TokenmillError(
      'INTERNAL',
      `a query process ended with ${signalCode ?? exitCode}: ${this.stderr}`,
    );
  }

  private send(message: WorkerMessage): void {
    // To a process that has ended, nothing; the end of its frames tells.
    if (this.child.connected) this.child.send(message, () => undefined);
  }
}
