/** Lists of paths as archives publish them (`warc.paths.gz`): a path a line, which a base turns into an address or a file. */
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TokenmillError } from '../../core/errors.js';
import { formatBytes } from '../../core/format.js';
import { Random } from '../../core/random.js';
import { openBytes, peekBytes } from './bytes.js';
import { isUrl } from './location.js';

/** A list, compressed or not: that of a month of Common Crawl has 90,000 paths in 13 MB. */
const MAX_LIST_BYTES = 512_000_000;

export interface PathListOptions {
  /** Address or folder that the paths are relative to. */
  readonly base?: string;
  /** How many of them; default: all. */
  readonly take?: number;
  /** Seed of the choice; default: the first ones are taken. */
  readonly sample?: number;
}

/**
 * Inputs that a list names, in its order.
 * @throws TokenmillError FILE_NOT_FOUND, DOWNLOAD_FAILED, INPUT_CORRUPT, INPUT_TOO_LARGE
 */
export async function readPathList(list: string, options: PathListOptions): Promise<string[]> {
  const lines = (await readText(list)).split('\n').map((line) => line.trim());
  const paths = choose(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    options,
  );
  return paths.map((path) => resolvePath(path, options.base));
}

async function readText(list: string): Promise<string> {
  const reader = await openBytes(list, 0);
  let bytes: Buffer;
  try {
    bytes = Buffer.from(await peekBytes(reader, MAX_LIST_BYTES + 1));
  } finally {
    await reader.close();
  }
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b)
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_LIST_BYTES });
  } catch (error) {
    throw new TokenmillError(
      'INPUT_CORRUPT',
      `${list} is not a whole gzip file: ${(error as Error).message}`,
    );
  }
  if (bytes.length > MAX_LIST_BYTES) {
    throw new TokenmillError('INPUT_TOO_LARGE', `${list} is larger than ${formatBytes(MAX_LIST_BYTES)}`);
  }
  return bytes.toString('utf8');
}

/** The first `take`, or as many by chance; in the order of the list either way. */
function choose(paths: readonly string[], { take = paths.length, sample }: PathListOptions): string[] {
  if (sample === undefined) return paths.slice(0, take);
  const random = new Random(sample);
  const chosen: string[] = [];
  // Each path is taken with the probability that makes every choice equally likely (Knuth, TAOCP 2, 3.4.2, S).
  let wanted = Math.min(take, paths.length);
  paths.forEach((path, index) => {
    if (random.next() * (paths.length - index) >= wanted) return;
    chosen.push(path);
    wanted -= 1;
  });
  return chosen;
}

function resolvePath(path: string, base: string | undefined): string {
  if (base === undefined || isUrl(path)) return path;
  if (!isUrl(base)) return join(base, path);
  return new URL(path.replace(/^\/+/, ''), base.endsWith('/') ? base : `${base}/`).href;
}
