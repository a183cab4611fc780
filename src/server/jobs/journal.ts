/**
 * A job on disk: jobs/<id>/job.json, events.ndjson, and process.json while a process works on it.
 *
 * Invariants: job.json appears whole, first, and never changes; events are appended one line each, with ids 1, 2, ...; an
 * event of a state is on stable storage when `append` resolves. A crash may leave half a line at the end, which
 * `open` cuts off.
 */
import { appendFile, open, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import { ensureFolder, readJson, syncFolder, writeFileAtomic, writeFileExclusive } from '../../core/files.js';
import { processIdentitySchema, type ProcessIdentity } from '../../core/process.js';
import {
  applyEvent,
  jobEventSchema,
  jobSpecSchema,
  newJob,
  type Job,
  type JobEvent,
  type JobSpec,
} from './job.js';

/** Bytes that a reader of a journal takes at a time; a line is shorter. */
const READ_BYTES = 1 << 18;

export class JobJournal {
  readonly folder: string;
  private readonly events: string;
  private readonly process: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.events = join(folder, 'events.ndjson');
    this.process = join(folder, 'process.json');
  }

  /** @throws TokenmillError FILE_EXISTS where there is a job of this id */
  static async create(folder: string, spec: JobSpec): Promise<JobJournal> {
    await ensureFolder(folder);
    await writeFileExclusive(join(folder, 'job.json'), `${JSON.stringify(spec, null, 2)}\n`);
    await syncFolder(join(folder, '..'));
    return new JobJournal(folder);
  }

  /** The journal and the job that it tells of. @throws TokenmillError INPUT_CORRUPT, FILE_NOT_FOUND */
  static async open(folder: string): Promise<{ journal: JobJournal; job: Job }> {
    const journal = new JobJournal(folder);
    const path = join(folder, 'job.json');
    const spec = jobSpecSchema.safeParse(await readJson(path));
    if (!spec.success) {
      const { path: key, message } = spec.error.issues[0];
      throw new TokenmillError('INPUT_CORRUPT', `${path}: ${key.join('.')}: ${message}`, {
        place: { file: path },
      });
    }
    let job = newJob(spec.data);
    const text = await readFile(journal.events).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw fromSystemError(error, journal.events);
    });
    const whole = text.lastIndexOf(0x0a) + 1;
    if (whole < text.length) await truncate(journal.events, whole);
    for (const event of parseLines(text.subarray(0, whole), journal.events)) job = applyEvent(job, event);
    return { journal, job };
  }

  async append(event: JobEvent): Promise<void> {
    const line = `${JSON.stringify(event)}\n`;
    try {
      if (event.type !== 'state') {
        await appendFile(this.events, line);
        return;
      }
      const handle = await open(this.events, 'a');
      try {
        await handle.appendFile(line);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (event.id === 1) await syncFolder(this.folder);
    } catch (error) {
      throw fromSystemError(error, this.events);
    }
  }

  /**
   * The events that begin at this byte of the journal, some at a time, and where the next ones begin. None where there are
   * no more yet, or the job was removed meanwhile.
   */
  async read(offset: number): Promise<{ events: JobEvent[]; next: number }> {
    let handle;
    try {
      handle = await open(this.events, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { events: [], next: offset };
      throw fromSystemError(error, this.events);
    }
    try {
      for (let size = READ_BYTES; ; size *= 2) {
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, offset);
        const whole = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
        // A line longer than the buffer, such as a large result, is read again with more room.
        if (whole === 0 && bytesRead === size) continue;
        return { events: parseLines(buffer.subarray(0, whole), this.events), next: offset + whole };
      }
    } finally {
      await handle.close();
    }
  }

  /** Notes which process works on the job. */
  async setProcess(identity: ProcessIdentity): Promise<void> {
    await writeFileAtomic(this.process, `${JSON.stringify(identity)}\n`);
  }

  async clearProcess(): Promise<void> {
    await rm(this.process, { force: true });
  }

  /** The process that worked on the job when the service was last here; undefined where that is not known. */
  async readProcess(): Promise<ProcessIdentity | undefined> {
    try {
      return processIdentitySchema.parse(await readJson(this.process));
    } catch {
      return undefined;
    }
  }

  async remove(): Promise<void> {
    // job.json first: a folder without it is no job.
    await rm(join(this.folder, 'job.json'), { force: true });
    await rm(this.folder, { recursive: true, force: true });
  }
}

function parseLines(bytes: Buffer, file: string): JobEvent[] {
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  return lines.map((line, index) => {
    try {
      return jobEventSchema.parse(JSON.parse(line));
    } catch (error) {
      throw new TokenmillError('INPUT_CORRUPT', `${file} has a line that is no event`, {
        place: { file, line: index + 1 },
        cause: error,
      });
    }
  });
}
