/**
 * The audit log: one JSON line for every request that may change something, in `audit/YYYY-MM-DD.jsonl` of the
 * workspace, appended and never rewritten. It names who, what and how it ended, never bodies or tokens. Days are UTC.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../../core/files.js';
import type { Workspace } from '../../store/workspace.js';

export interface AuditEntry {
  readonly request: string;
  readonly identity: string;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export class AuditLog {
  readonly folder: string;
  /** Entries are written one after the other: whole lines, in order. */
  private last: Promise<void> = Promise.resolve();

  constructor(workspace: Workspace) {
    this.folder = join(workspace.root, 'audit');
  }

  /** Resolves when the line is written. */
  async record(entry: AuditEntry): Promise<void> {
    const time = new Date().toISOString();
    const write = this.last.then(async () => {
      await ensureFolder(this.folder);
      await appendFile(
        join(this.folder, `${time.slice(0, 10)}.jsonl`),
        `${JSON.stringify({ time, ...entry })}\n`,
        {
          mode: 0o600,
        },
      );
    });
    this.last = write.catch(() => undefined);
    return write;
  }
}
