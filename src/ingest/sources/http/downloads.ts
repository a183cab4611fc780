/**
 * Downloads ahead of reading: files of a list, a few at a time, in the order in which they are read.
 *
 * Invariant: of files under way and files that wait to be read or are read, there are never more than `parallel`, so
 * the room on the disk that downloads take is bounded.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../../../core/files.js';
import { hash128 } from '../../../core/hash.js';
import { download, type Checksum, type DownloadOptions } from './download.js';

export interface DownloadsOptions extends Omit<DownloadOptions, 'checksum' | 'onProgress'> {
  /** Where files lie while they are needed; only one process at a time may use it. */
  readonly folder: string;
  readonly parallel: number;
  readonly checksumOf?: (url: string) => Checksum | undefined;
  /** Of the file that is waited for. */
  readonly onProgress?: (url: string, done: number, total: number | null) => void;
}

export interface LocalFile {
  readonly path: string;
  readonly size: number;
}

export class Downloads {
  private readonly options: DownloadsOptions;
  private readonly abort = new AbortController();
  private readonly signal: AbortSignal;
  private readonly pending: string[];
  private readonly files = new Map<string, Promise<LocalFile>>();
  private waitedFor: string | undefined;

  /** @param urls in the order in which they will be taken */
  constructor(urls: readonly string[], options: DownloadsOptions) {
    this.options = options;
    this.pending = [...new Set(urls)];
    this.signal =
      options.signal === undefined ? this.abort.signal : AbortSignal.any([options.signal, this.abort.signal]);
  }

  /** The file of an address, when it is complete. @throws what `download` throws */
  async take(url: string): Promise<LocalFile> {
    this.waitedFor = url;
    // It may be asked for out of turn, where those before it are not read any more.
    while (!this.files.has(url)) this.startNext();
    this.fill();
    try {
      return await (this.files.get(url) as Promise<LocalFile>);
    } finally {
      this.waitedFor = undefined;
    }
  }

  /** The file is not needed any more. */
  async release(url: string): Promise<void> {
    this.files.delete(url);
    await rm(this.pathOf(url), { force: true });
    this.fill();
  }

  /** Stops what is under way; what is there of it stays, for a later process to go on with. */
  async close(): Promise<void> {
    this.abort.abort();
    await Promise.allSettled(this.files.values());
  }

  private fill(): void {
    while (this.pending.length > 0 && this.files.size < this.options.parallel) this.startNext();
  }

  private startNext(): void {
    const url = this.pending.shift();
    if (url === undefined) throw new RangeError('an address that was not announced');
    const file = this.start(url);
    // A failure is reported when its turn comes; until then it must not count as unhandled.
    file.catch(() => undefined);
    this.files.set(url, file);
  }

  private async start(url: string): Promise<LocalFile> {
    const { checksumOf, onProgress, folder } = this.options;
    await ensureFolder(folder);
    const path = this.pathOf(url);
    const size = await download(url, path, {
      ...this.options,
      signal: this.signal,
      checksum: checksumOf?.(url),
      onProgress: (done, total) => {
        if (this.waitedFor === url) onProgress?.(url, done, total);
      },
    });
    return { path, size };
  }

  private pathOf(url: string): string {
    return join(this.options.folder, hash128(url));
  }
}
