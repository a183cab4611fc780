/** Sends what is written to the disk while more arrives, so that the end of an upload is not one long sync. */
import type { FileHandle } from 'node:fs/promises';

/** Bytes that may be in the page cache only: more are sent to the disk meanwhile, so that the end is not one long sync. */
const FLUSH_BYTES = 64 << 20;

/** One sync at a time. */
export class Flusher {
  private readonly file: FileHandle;
  private flushed: number;
  private running: Promise<void> | undefined;

  constructor(file: FileHandle, offset: number) {
    this.file = file;
    this.flushed = offset;
  }

  written(length: number): void {
    if (this.running !== undefined || length - this.flushed < FLUSH_BYTES) return;
    this.flushed = length;
    // It is only early: the sync that counts is that of the complete file, which reports what goes wrong.
    this.running = this.file
      .datasync()
      .catch(() => undefined)
      .then(() => {
        this.running = undefined;
      });
  }

  async end(): Promise<void> {
    await this.running;
  }
}
