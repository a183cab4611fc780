/**
 * A bounded pool of worker threads.
 *
 * A worker file's default export is `defineWorker(task => result)`. At most `threads + backlog` tasks are in flight;
 * `run` waits for a place, so a fast producer is held back and memory stays bounded.
 */
import { Piscina, transferableSymbol, valueSymbol } from 'piscina';
import { TokenmillError, type ErrorCode, type Place } from './errors.js';

/** What crosses from a worker: an error as plain values, because a structured clone takes class, code and hint from it. */
type Answer<Result> =
  | { readonly result: Result }
  | { readonly error: { code: ErrorCode; message: string; place: Place; hint: string | undefined } };

/** Makes the default export of a worker file; `transferOf` names buffers of the result to move instead of copy. */
export function defineWorker<Task, Result>(
  work: (task: Task) => Result | Promise<Result>,
  transferOf: (result: Result) => readonly ArrayBufferLike[] = () => [],
): (task: Task) => Promise<unknown> {
  return async (task) => {
    let answer: Answer<Result>;
    try {
      answer = { result: await work(task) };
    } catch (error) {
      if (!(error instanceof TokenmillError)) throw error;
      const { code, message, place, hint } = error;
      answer = { error: { code, message, place, hint } };
    }
    const transfer = 'result' in answer ? transferOf(answer.result) : [];
    return Piscina.move({ [valueSymbol]: answer, [transferableSymbol]: transfer } as never);
  };
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
      // The others start with the first task that finds none free: a small input needs no more, and each takes a CPU second.
      minThreads: 1,
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
      const answer = (await this.piscina.run(task, { transferList: [...transfer] })) as Answer<Result>;
      if ('result' in answer) return answer.result;
      const { code, message, place, hint } = answer.error;
      throw new TokenmillError(code, message, { place, hint });
    } catch (error) {
      if (error instanceof TokenmillError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new TokenmillError('WORKER_FAILED', `a worker thread failed: ${message}`, { cause: error });
    } finally {
      this.inFlight -= 1;
      this.waiting.shift()?.();
    }
  }

  /**
   * Maps tasks over the pool and yields the results in the order of the tasks. Reads the next task only when
   * there is a place for it.
   */
  async *map<Given extends Task>(
    tasks: AsyncIterable<Given> | Iterable<Given>,
    transferOf: (task: Given) => readonly ArrayBuffer[] = () => [],
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
