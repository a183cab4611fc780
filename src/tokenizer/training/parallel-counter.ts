/**
 * Counts the pre-tokens of texts on threads. Batches go to the threads in turn, so that what a thread counts depends on
 * nothing but their number; sums do not depend even on that. At most two batches a thread are under way.
 */
import { Worker } from 'node:worker_threads';
import { compiledFile } from '../../core/paths.js';
import { parsePattern } from '../patterns.js';
import type { CountedPieces, CountRequest } from './count-worker.js';
import { PieceCounter } from './piece-counter.js';
import type { CountOptions } from './text-counter.js';

const BATCH_BYTES = 1 << 20;
const BATCHES_A_THREAD = 2;

class CountThread {
  private readonly worker: Worker;
  private underWay = 0;
  private pieces: CountedPieces | undefined;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(options: CountOptions) {
    this.worker = new Worker(compiledFile(import.meta.url, './count-worker.js'), { workerData: options });
    this.worker.on('message', (answer: CountedPieces | null) => {
      if (answer === null) this.underWay -= 1;
      else this.pieces = answer;
      this.wake();
    });
    this.worker.on('error', (error: Error) => {
      this.failure = error;
      this.wake();
    });
  }

  /** Sends a batch as soon as the thread may have one more. */
  async send(request: CountRequest, transfer: ArrayBuffer[]): Promise<void> {
    await this.until(() => this.underWay < BATCHES_A_THREAD);
    this.underWay += 1;
    this.worker.postMessage(request, transfer);
  }

  async finish(): Promise<CountedPieces> {
    this.worker.postMessage('finish' satisfies CountRequest);
    await this.until(() => this.pieces !== undefined);
    return this.pieces as CountedPieces;
  }

  async close(): Promise<void> {
    this.pieces = undefined;
    await this.worker.terminate();
  }

  /** Waits for answers until a condition holds; an error of the thread is thrown. */
  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

export class ParallelCounter {
  private readonly options: CountOptions;
  private readonly threads: readonly CountThread[];
  private turn = 0;
  private texts: Uint8Array[] = [];
  private size = 0;

  constructor(options: CountOptions, threads: number) {
    this.options = options;
    this.threads = Array.from({ length: threads }, () => new CountThread(options));
  }

  async add(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text.slice();
    this.texts.push(bytes);
    this.size += bytes.length;
    if (this.size >= BATCH_BYTES) await this.flush();
  }

  /** The sums of all threads, which end. */
  async finish(): Promise<PieceCounter> {
    await this.flush();
    const total = new PieceCounter(parsePattern(this.options.pattern), this.options.maxPieces);
    // One after the other: the tables of all threads beside the sum would be in memory twice.
    for (const thread of this.threads) {
      total.addCounted(await thread.finish());
      await thread.close();
    }
    return total;
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  private async flush(): Promise<void> {
    if (this.texts.length === 0) return;
    const bytes = new Uint8Array(this.size);
    const ends = new Uint32Array(this.texts.length);
    let end = 0;
    this.texts.forEach((text, index) => {
      bytes.set(text, end);
      end += text.length;
      ends[index] = end;
    });
    this.texts = [];
    this.size = 0;
    const thread = this.threads[this.turn];
    this.turn = (this.turn + 1) % this.threads.length;
    await thread.send({ bytes, ends }, [bytes.buffer, ends.buffer]);
  }
}
