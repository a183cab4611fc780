/**
 * Complete files of corpora: publish, describe, list, delete.
 *
 * Invariants: a file appears whole, by a hard link of finished and synced data, which fails where the name is taken; its
 * record (size and SHA-256) is written before it appears and removed after it is gone. A record counts where the file
 * has its size, so one that a crash left without a file says nothing. One process serves a workspace.
 */
import { link, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import {
  ensureFolder,
  listFolder,
  readJson,
  syncFile,
  syncFolder,
  writeFileAtomic,
} from '../../core/files.js';
import {
  checkCorpus,
  CORPUS_NAME,
  FILE_NAME,
  filePaths,
  MAX_FILE_NAME,
  SHA256_HEX,
  type FilePaths,
} from './names.js';

const recordSchema = z.object({
  version: z.literal(1),
  /** The upload that made the file. */
  upload: z.string(),
  size: z.number().int().min(0),
  sha256: z.string().regex(SHA256_HEX),
});

type FileRecord = z.output<typeof recordSchema>;

export interface CorpusFile {
  readonly corpus: string;
  readonly file: string;
  readonly path: string;
  readonly size: number;
  /** Null where the file was put into the folder by something else. */
  readonly sha256: string | null;
  readonly modifiedMs: number;
  /** The upload that made the file; null where none did. */
  readonly upload: string | null;
}

export interface CorpusSummary {
  readonly corpus: string;
  readonly files: number;
  readonly bytes: number;
}

/** Finished data that is to become a file. */
export interface Publication {
  readonly upload: string;
  readonly corpus: string;
  readonly file: string;
  /** Where the data is now, on the same file system. */
  readonly data: string;
  readonly size: number;
  readonly sha256: string;
}

export class CorpusFiles {
  private readonly uploads: string;
  /** One change a corpus at a time. */
  private readonly locks = new Map<string, Promise<unknown>>();

  /** @param uploads folder of all corpora */
  constructor(uploads: string) {
    this.uploads = uploads;
  }

  paths(corpus: string, file: string): FilePaths {
    return filePaths(this.uploads, corpus, file);
  }

  /** Names of the corpora that have a file, sorted. */
  async corpora(): Promise<string[]> {
    const names = (await listFolder(this.uploads)).filter((name) => CORPUS_NAME.test(name));
    const filled = await Promise.all(names.map(async (name) => (await this.names(name)).length > 0));
    return names.filter((_, index) => filled[index]);
  }

  /** Names of a corpus's files, sorted; none where there is no such corpus. */
  async names(corpus: string): Promise<string[]> {
    checkCorpus(corpus);
    try {
      const names = await listFolder(join(this.uploads, corpus));
      return names.filter((name) => name.length <= MAX_FILE_NAME && FILE_NAME.test(name));
    } catch (error) {
      // A file in the place of the folder.
      if (error instanceof TokenmillError && error.code === 'FILE_NOT_FOUND') return [];
      throw error;
    }
  }

  /** @throws TokenmillError CORPUS_NOT_FOUND */
  async summary(corpus: string): Promise<CorpusSummary> {
    const names = await this.names(corpus);
    if (names.length === 0) throw noCorpus(corpus);
    let files = 0;
    let bytes = 0;
    for (const name of names) {
      const stats = await stat(this.paths(corpus, name).data).catch(() => undefined);
      if (stats?.isFile() !== true) continue;
      files += 1;
      bytes += stats.size;
    }
    return { corpus, files, bytes };
  }

  /** Undefined where there is no such file. */
  async find(corpus: string, file: string): Promise<CorpusFile | undefined> {
    const paths = this.paths(corpus, file);
    try {
      const stats = await stat(paths.data);
      if (!stats.isFile()) return undefined;
      const record = await readRecord(paths.record);
      const valid = record?.size === stats.size ? record : undefined;
      return {
        corpus,
        file,
        path: paths.data,
        size: stats.size,
        sha256: valid?.sha256 ?? null,
        modifiedMs: stats.mtimeMs,
        upload: valid?.upload ?? null,
      };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw fromSystemError(error, paths.data);
    }
  }

  /** @throws TokenmillError CORPUS_NOT_FOUND, FILE_NOT_FOUND */
  async get(corpus: string, file: string): Promise<CorpusFile> {
    const found = await this.find(corpus, file);
    if (found !== undefined) return found;
    if ((await this.names(corpus)).length === 0) throw noCorpus(corpus);
    throw new TokenmillError('FILE_NOT_FOUND', `the corpus ${corpus} has no file ${file}`, {
      hint: `its files are listed at /v1/corpora/${corpus}/files`,
    });
  }

  /**
   * Gives finished data its name. May be called again after a crash, with the same result.
   * @returns whether this upload made the file: false where an equal one was there already
   * @throws TokenmillError FILE_EXISTS where another one was
   */
  async publish(publication: Publication): Promise<boolean> {
    const { upload, corpus, file, data, size, sha256 } = publication;
    const paths = this.paths(corpus, file);
    return this.locked(corpus, async () => {
      const existing = await this.find(corpus, file);
      if (existing !== undefined) {
        if (existing.upload === upload) return true;
        if (existing.sha256 === sha256) return false;
        throw exists(corpus, file);
      }
      try {
        await syncFile(data);
        await ensureFolder(dirname(paths.record));
        await ensureFolder(paths.folder);
        const record: FileRecord = { version: 1, upload, size, sha256 };
        await writeFileAtomic(paths.record, `${JSON.stringify(record)}\n`);
        await link(data, paths.data);
        await syncFolder(paths.folder);
        await syncFolder(this.uploads);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
          await rm(paths.record, { force: true });
          throw exists(corpus, file);
        }
        throw fromSystemError(error, paths.data);
      }
      return true;
    });
  }

  /**
   * Removes a file. The corpus goes with its last one.
   * @param upload only where this upload made it
   * @returns its size; undefined where it was not removed
   * @throws TokenmillError CORPUS_NOT_FOUND, FILE_NOT_FOUND where there is none and `upload` is not given
   */
  async remove(corpus: string, file: string, upload?: string): Promise<number | undefined> {
    const paths = this.paths(corpus, file);
    return this.locked(corpus, async () => {
      const existing = upload === undefined ? await this.get(corpus, file) : await this.find(corpus, file);
      if (existing === undefined || (upload !== undefined && existing.upload !== upload)) return undefined;
      try {
        await rm(paths.data);
        await syncFolder(paths.folder);
        await rm(paths.record, { force: true });
        await removeIfEmpty(paths.folder);
        await removeIfEmpty(dirname(paths.record));
      } catch (error) {
        throw fromSystemError(error, paths.data);
      }
      return existing.size;
    });
  }

  private async locked<Result>(corpus: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.locks.get(corpus) ?? Promise.resolve();
    const result = before.then(work);
    const settled = result.catch(() => undefined);
    this.locks.set(corpus, settled);
    try {
      return await result;
    } finally {
      if (this.locks.get(corpus) === settled) this.locks.delete(corpus);
    }
  }
}

export function exists(corpus: string, file: string): TokenmillError {
  return new TokenmillError(
    'FILE_EXISTS',
    `the corpus ${corpus} has a file ${file} already, and files are immutable`,
    {
      hint: 'take another name, or delete the file first',
    },
  );
}

function noCorpus(corpus: string): TokenmillError {
  return new TokenmillError('CORPUS_NOT_FOUND', `there is no corpus ${corpus}`, {
    hint: 'the first file that is uploaded to a corpus creates it; /v1/corpora lists those that are there',
  });
}

async function readRecord(path: string): Promise<FileRecord | undefined> {
  try {
    return recordSchema.safeParse(await readJson(path)).data;
  } catch (error) {
    if (
      error instanceof TokenmillError &&
      (error.code === 'FILE_NOT_FOUND' || error.code === 'INPUT_CORRUPT')
    )
      return undefined;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}
