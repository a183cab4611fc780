/**
 * A bounded pool of worker threads.
 *
 * A worker file exports one default function (task) => result. At most `threads + backlog` tasks are in flight;
 * `run` waits for a place, so a fast producer is held back and memory stays bounded.
 */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { TokenmillError } from './errors.js';

/**
 * Path of a compiled worker beside the calling module. Workers always run from `dist`: under vitest the calling
 * module is in `src`, and a thread there would have no TypeScript loader.
 */
export function workerFile(moduleUrl: string, name: string): string {
  const path = fileURLToPath(new URL(name, moduleUrl));
  return moduleUrl.endsWith('.ts') ? path.replace(/([/\\])src([/\\])(?!.*[/\\]src[/\\])/, '$1dist$2') : path;
}

export interface PoolOptions {
  /** Worker threads, at least 1. */
  readonly threads: number;
  /** Tasks that may wait beside those that run. Default: as many as threads. */
  readonly backlog?: number;
  /** Given to every worker; read there with `workerData`. */
  readonly workerData?: unknown;
}

export class WorkerPool<Task, Result> {
  private readonly piscina: Piscina;
  private readonly limit: number;
  private inFlight = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(file: string, options: PoolOptions) {
    const backlog = options.backlog ?? options.threads;
    this.limit = options.threads + backlog;
    this.piscina = new Piscina({
      filename: file,
      minThreads: options.threads,
      maxThreads: options.threads,
      maxQueue: this.limit,
      workerData: options.workerData,
      // A worker holds tables that are costly to build, so it is never let go while the pool lives.
      idleTimeout: Infinity,
    });
  }

  /** Runs one task; `transfer` moves buffers instead of copying them. Results may come out of order. */
  async run(task: Task, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    while (this.inFlight >= this.limit) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
    this.inFlight += 1;
    try {
      return (await this.piscina.run(task, { transferList: [...transfer] })) as Result;
    } catch (error) {
      throw reviveError(error);
    } finally {
      this.inFlight -= 1;
      this.waiting.shift()?.();
    }
  }

  /**
   * Maps tasks over the pool and yields the results in the order of the tasks. Reads the next task only when
   * there is a place for it.
   */
  async *map(
    tasks: AsyncIterable<Task> | Iterable<Task>,
    transferOf: (task: Task) => readonly ArrayBuffer[] = () => [],
  ): AsyncGenerator<Result> {
    const pending: Promise<Result>[] = [];
    for await (const task of tasks) {
      const result = this.run(task, transferOf(task));
      // A failure is reported when its turn comes; until then it must not count as unhandled.
      result.catch(() => undefined);
      pending.push(result);
      if (pending.length >= this.limit) yield await (pending.shift() as Promise<Result>);
    }
    for (const result of pending) yield await result;
  }

  async close(): Promise<void> {
    await this.piscina.destroy();
  }
}

/** An error that crossed a thread boundary has lost its class; give it back. */
function reviveError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TokenmillError) return error;
  const like = error as Error & { code?: string; place?: object; hint?: string };
  if (error.name === 'TokenmillError' && like.code !== undefined) {
    return new TokenmillError(like.code as TokenmillError['code'], error.message, {
      place: like.place,
      hint: like.hint,
      cause: error,
    });
  }
  return new TokenmillError('WORKER_FAILED', `a worker thread failed: ${error.message}`, { cause: error });
}
