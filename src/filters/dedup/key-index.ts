/**
 * The first holder of every key: a log-structured merge tree (O'Neil et al. 1996) of 64-bit hashes to 32-bit ordinals.
 *
 * New keys go to a table in memory; when it is full it becomes a sorted run on disk, and runs of about one size are
 * merged into one of the next, so that n keys are written about log4(n) times in all. Most keys are new, so a Bloom filter
 * answers most looks; the others read one block of a run or two, the largest first.
 *
 * Invariants: a key is in one place only and its value never changes. A run's name says which values it covers; the runs
 * in use cover 0 to `covered` without a gap, so whatever moment a process ends in, the next one sees by the names alone
 * what is whole. Memory: `memory` bytes at most, whatever the number of keys; beyond 10 bits a key the filter answers
 * less often, which costs reads, never an answer.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder, listFolder, removeTemporaries } from '../../core/files.js';
import { BloomFilter } from './bloom-filter.js';
import { KeyRun, mergeRuns, writeRun } from './key-run.js';
import { KeyTable } from './key-table.js';

/** Runs of one size before they are merged. */
const FAN_OUT = 4;
/** Bytes a key that the table takes while it is full and being sorted. */
const TABLE_BYTES = 48;
const SMALLEST_TABLE = 1024;
/** Bits a key of the filter while memory allows: 1.1% of looks for a new key read in vain. */
const FILTER_BITS = 10;
const SMALLEST_FILTER = 1 << 16;

const RUN_NAME = /^keys-(\d{10})-(\d{10})\.run$/;

export interface KeyIndexOptions {
  readonly folder: string;
  /** Bytes of memory to use at most, a quarter of it for new keys, the rest for the filter. */
  readonly memory: number;
}

interface PlacedRun {
  readonly run: KeyRun;
  readonly from: number;
  readonly to: number;
}

export class KeyIndex {
  /** All keys of values below this are in runs. */
  covered = 0;
  private readonly folder: string;
  private readonly filterLimit: number;
  private readonly table: KeyTable;
  private filter = new BloomFilter(SMALLEST_FILTER);
  private runs: PlacedRun[] = [];

  private constructor({ folder, memory }: KeyIndexOptions) {
    this.folder = folder;
    this.filterLimit = (memory * 3) / 4;
    this.table = new KeyTable(Math.max(SMALLEST_TABLE, Math.floor(memory / 4 / TABLE_BYTES)));
  }

  /**
   * Opens the index in a folder, which is created where it does not exist.
   * @param limit what covers values from here on is removed: it was written for documents that do not count
   */
  static async open(options: KeyIndexOptions, limit = Infinity): Promise<KeyIndex> {
    const index = new KeyIndex(options);
    await ensureFolder(options.folder);
    await removeTemporaries(options.folder);
    const found = (await listFolder(options.folder)).flatMap((name) => {
      const match = RUN_NAME.exec(name);
      return match === null ? [] : [{ name, from: Number(match[1]), to: Number(match[2]) }];
    });
    const used = new Set<string>();
    for (;;) {
      // Of a merged run and those that it replaces, the merged one.
      const next = found
        .filter(({ from, to }) => from === index.covered && to > from && to <= limit)
        .sort((a, b) => b.to - a.to)
        .at(0);
      if (next === undefined) break;
      used.add(next.name);
      index.runs.push({ ...next, run: new KeyRun(join(options.folder, next.name)) });
      index.covered = next.to;
    }
    for (const { name } of found) {
      if (!used.has(name)) await rm(join(options.folder, name), { force: true });
    }
    await index.rebuildFilter();
    return index;
  }

  get size(): number {
    return this.table.size + this.runs.reduce((sum, { run }) => sum + run.records, 0);
  }

  /** Bytes of the runs on disk. */
  get bytes(): number {
    return this.runs.reduce((sum, { run }) => sum + run.records * 12, 0);
  }

  /** Value of the key; where there is none, `value`, which is its value from now on. */
  first(low: number, high: number, value: number): number {
    if (this.filter.has(low, high)) {
      const known = this.lookUp(low, high);
      if (known >= 0) return known;
    }
    this.table.add(low, high, value);
    this.filter.add(low, high);
    return value;
  }

  /** Value of the key, or -1. */
  get(low: number, high: number): number {
    return this.filter.has(low, high) ? this.lookUp(low, high) : -1;
  }

  /** Whether it is time to flush: there are more new keys than memory allows. */
  isFull(): boolean {
    return this.table.isFull();
  }

  /** To be called now and then: keeps the filter in proportion to the keys. */
  async fitFilter(): Promise<void> {
    if (
      this.filter.added * FILTER_BITS > this.filter.bytes * 8 &&
      this.filter.bytes * 2 <= this.filterLimit
    ) {
      await this.rebuildFilter();
    }
  }

  /**
   * Writes all keys to disk; durable when it resolves.
   * @param limit all values so far are below it
   */
  async flush(limit: number): Promise<void> {
    if (limit === this.covered) return;
    this.runs.push(await this.makeRun(this.covered, limit, (path) => writeRun(path, this.table.drain())));
    this.covered = limit;
    for (let merged = this.runsToMerge(); merged.length > 1; merged = this.runsToMerge()) {
      await this.merge(merged);
    }
  }

  /** Merges all runs into one. */
  async compact(): Promise<void> {
    if (this.runs.length > 1) await this.merge(this.runs);
  }

  close(): void {
    for (const { run } of this.runs) run.close();
    this.runs = [];
  }

  private lookUp(low: number, high: number): number {
    const fresh = this.table.get(low, high);
    if (fresh >= 0) return fresh;
    // The oldest runs are the largest, and the likeliest to have it.
    for (const { run } of this.runs) {
      const known = run.get(low, high);
      if (known >= 0) return known;
    }
    return -1;
  }

  /** The newest runs, where there are enough of them that are no larger than the newest one's size class. */
  private runsToMerge(): PlacedRun[] {
    const sizeClass = ({ run }: PlacedRun): number =>
      Math.floor(Math.log(run.records + 1) / Math.log(FAN_OUT));
    const newest = this.runs.at(-1);
    if (newest === undefined) return [];
    let start = this.runs.length;
    while (start > 0 && sizeClass(this.runs[start - 1]) <= sizeClass(newest)) start -= 1;
    return this.runs.length - start >= FAN_OUT ? this.runs.slice(start) : [];
  }

  private async merge(merged: readonly PlacedRun[]): Promise<void> {
    const rest = this.runs.slice(0, this.runs.length - merged.length);
    const write = (path: string): Promise<void> =>
      mergeRuns(
        path,
        merged.map(({ run }) => run),
      );
    this.runs = [...rest, await this.makeRun(merged[0].from, (merged.at(-1) as PlacedRun).to, write)];
    // What the new run holds is not needed any more, now that it is durable.
    for (const { run } of merged) {
      run.close();
      await rm(run.path, { force: true });
    }
  }

  private async makeRun(
    from: number,
    to: number,
    write: (path: string) => Promise<void>,
  ): Promise<PlacedRun> {
    const digits = (value: number): string => String(value).padStart(10, '0');
    const path = join(this.folder, `keys-${digits(from)}-${digits(to)}.run`);
    await write(path);
    return { run: new KeyRun(path), from, to };
  }

  /** A filter for twice the keys that there are, as far as memory allows, filled from the runs and the table. */
  private async rebuildFilter(): Promise<void> {
    const wanted = Math.max(SMALLEST_FILTER, (this.size * 2 * FILTER_BITS) / 8);
    this.filter = new BloomFilter(Math.max(SMALLEST_FILTER, Math.min(this.filterLimit, wanted)));
    this.table.forEachKey((low, high) => this.filter.add(low, high));
    for (const { run } of this.runs) {
      for await (const words of run.chunks()) {
        for (let i = 0; i < words.length; i += 3) this.filter.add(words[i], words[i + 1]);
      }
    }
  }
}
