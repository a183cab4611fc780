/**
 * Files that appear whole or not at all.
 *
 * Invariants: a name that other processes look for never shows a half-written file; when a function here
 * resolves, the bytes and the folder entry are on stable storage (fsync of the file, then of its folder).
 */
import { constants } from 'node:fs';
import { link, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fromSystemError, TokenmillError } from './errors.js';

/** Names with this prefix are unfinished; readers ignore them and a dataset's writer removes them. */
export const TEMPORARY_PREFIX = '.tmp-';

let counter = 0;

/** A path beside `path` that no other process or call uses. */
export function temporaryPath(path: string): string {
  counter += 1;
  return join(dirname(path), `${TEMPORARY_PREFIX}${process.pid}-${counter}-${basename(path)}`);
}

/** Creates a folder and its parents. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Makes the entries of a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the bytes of a file that something else wrote durable. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDWR);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeTemporary(path: string, data: Uint8Array | string): Promise<string> {
  const temporary = temporaryPath(path);
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(data);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  return temporary;
}

/** Writes or replaces `path`: temporary file, fsync, rename, fsync of the folder. */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  try {
    const temporary = await writeTemporary(path, data);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/**
 * Writes `path` only if nothing has that name, also when two processes try at once.
 * The content is complete before the name appears (a hard link of a finished file).
 * @throws TokenmillError FILE_EXISTS
 */
export async function writeFileExclusive(path: string, data: Uint8Array | string): Promise<void> {
  let temporary: string | undefined;
  try {
    temporary = await writeTemporary(path, data);
    await link(temporary, path);
    await rm(temporary);
    await syncFolder(dirname(path));
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    throw fromSystemError(error, path);
  }
}

/** Gives a finished file its final name and makes both durable. */
export async function publishFile(temporary: string, path: string): Promise<void> {
  try {
    await syncFile(temporary);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

/** Removes what earlier processes left unfinished in a folder. Only the folder's one writer may call it. */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(folder, name), { force: true });
  }
}

/** Parses a JSON file. @throws TokenmillError FILE_NOT_FOUND, or INPUT_CORRUPT where it is not JSON */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, path);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TokenmillError('INPUT_CORRUPT', `${path} is not valid JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Names in a folder, sorted by code unit so that every machine agrees; an absent folder is empty. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => !name.startsWith(TEMPORARY_PREFIX)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fromSystemError(error, path);
  }
}
