/**
 * SHA-256 of files while they are written, on a thread of its own. What was just written is handed to it in memory as long
 * as it keeps up; what it was not handed it reads from the file, mostly out of the page cache. A file that was begun by an
 * earlier process is hashed from its start, in the background while the rest arrives.
 */
import { Worker } from 'node:worker_threads';
import { TokenmillError } from '../../core/errors.js';
import { compiledFile } from '../../core/paths.js';
import type { HashAnswer, HashOrder } from './hash-thread.js';
import { ownsItsMemory, releaseBuffers } from './release.js';

interface Waiting {
  resolve(sha256: string): void;
  reject(error: unknown): void;
}

/** The hash of one file. `advance` never goes back: bytes below the length are final. */
export interface Following {
  /** Bytes `[0, length)` are written and stay as they are. */
  advance(length: number): void;
  /** `advance` with the bytes that end at `length`, which nobody else uses any more: they may be gone on return. */
  advanceWith(length: number, bytes: readonly Buffer[]): void;
  /** SHA-256 of the first `length` bytes. Ends the following. @throws TokenmillError IO */
  digest(length: number): Promise<string>;
  /** Ends the following without a result. */
  forget(): void;
}

/** Bytes that are handed over and not hashed yet: beyond, the thread reads from the file, and memory stays flat. */
const MAX_HANDED_BYTES = 16 << 20;

export class FileHasher {
  private handedBytes = 0;
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  follow(path: string): Following {
    this.lastId += 1;
    const id = this.lastId;
    // A thread that failed took its files with it: the file begins anew with the thread that it finds.
    let thread = this.started();
    this.send(thread, { kind: 'follow', id, path });
    const current = (): Worker => {
      const now = this.started();
      if (now !== thread) {
        thread = now;
        this.send(thread, { kind: 'follow', id, path });
      }
      return thread;
    };
    return {
      advance: (length) => this.send(current(), { kind: 'advance', id, length }),
      advanceWith: (length, bytes) => {
        const thread = current();
        const size = bytes.reduce((sum, part) => sum + part.length, 0);
        const movable = bytes.every(ownsItsMemory);
        if (movable && this.handedBytes + size <= MAX_HANDED_BYTES) {
          this.handedBytes += size;
          thread.postMessage(
            { kind: 'bytes', id, length, bytes } satisfies HashOrder,
            bytes.map(({ buffer }) => buffer as ArrayBuffer),
          );
        } else {
          this.send(thread, { kind: 'advance', id, length });
          releaseBuffers(bytes);
        }
      },
      digest: (length) =>
        new Promise((resolve, reject) => {
          this.waiting.set(id, { resolve, reject });
          this.send(current(), { kind: 'finish', id, length });
        }),
      forget: () => this.send(current(), { kind: 'forget', id }),
    };
  }

  async close(): Promise<void> {
    const thread = this.thread;
    this.thread = undefined;
    await thread?.terminate();
    this.failAll(new TokenmillError('INTERRUPTED', 'the service stopped before a file was hashed'));
  }

  private send(thread: Worker, order: HashOrder): void {
    thread.postMessage(order);
  }

  private started(): Worker {
    if (this.thread !== undefined) return this.thread;
    const thread = new Worker(compiledFile(import.meta.url, './hash-thread.js'));
    // It waits for orders for ever; that alone keeps no process alive.
    thread.unref();
    thread.on('message', (answer: HashAnswer) => {
      if ('taken' in answer) {
        this.handedBytes -= answer.taken;
        return;
      }
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if ('sha256' in answer) waiting?.resolve(answer.sha256);
      else waiting?.reject(new TokenmillError('IO', `hashing failed: ${answer.problem}`));
    });
    thread.on('error', (error) => {
      if (this.thread === thread) {
        this.thread = undefined;
        this.handedBytes = 0;
      }
      this.failAll(new TokenmillError('IO', `the hashing thread failed: ${error.message}`, { cause: error }));
    });
    this.thread = thread;
    return thread;
  }

  private failAll(error: TokenmillError): void {
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }
}
