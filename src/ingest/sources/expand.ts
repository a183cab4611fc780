/**
 * Inputs as a person gives them (files, folders, globs, addresses, `-`) -> sources in a stable order.
 *
 * Invariants: order is that of the inputs, within a folder or glob by code unit, so every machine agrees; a file
 * that several inputs name is read once. A name is the path as given, with forward slashes and without `./`.
 */
import { parseUrl } from './http/request.js';
import { absoluteLocation, isUrl, parseMemberLocation, STDIN } from './location.js';
import { readdir, realpath, stat } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import type { Source } from '../records.js';

import { isArchiveName, isKnownName } from './names.js';
import { isGlob, matchSegment, splitGlob } from './glob.js';

export interface ExpandedInputs {
  readonly sources: Source[];
  /** Files inside folders that are hidden or of an unknown kind. */
  readonly skipped: string[];
}

/** @throws TokenmillError FILE_NOT_FOUND where a path does not exist or a pattern matches nothing, FILE_FORBIDDEN */
export async function expandInputs(inputs: readonly string[]): Promise<ExpandedInputs> {
  const sources: Source[] = [];
  const skipped: string[] = [];
  const seen = new Set<string>();
  const add = async (name: string): Promise<void> => {
    refusePlaces(name);
    const source = await describe(name);
    const identity = name === STDIN ? STDIN : await realpath(name);
    if (seen.has(identity)) return;
    seen.add(identity);
    sources.push(source);
  };
  for (const input of inputs) {
    if (isUrl(input)) {
      const { href } = parseUrl(input.replace(/#.*$/, ''));
      refusePlaces(href);
      if (!seen.has(href)) sources.push({ name: href, location: href, size: null, modifiedMs: null });
      seen.add(href);
      continue;
    }
    const path = normalize(input);
    if (path === STDIN) {
      await add(STDIN);
      continue;
    }
    const matches = isGlob(path) && !(await exists(path)) ? await expandGlob(path) : [path];
    if (matches.length === 0) {
      throw new TokenmillError('FILE_NOT_FOUND', `nothing matches ${input}`, {
        hint: 'patterns know *, ? and ** for any number of folders; hidden names are left out',
      });
    }
    for (const match of matches) {
      if (!(await isFolder(match))) await add(match);
      else for (const name of await listTree(match, skipped)) await add(name);
    }
  }
  return { sources, skipped };
}

function normalize(input: string): string {
  const path = process.platform === 'win32' ? input.replaceAll('\\', '/') : input;
  const short = path.replace(/(?<=^|\/)(?:\.\/+)+/g, '').replace(/(?<=[^/])\/+$/, '');
  return short === '' && path !== '' ? '.' : short;
}

/**
 * A name that reads as the place of a member of an archive would be taken for one, later and by others as well.
 * @throws TokenmillError INPUT_UNSUPPORTED
 */
function refusePlaces(name: string): void {
  if (parseMemberLocation(absoluteLocation(name)) === undefined) return;
  throw new TokenmillError('INPUT_UNSUPPORTED', `${name} reads as the place of a member of an archive`, {
    hint: 'rename it: the form !NUMBER+NUMBER! in a name is reserved',
  });
}

async function describe(name: string): Promise<Source> {
  if (name === STDIN) return { name, location: STDIN, size: null, modifiedMs: null };
  try {
    const { size, mtimeMs } = await stat(name);
    return { name, location: name, size, modifiedMs: Math.trunc(mtimeMs) };
  } catch (error) {
    throw fromSystemError(error, name);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

const join = (folder: string, name: string): string =>
  folder === '' || folder === '.' ? name : folder.endsWith('/') ? folder + name : `${folder}/${name}`;

interface Entry {
  readonly path: string;
  readonly name: string;
  readonly kind: 'folder' | 'file' | 'neither';
}

/** Entries by code unit. A link to a folder is not followed, so that links cannot make a circle; one to a file is. */
async function entriesOf(folder: string): Promise<Entry[]> {
  try {
    const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true });
    const described = entries.map(async (entry): Promise<Entry> => {
      const path = join(folder, entry.name);
      const isFile =
        entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile());
      return { path, name: entry.name, kind: entry.isDirectory() ? 'folder' : isFile ? 'file' : 'neither' };
    });
    return (await Promise.all(described)).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw fromSystemError(error, folder);
  }
}

async function listTree(folder: string, skipped: string[]): Promise<string[]> {
  const files: string[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const { path, name, kind } of await entriesOf(next)) {
      if (
        name.startsWith('.') ||
        kind === 'neither' ||
        (kind === 'file' && !isKnownName(name) && !isArchiveName(name))
      )
        skipped.push(path);
      else if (kind === 'folder') folders.push(path);
      else files.push(path);
    }
  }
  return files.sort();
}

/** Files that match, and folders that match with a last segment other than `**`, sorted by path. */
async function expandGlob(pattern: string): Promise<string[]> {
  const { base, segments } = splitGlob(pattern);
  const start = base === '' && pattern.startsWith('/') ? '/' : base;
  if (start !== '' && !(await exists(start))) return [];
  const found = new Set<string>();
  const visited = new Set<string>();
  const pending: { folder: string; index: number }[] = [{ folder: start, index: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { folder, index } = next;
    const key = `${index}:${folder}`;
    if (visited.has(key)) continue;
    visited.add(key);
    const segment = segments[index];
    const last = index === segments.length - 1;
    if (segment === '**' && !last) pending.push({ folder, index: index + 1 });
    for (const { path, name, kind } of await entriesOf(folder)) {
      const deeper = segment === '**';
      if (deeper ? name.startsWith('.') : !matchSegment(segment, name)) continue;
      if (kind === 'folder') {
        if (deeper) pending.push({ folder: path, index });
        else if (last) found.add(path);
        else pending.push({ folder: path, index: index + 1 });
      } else if (kind === 'file' && last) found.add(path);
    }
  }
  return [...found].sort();
}
