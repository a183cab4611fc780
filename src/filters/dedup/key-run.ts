/**
 * A sorted run of keys on disk: immutable, written once from beginning to end, read by whole blocks.
 *
 * File: header (magic, number of records), records of 12 bytes in order of their keys (low and high half of the 64-bit
 * key, value; uint32, little-endian), then the high half of the first key of every block. The last part stays in
 * memory, 4 bytes for 256 records, so that a look costs one read of 3 kB.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { publishFile, temporaryPath } from '../../core/files.js';
import { fromSystemError, TokenmillError } from '../../core/errors.js';

const MAGIC = 0x4b4d_5431;
const HEADER_BYTES = 16;
const RECORD_WORDS = 3;
const RECORD_BYTES = RECORD_WORDS * 4;
const BLOCK_RECORDS = 256;
/** Records that go to and from the disk at once. */
const CHUNK_RECORDS = 1 << 16;

/** Keys and values beside each other, in order of the keys as 64-bit integers. */
export interface SortedKeys {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly value: Uint32Array;
}

export class KeyRun {
  readonly path: string;
  readonly records: number;
  private readonly file: number;
  private readonly fences: Uint32Array;
  private readonly block = new Uint32Array(BLOCK_RECORDS * RECORD_WORDS);

  /** @throws TokenmillError INPUT_CORRUPT where it is no run, or not a whole one */
  constructor(path: string) {
    this.path = path;
    this.file = openSync(path, 'r');
    const header = this.read(0, HEADER_BYTES);
    const [magic, , records] = header.length === HEADER_BYTES ? new Uint32Array(header.buffer) : [];
    const fences = this.read(HEADER_BYTES + records * RECORD_BYTES, Math.ceil(records / BLOCK_RECORDS) * 4);
    if (magic !== MAGIC || fences.length !== Math.ceil(records / BLOCK_RECORDS) * 4) {
      closeSync(this.file);
      throw new TokenmillError('INPUT_CORRUPT', `${path} is not a whole run of keys`, {
        place: { file: path },
      });
    }
    this.records = records;
    this.fences = new Uint32Array(fences.buffer);
  }

  /** Value of a key, or -1 where the run does not have it. */
  get(low: number, high: number): number {
    // Keys of one high half may begin in the block before the first fence of that half.
    for (let block = Math.max(0, this.firstFenceFrom(high) - 1); block < this.fences.length; block++) {
      if (this.fences[block] > high) return -1;
      const count = Math.min(BLOCK_RECORDS, this.records - block * BLOCK_RECORDS);
      readSync(
        this.file,
        this.block,
        0,
        count * RECORD_BYTES,
        HEADER_BYTES + block * BLOCK_RECORDS * RECORD_BYTES,
      );
      const found = searchBlock(this.block, count, low, high);
      if (found >= 0) return found;
      if (this.block[(count - 1) * RECORD_WORDS + 1] > high) return -1;
    }
    return -1;
  }

  /** All records, as words of whole records, in order. */
  async *chunks(): AsyncGenerator<Uint32Array> {
    const handle = await open(this.path);
    try {
      for (let start = 0; start < this.records; start += CHUNK_RECORDS) {
        const words = new Uint32Array(Math.min(CHUNK_RECORDS, this.records - start) * RECORD_WORDS);
        await handle.read(words, 0, words.byteLength, HEADER_BYTES + start * RECORD_BYTES);
        yield words;
      }
    } finally {
      await handle.close();
    }
  }

  close(): void {
    closeSync(this.file);
  }

  private firstFenceFrom(high: number): number {
    let from = 0;
    let to = this.fences.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.fences[middle] < high) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private read(position: number, bytes: number): Uint8Array {
    const buffer = new Uint8Array(bytes);
    return buffer.slice(0, readSync(this.file, buffer, 0, bytes, position));
  }
}

function searchBlock(block: Uint32Array, count: number, low: number, high: number): number {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = middle * RECORD_WORDS;
    if (block[at + 1] < high || (block[at + 1] === high && block[at] < low)) from = middle + 1;
    else to = middle;
  }
  const at = from * RECORD_WORDS;
  return from < count && block[at + 1] === high && block[at] === low ? block[at + 2] : -1;
}

/** Writes a run from sorted keys. It appears whole or not at all. */
export async function writeRun(path: string, { low, high, value }: SortedKeys): Promise<void> {
  await writeRecords(path, low.length, async (append) => {
    for (let start = 0; start < low.length; start += CHUNK_RECORDS) {
      const end = Math.min(low.length, start + CHUNK_RECORDS);
      const words = new Uint32Array((end - start) * RECORD_WORDS);
      for (let i = start, at = 0; i < end; i++, at += RECORD_WORDS) {
        words[at] = low[i];
        words[at + 1] = high[i];
        words[at + 2] = value[i];
      }
      await append(words);
    }
  });
}

interface Stream {
  readonly chunks: AsyncGenerator<Uint32Array>;
  words: Uint32Array;
  at: number;
}

/** Merges runs that have no key in common into a new one. Memory is bounded by the number of runs. */
export async function mergeRuns(path: string, runs: readonly KeyRun[]): Promise<void> {
  const total = runs.reduce((sum, { records }) => sum + records, 0);
  await writeRecords(path, total, async (append) => {
    const streams: Stream[] = [];
    for (const run of runs) {
      const chunks = run.chunks();
      const first = await chunks.next();
      if (first.done !== true) streams.push({ chunks, words: first.value, at: 0 });
    }
    let out = new Uint32Array(CHUNK_RECORDS * RECORD_WORDS);
    let filled = 0;
    while (streams.length > 0) {
      const next = streams[smallest(streams)];
      out[filled] = next.words[next.at];
      out[filled + 1] = next.words[next.at + 1];
      out[filled + 2] = next.words[next.at + 2];
      filled += RECORD_WORDS;
      next.at += RECORD_WORDS;
      if (filled === out.length) {
        await append(out);
        out = new Uint32Array(out.length);
        filled = 0;
      }
      if (next.at < next.words.length) continue;
      const more = await next.chunks.next();
      if (more.done === true) streams.splice(streams.indexOf(next), 1);
      else {
        next.words = more.value;
        next.at = 0;
      }
    }
    if (filled > 0) await append(out.subarray(0, filled));
  });
}

/** Index of the stream whose next key is the smallest. */
function smallest(streams: readonly Stream[]): number {
  let best = 0;
  let { words, at } = streams[0];
  let low = words[at];
  let high = words[at + 1];
  for (let i = 1; i < streams.length; i++) {
    ({ words, at } = streams[i]);
    if (words[at + 1] > high || (words[at + 1] === high && words[at] >= low)) continue;
    low = words[at];
    high = words[at + 1];
    best = i;
  }
  return best;
}

async function writeRecords(
  path: string,
  records: number,
  write: (append: (words: Uint32Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await writeParts(handle, records, write);
    } finally {
      await handle.close();
    }
    await publishFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fromSystemError(error, path);
  }
}

async function writeParts(
  handle: FileHandle,
  records: number,
  write: (append: (words: Uint32Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const fences = new Uint32Array(Math.ceil(records / BLOCK_RECORDS));
  let written = 0;
  await handle.write(Uint32Array.of(MAGIC, 1, records, 0));
  await write(async (words) => {
    const count = words.length / RECORD_WORDS;
    for (let i = (BLOCK_RECORDS - (written % BLOCK_RECORDS)) % BLOCK_RECORDS; i < count; i += BLOCK_RECORDS) {
      fences[(written + i) / BLOCK_RECORDS] = words[i * RECORD_WORDS + 1];
    }
    written += count;
    await handle.write(words);
  });
  await handle.write(fences);
}
