/**
 * Feeds measured batches to a dataset's writer, window by window. While a window is committed, batches of the next one
 * wait here, so that reading goes on and workers have something to do.
 *
 * Invariants: batches are taken in their order, and none while a commit is under way; where a window ends depends on the
 * batches alone; what waits is bounded.
 */
import type { Batch } from './batches.js';
import type { MeasureResult } from './measure.js';

/** Windows' worth of records that may wait: a commit takes less time than measuring so many. */
const WINDOWS_AHEAD = 0.5;

export interface FeedOptions {
  /** Bytes of records of a window. */
  readonly window: number;
  /** Books a batch. */
  readonly take: (batch: Batch, result: MeasureResult) => void;
  readonly commit: () => Promise<void>;
}

export class WindowFeed {
  private readonly options: FeedOptions;
  private readonly waiting: { readonly batch: Batch; readonly result: MeasureResult }[] = [];
  private waitingBytes = 0;
  private windowBytes = 0;
  private committing: Promise<void> | undefined;

  constructor(options: FeedOptions) {
    this.options = options;
  }

  /** Adds the next batch; waits where too much waits already. @throws what a commit throws */
  async add(batch: Batch, result: MeasureResult): Promise<void> {
    this.waiting.push({ batch, result });
    this.waitingBytes += batch.bytes;
    this.take();
    while (this.waitingBytes >= WINDOWS_AHEAD * this.options.window) {
      await this.committing;
      this.take();
    }
  }

  /** Has all that was added taken and every full window committed. @throws what a commit throws */
  async drain(): Promise<void> {
    do {
      await this.committing;
      this.take();
    } while (this.committing !== undefined);
  }

  /** Waits for a commit that is under way, however it ends. */
  async settle(): Promise<void> {
    await this.committing?.catch(() => undefined);
  }

  /** Takes what waits, up to the end of the window, and begins to commit that. */
  private take(): void {
    while (this.committing === undefined) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      const { batch, result } = next;
      this.options.take(batch, result);
      this.waitingBytes -= batch.bytes;
      this.windowBytes += batch.bytes;
      if (this.windowBytes < this.options.window) continue;
      this.windowBytes = 0;
      this.committing = this.options.commit().then(() => {
        this.committing = undefined;
      });
      // A failure is thrown to whoever waits for it next; until then it must not count as unhandled.
      this.committing.catch(() => undefined);
    }
  }
}
