/**
 * Reads blocklists and word lists for addresses from files and folders.
 *
 *  - a file is a list of one category, named like the file without its ending; a line is a host, an address, or, as in
 *    hosts files, an IP address and hosts. `#` begins a comment.
 *  - a folder is read with all its files and folders. In it a file `domains` or `urls` has the name of its folder as
 *    category (the layout of UT1 Toulouse), and files named `hard_words`, `soft_words` and `substrings` (also
 *    `banned_words`, `soft_banned_words`, `banned_subwords`, as datatrove calls them), with or without `.txt`, are the
 *    lists of words.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import { entryOf, MAX_CATEGORIES, normalAddress, type UrlListsData } from './url-lists.js';

/** Entries of all lists together: 400 MB. */
const MAX_ENTRIES = 50_000_000;
/** A longer line is no host or address. */
const MAX_LINE_UNITS = 4096;

const WORD_LISTS: Readonly<Record<string, 'hardWords' | 'softWords' | 'substrings'>> = {
  hard_words: 'hardWords',
  banned_words: 'hardWords',
  soft_words: 'softWords',
  soft_banned_words: 'softWords',
  substrings: 'substrings',
  banned_subwords: 'substrings',
};

class Entries {
  private values = new BigUint64Array(1024);
  private count = 0;

  add(text: string, category: number, file: string): void {
    if (this.count === MAX_ENTRIES) {
      throw new TokenmillError('INPUT_TOO_LARGE', `blocklists have more than ${MAX_ENTRIES} entries`, {
        place: { file },
      });
    }
    if (this.count === this.values.length) {
      const larger = new BigUint64Array(this.count * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.count++] = entryOf(text, category);
  }

  /** Sorted, in memory that threads share. */
  shared(): BigUint64Array {
    const sorted = this.values.subarray(0, this.count).sort();
    const shared = new BigUint64Array(new SharedArrayBuffer(sorted.byteLength));
    shared.set(sorted);
    return shared;
  }
}

/** @throws TokenmillError FILE_NOT_FOUND, INPUT_TOO_LARGE, CONFIG_INVALID where a list has no entry */
export async function loadUrlLists(paths: readonly string[]): Promise<UrlListsData> {
  const files = (await Promise.all(paths.map((path) => filesOf(path)))).flat();
  const categories: string[] = [];
  const hosts = new Entries();
  const addresses = new Entries();
  const words = { hardWords: new Set<string>(), softWords: new Set<string>(), substrings: new Set<string>() };
  for (const file of files) {
    const name = basename(file, extname(file));
    const list = Object.hasOwn(WORD_LISTS, name) ? WORD_LISTS[name] : undefined;
    const category = list === undefined ? categoryNumber(categories, categoryOf(file)) : -1;
    let entries = 0;
    for await (const line of linesOf(file)) {
      const fields = line.replace(/#.*$/, '').trim().toLowerCase().split(/\s+/);
      if (fields[0] === '' || line.length > MAX_LINE_UNITS) continue;
      entries += 1;
      if (list !== undefined) {
        const word = line.toLowerCase().replaceAll(/[^a-z0-9]+/g, '');
        if (word !== '') words[list].add(word);
        continue;
      }
      // A hosts file: the address that stands for nothing, then hosts.
      for (const field of fields.length > 1 && /^[\d.]+$|:/.test(fields[0]) ? fields.slice(1) : [fields[0]]) {
        const address = normalAddress(field);
        (address.includes('/') ? addresses : hosts).add(address, category, file);
      }
    }
    if (entries === 0) {
      throw new TokenmillError('CONFIG_INVALID', `blocklist ${file} has no entry`, {
        place: { file },
        hint: 'a line is a host, an address, or a line of a hosts file; # begins a comment',
      });
    }
  }
  return {
    categories,
    hosts: hosts.shared(),
    addresses: addresses.shared(),
    hardWords: [...words.hardWords].sort(),
    softWords: [...words.softWords].sort(),
    substrings: [...words.substrings].sort(),
  };
}

function categoryOf(file: string): string {
  const name = basename(file, extname(file));
  return name === 'domains' || name === 'urls' ? basename(dirname(file)) : name;
}

function categoryNumber(categories: string[], name: string): number {
  const known = categories.indexOf(name);
  if (known >= 0) return known;
  if (categories.length === MAX_CATEGORIES) {
    throw new TokenmillError('INPUT_TOO_LARGE', `blocklists have more than ${MAX_CATEGORIES} categories`);
  }
  return categories.push(name) - 1;
}

/** Files under a path, in order of their names. */
async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
    return (await Promise.all(names.map((name) => filesOf(join(path, name))))).flat();
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file, 'utf8');
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (error) {
    throw fromSystemError(error, file);
  } finally {
    input.destroy();
  }
}
