/**
 * The generators of the service: so many processes, started when they are needed, and a line of requests before them.
 *
 * Invariants: a generator works on one text at a time; a request that is aborted or over its time gives its generator
 * back within `CANCEL_MS`, by force if need be; a generator that dies costs the request it worked on and nothing else.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { TokenmillError } from '../../core/errors.js';
import { compiledFile } from '../../core/paths.js';
import type { GeneratorOrder, SequenceEvent, SequenceRequest } from './messages.js';

/** Milliseconds that a generator has to stop after it was told to. */
const CANCEL_MS = 5_000;

export interface GenerationSettings {
  /** Processes. */
  readonly generators: number;
  /** Requests that may wait for one. */
  readonly maxWaiting: number;
  /** Bytes of models that one of them may hold. */
  readonly modelBytes: number;
  /** Milliseconds that one text may take, loading of its model included. */
  readonly timeMs: number;
}

export type PooledEvent =
  | Exclude<SequenceEvent, { type: 'error' | 'end' }>
  | {
      readonly type: 'end';
      readonly reason: 'stop' | 'length' | 'cancelled' | 'time';
      readonly rest: string;
    };

export class GenerationPool {
  readonly settings: GenerationSettings;
  private readonly root: string;
  private readonly idle: Generator[] = [];
  private readonly all = new Set<Generator>();
  private readonly waiting: { readonly run: string; take(generator: Generator): void }[] = [];
  private closed = false;

  /** @param root folder of the workspace */
  constructor(root: string, settings: GenerationSettings) {
    this.root = root;
    this.settings = settings;
  }

  get busy(): number {
    return this.all.size - this.idle.length;
  }

  get queued(): number {
    return this.waiting.length;
  }

  /**
   * The events of one text. Whoever stops reading them, or aborts the signal, ends the work on it.
   * @throws TokenmillError what `SequenceRequest` meets in a generator, SERVICE_BUSY, INTERRUPTED, ENGINE_FAILED
   */
  async *run(request: SequenceRequest, signal: AbortSignal): AsyncGenerator<PooledEvent> {
    const generator = await this.acquire(request.run, signal);
    if (generator === undefined) {
      yield { type: 'end', reason: 'cancelled', rest: '' };
      return;
    }
    try {
      yield* generator.run(request, signal, this.settings.timeMs);
    } finally {
      await generator.settle();
      this.release(generator);
    }
  }

  private async acquire(run: string, signal: AbortSignal): Promise<Generator | undefined> {
    if (this.closed) throw new TokenmillError('INTERRUPTED', 'the service is stopping');
    // One that has the model already, if there is one.
    const place = Math.max(
      0,
      this.idle.findIndex((generator) => generator.lastRun === run),
    );
    const [found] = this.idle.splice(place, 1);
    if (found !== undefined) return found;
    if (this.all.size < this.settings.generators) return this.start();
    if (this.waiting.length >= this.settings.maxWaiting) {
      throw new TokenmillError('SERVICE_BUSY', `${this.waiting.length} texts wait to be generated already`, {
        hint: 'try again in a moment',
      });
    }
    return new Promise((resolve) => {
      const entry = {
        run,
        take: (generator: Generator) => {
          signal.removeEventListener('abort', onAbort);
          resolve(generator);
        },
      };
      const onAbort = (): void => {
        const index = this.waiting.indexOf(entry);
        if (index !== -1) this.waiting.splice(index, 1);
        resolve(undefined);
      };
      this.waiting.push(entry);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  private start(): Generator {
    const generator = new Generator(this.root, this.settings.modelBytes);
    this.all.add(generator);
    return generator;
  }

  private release(used: Generator): void {
    if (used.ended) this.all.delete(used);
    const next = this.closed ? undefined : this.waiting.shift();
    if (next !== undefined) next.take(used.ended ? this.start() : used);
    else if (!used.ended) this.idle.push(used);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.all].map((generator) => generator.kill()));
  }
}

/** One process. */
class Generator {
  lastRun: string | undefined;
  private readonly child: ChildProcess;
  private readonly exit: Promise<void>;
  private exited = false;
  private readonly events: SequenceEvent[] = [];
  private wake: (() => void) | undefined;
  /** The last event of the text under way has come. */
  private done = true;
  /** Texts so far. */
  private texts = 0;

  constructor(root: string, modelBytes: number) {
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('TOKENMILL_'));
    this.child = fork(compiledFile(import.meta.url, './generator.js'), [root, String(modelBytes)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: Object.fromEntries(environment),
    });
    this.child.on('message', (event: SequenceEvent) => {
      this.events.push(event);
      if (event.type === 'end' || event.type === 'error') this.done = true;
      this.wake?.();
    });
    this.exit = new Promise((resolve) => {
      this.child.on('exit', () => {
        this.exited = true;
        this.wake?.();
        resolve();
      });
    });
    this.child.on('error', () => this.wake?.());
  }

  get ended(): boolean {
    return this.exited || !this.child.connected;
  }

  async *run(request: SequenceRequest, signal: AbortSignal, timeMs: number): AsyncGenerator<PooledEvent> {
    this.lastRun = request.run;
    this.events.length = 0;
    this.done = false;
    this.texts += 1;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.cancel();
    }, timeMs);
    const onAbort = (): void => this.cancel();
    signal.addEventListener('abort', onAbort);
    try {
      this.send({ kind: 'run', request });
      if (signal.aborted) this.cancel();
      for (;;) {
        const event = this.events.shift();
        if (event === undefined) {
          if (this.ended) {
            if (!late && !signal.aborted) throw died();
            yield { type: 'end', reason: late ? 'time' : 'cancelled', rest: '' };
            return;
          }
          await new Promise<void>((resolve) => (this.wake = resolve));
        } else if (event.type === 'error') {
          const { code, message, hint } = event.error;
          throw new TokenmillError(code, message, { hint: hint ?? undefined });
        } else if (event.type === 'end') {
          yield late && event.reason === 'cancelled' ? { ...event, reason: 'time' } : event;
          return;
        } else {
          yield event;
        }
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when it is ready for another text, or has ended. */
  async settle(): Promise<void> {
    if (this.done || this.ended) return;
    this.cancel();
    while (!this.done && !this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  private cancel(): void {
    if (this.done || this.ended) return;
    this.send({ kind: 'cancel' });
    const text = this.texts;
    setTimeout(() => {
      if (this.texts === text && !this.done) this.child.kill('SIGKILL');
    }, CANCEL_MS).unref();
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  private send(order: GeneratorOrder): void {
    if (!this.ended) this.child.send(order, () => undefined);
  }
}

function died(): TokenmillError {
  return new TokenmillError('ENGINE_FAILED', 'the process that generates text ended', {
    hint: 'it may have run out of memory; the next request starts another one',
  });
}
