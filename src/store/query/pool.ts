/**
 * Queries of a service: a small number of query processes, each busy with one query, and a bounded line before them.
 *
 * Invariants: a process is busy until its query has ended or the process has; a query that is cancelled, too slow or
 * too large frees its place within the grace period whatever its statement does; the pool itself holds no result.
 */
import { TokenmillError } from '../../core/errors.js';
import { QueryProcess, type ProcessOptions } from './process.js';
import type { QueryRequest } from './run.js';

export interface PoolOptions extends ProcessOptions {
  /** Queries that run at once. */
  readonly processes: number;
  /** Queries that may wait for one of them. */
  readonly waiting: number;
}

/** So much of a result is taken before it is handed out: an error until then is the whole answer. */
const FIRST_BYTES = 16_384;

interface Waiter {
  readonly resolve: (process: QueryProcess) => void;
  readonly reject: (error: TokenmillError) => void;
}

export class QueryPool {
  private readonly options: PoolOptions;
  private readonly processes = new Set<QueryProcess>();
  private readonly idle: QueryProcess[] = [];
  private readonly waiters: Waiter[] = [];
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
  }

  /** Queries that run, and that wait. */
  get load(): { running: number; waiting: number } {
    return { running: this.processes.size - this.idle.length, waiting: this.waiters.length };
  }

  /**
   * Runs a query. Resolves with the parts of its result when the first are there; who takes them must take all or
   * return from them, and `signal` ends it in any case.
   * @throws TokenmillError SERVICE_BUSY, UNAVAILABLE, and as `QueryProcess.query`; the parts may throw the latter too
   */
  async query(request: QueryRequest, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    const process = await this.acquire(signal);
    const parts = this.run(process, request, signal);
    const first: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < FIRST_BYTES) {
      const { done, value } = await parts.next();
      if (done === true) break;
      first.push(value);
      bytes += value.length;
    }
    const all = concatenated(first, parts);
    // A reader that has gone may never come back for the next part.
    signal.addEventListener('abort', () => void parts.return(undefined).catch(() => undefined), {
      once: true,
    });
    return all;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.closed = true;
    const error = new TokenmillError('UNAVAILABLE', 'the service is stopping');
    for (const { reject } of this.waiters.splice(0)) reject(error);
    await Promise.all(
      [...this.processes].map((process) => {
        process.kill(error);
        return process.ended;
      }),
    );
  }

  private async *run(
    process: QueryProcess,
    request: QueryRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* process.query(request, signal);
    } finally {
      if (process.alive) this.release(process);
    }
  }

  private async acquire(signal: AbortSignal): Promise<QueryProcess> {
    signal.throwIfAborted();
    const free = this.free();
    if (free !== undefined) return free;
    if (this.waiters.length >= this.options.waiting) {
      throw new TokenmillError('SERVICE_BUSY', `${this.waiters.length} queries wait already`, {
        hint: 'try again in a few seconds',
      });
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.waiters.push(waiter);
      const leave = (): void => {
        const place = this.waiters.indexOf(waiter);
        if (place < 0) return;
        this.waiters.splice(place, 1);
        reject(new TokenmillError('INTERRUPTED', 'the query was cancelled'));
      };
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private free(): QueryProcess | undefined {
    if (this.closed) throw new TokenmillError('UNAVAILABLE', 'the service is stopping');
    const idle = this.idle.pop();
    if (idle !== undefined || this.processes.size >= this.options.processes) return idle;
    const process = new QueryProcess(this.options);
    this.processes.add(process);
    void process.ended.then(() => this.remove(process));
    return process;
  }

  private release(process: QueryProcess): void {
    const waiter = this.waiters.shift();
    if (waiter === undefined) this.idle.push(process);
    else waiter.resolve(process);
  }

  private remove(process: QueryProcess): void {
    this.processes.delete(process);
    const place = this.idle.indexOf(process);
    if (place >= 0) this.idle.splice(place, 1);
    if (this.closed || this.waiters.length === 0) return;
    const next = this.free();
    if (next !== undefined) (this.waiters.shift() as Waiter).resolve(next);
  }
}

async function* concatenated(
  first: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
