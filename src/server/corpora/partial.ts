/**
 * An upload under way, on disk: `.partial/<id>/upload.json` says what it is to become, `data` holds what arrived. The length of
 * `data` is how far it is; nothing else records that, so it survives any crash. `checking` holds the length up
 * to which data counts while bytes behind it wait for their checksum.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import { readJson, syncFolder, writeFileAtomic } from '../../core/files.js';
import { SHA256_HEX, UPLOAD_ID } from './names.js';

export const uploadStateSchema = z.object({
  version: z.literal(1),
  /** Only tus uploads can be resumed. */
  kind: z.enum(['put', 'tus']),
  corpus: z.string(),
  file: z.string(),
  /** Bytes; null where a PUT did not say. */
  length: z.number().int().min(0).nullable(),
  /** SHA-256 that the client expects. */
  expected: z.string().regex(SHA256_HEX).nullable(),
  /** Dataset to ingest the file into. */
  ingest: z.string().nullable(),
  /** `Upload-Metadata` as it came. */
  metadata: z.string().nullable(),
  state: z.enum(['receiving', 'complete', 'failed']),
  /** Of the complete file. */
  sha256: z.string().regex(SHA256_HEX).nullable(),
  /** The ingest job. */
  job: z.string().nullable(),
  /** Why it failed. */
  failure: z.string().nullable(),
});

export type UploadState = z.output<typeof uploadStateSchema>;

export interface PartialPaths {
  readonly id: string;
  readonly folder: string;
  readonly state: string;
  readonly data: string;
  readonly checking: string;
}

export function partialPaths(partial: string, id: string): PartialPaths {
  const folder = join(partial, id);
  return {
    id,
    folder,
    state: join(folder, 'upload.json'),
    data: join(folder, 'data'),
    checking: join(folder, 'checking'),
  };
}

/** Makes the folder of a new upload, durable. */
export async function createPartial(partial: string, state: UploadState): Promise<PartialPaths> {
  const paths = partialPaths(partial, randomBytes(16).toString('hex'));
  try {
    await mkdir(paths.folder);
    await (await open(paths.data, 'wx')).close();
    await writeState(paths, state);
    await syncFolder(partial);
  } catch (error) {
    await rm(paths.folder, { recursive: true, force: true });
    throw fromSystemError(error, paths.folder);
  }
  return paths;
}

export async function writeState(paths: PartialPaths, state: UploadState): Promise<void> {
  await writeFileAtomic(paths.state, `${JSON.stringify(state)}\n`);
}

export interface LoadedPartial {
  readonly paths: PartialPaths;
  readonly state: UploadState;
  /** Bytes that arrived and count. */
  readonly offset: number;
  /** When it was last written to. */
  readonly activeMs: number;
}

/**
 * What an earlier process left of an upload. Bytes that no checksum confirmed and bytes beyond the length are cut off.
 * Undefined where it cannot be resumed: the folder of no upload, or of a PUT.
 */
export async function loadPartial(partial: string, id: string): Promise<LoadedPartial | undefined> {
  if (!UPLOAD_ID.test(id)) return undefined;
  const paths = partialPaths(partial, id);
  const state = await readState(paths.state);
  if (state === undefined || state.kind === 'put') return undefined;
  const { mtimeMs } = await stat(paths.state);
  if (state.state !== 'receiving') {
    await rm(paths.data, { force: true });
    return { paths, state, offset: state.state === 'complete' ? (state.length ?? 0) : 0, activeMs: mtimeMs };
  }
  try {
    const data = await stat(paths.data);
    const offset = Math.min(data.size, state.length ?? data.size, await unchecked(paths));
    if (offset < data.size) await truncate(paths.data, offset);
    await rm(paths.checking, { force: true });
    return { paths, state, offset, activeMs: Math.max(mtimeMs, data.mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fromSystemError(error, paths.data);
  }
}

/** From here on, bytes count only once their checksum is confirmed. */
export async function beginChecking(paths: PartialPaths, offset: number): Promise<void> {
  await writeFile(paths.checking, String(offset));
}

export async function endChecking(paths: PartialPaths): Promise<void> {
  await rm(paths.checking, { force: true });
}

async function unchecked(paths: PartialPaths): Promise<number> {
  try {
    const text = await readFile(paths.checking, 'utf8');
    // A crash between creating and writing it: nothing had been written to the data by then.
    return /^\d+$/.test(text) ? Number(text) : Infinity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Infinity;
    throw error;
  }
}

async function readState(path: string): Promise<UploadState | undefined> {
  try {
    return uploadStateSchema.safeParse(await readJson(path)).data;
  } catch (error) {
    if (
      error instanceof TokenmillError &&
      (error.code === 'FILE_NOT_FOUND' || error.code === 'INPUT_CORRUPT')
    )
      return undefined;
    throw error;
  }
}
