/** Results as JSON lines, to a file or to stdout. */
import { open, type FileHandle } from 'node:fs/promises';
import { fromSystemError } from '../core/errors.js';
import { write } from './context.js';

/** Characters that are written to a file at once. */
const CHUNK = 1 << 18;

export class JsonLines {
  private readonly path: string | undefined;
  private file: FileHandle | undefined;
  private pending = '';

  /** @param path file to write or replace; stdout where it is undefined */
  constructor(path: string | undefined) {
    this.path = path;
  }

  /** @throws TokenmillError DISK_FULL, FILE_FORBIDDEN, ... where the file cannot be written */
  async write(value: unknown): Promise<void> {
    const line = `${JSON.stringify(value)}\n`;
    if (this.path === undefined) {
      await write(line);
      return;
    }
    this.pending += line;
    if (this.file === undefined || this.pending.length >= CHUNK) await this.flush(this.path);
  }

  async close(): Promise<void> {
    if (this.path === undefined) return;
    await this.flush(this.path);
    await this.file?.close();
  }

  private async flush(path: string): Promise<void> {
    try {
      this.file ??= await open(path, 'w');
      await this.file.writeFile(this.pending);
    } catch (error) {
      throw fromSystemError(error, path);
    }
    this.pending = '';
  }
}
