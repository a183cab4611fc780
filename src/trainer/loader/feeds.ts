/**
 * Where shards come from that a run has not read yet: the dataset's queue, which gives each shard to one run, or the
 * commit log, which gives every run all of them (`--replay`).
 */
import { TokenmillError } from '../../core/errors.js';
import type { Log } from '../../core/log.js';
import { committedFiles, readCommits } from '../../store/commits.js';
import { DEFAULT_LEASE_MS, type LeasedEntry, type Queue } from '../../store/queue.js';
import type { DatasetPaths } from '../../store/workspace.js';

/** Four tries before a lease expires. */
const RENEWAL_MS = DEFAULT_LEASE_MS / 4;

export interface ShardReference {
  readonly name: string;
  /** Path relative to the dataset's folder. */
  readonly shard: string;
  readonly sha256: string;
  readonly tokens: number;
}

export interface ShardFeed {
  /**
   * The next shard of which the run has to read something; undefined where there is none now.
   * @param taken whether the run's stream has a shard to its end already
   */
  next(taken: (name: string) => boolean): Promise<ShardReference | undefined>;
  /** Whether the run holds this shard, which its stream names already; takes it back if it is free. */
  hold(name: string): Promise<boolean>;
  /** Keeps what is held; to be called often. Names of shards that were lost since. */
  renew(): Promise<string[]>;
  /** These shards are used up: a durable checkpoint contains their last tokens. Doing it again does no harm. */
  finish(names: readonly string[]): Promise<void>;
  /** This shard cannot be read, whoever tries. */
  reject(name: string, reason: string): Promise<void>;
  /** Gives back what is held and not used up. */
  close(): Promise<void>;
  /** Why there is no shard, and what can be done about it. */
  explain(): Promise<{ message: string; hint: string }>;
}

export class QueueFeed implements ShardFeed {
  private readonly queue: Queue;
  private readonly owner: string;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly held = new Map<string, LeasedEntry>();
  private renewed = Number.NEGATIVE_INFINITY;

  /** Takes up the leases that an earlier process of the same owner left. @param now milliseconds */
  static async open(
    queue: Queue,
    owner: string,
    log: Log,
    now: () => number = () => performance.now(),
  ): Promise<QueueFeed> {
    await queue.init();
    const feed = new QueueFeed(queue, owner, log, now);
    for (const entry of await queue.leasedBy(owner)) feed.held.set(entry.name, entry);
    // At once, since some may be past their deadline.
    await feed.renew();
    return feed;
  }

  private constructor(queue: Queue, owner: string, log: Log, now: () => number) {
    this.queue = queue;
    this.owner = owner;
    this.log = log;
    this.now = now;
  }

  async next(taken: (name: string) => boolean): Promise<ShardReference | undefined> {
    // Leased by a process that died before it wrote so to the run's stream.
    for (const entry of this.held.values()) if (!taken(entry.name)) return entry;
    for (;;) {
      const entry = await this.queue.lease(this.owner);
      if (entry === null) return undefined;
      this.held.set(entry.name, entry);
      // One that was lost after its last token had been read only waits for the next checkpoint.
      if (!taken(entry.name)) return entry;
    }
  }

  async hold(name: string): Promise<boolean> {
    if (this.held.has(name)) return true;
    const entry = await this.queue.lease(this.owner, name);
    if (entry !== null) this.held.set(name, entry);
    return entry !== null;
  }

  async renew(): Promise<string[]> {
    const now = this.now();
    if (now - this.renewed < RENEWAL_MS) return [];
    this.renewed = now;
    const lost: string[] = [];
    for (const [name, entry] of this.held) {
      const renewed = await unlessLost(this.queue.renew(entry));
      if (renewed === undefined) {
        this.held.delete(name);
        lost.push(name);
      } else {
        this.held.set(name, renewed);
      }
    }
    return lost;
  }

  async finish(names: readonly string[]): Promise<void> {
    const missing = new Set(names.filter((name) => !this.held.has(name)));
    if (missing.size > 0) {
      const ready = (await this.queue.list()).filter(
        ({ name, state }) => state === 'ready' && missing.has(name),
      );
      for (const { name } of ready) await this.hold(name);
    }
    for (const name of names) {
      const entry = this.held.get(name);
      if (entry === undefined) continue;
      this.held.delete(name);
      await this.unlessLostLogged(this.queue.acknowledge(entry), name);
    }
  }

  async reject(name: string, reason: string): Promise<void> {
    const entry = this.held.get(name);
    if (entry === undefined) return;
    this.held.delete(name);
    await this.unlessLostLogged(this.queue.fail(entry, reason), name);
  }

  async close(): Promise<void> {
    for (const entry of this.held.values()) await unlessLost(this.queue.release(entry));
    this.held.clear();
  }

  async explain(): Promise<{ message: string; hint: string }> {
    const entries = await this.queue.list();
    if (entries.length === 0) {
      return { message: 'the queue has no shard', hint: 'ingest first, or wait for an ingest with --follow' };
    }
    const states = ['leased', 'done', 'failed']
      .map((state) => [state, entries.filter((entry) => entry.state === state).length] as const)
      .filter(([, number]) => number > 0)
      .map(([state, number]) => `${number} ${state}`);
    return {
      message: `no shard of the queue is ready, they are ${states.join(', ')}`,
      hint: 'another run has or had them: read all shards anyway with --replay, or wait for new ones with --follow',
    };
  }

  private async unlessLostLogged(action: Promise<void>, name: string): Promise<void> {
    const done = await unlessLost(action.then(() => true));
    if (done === undefined)
      this.log(`shard ${name}: its lease had expired, and another run may read it, too`);
  }
}

/** Undefined where the entry is not leased by its owner any more. */
async function unlessLost<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (error instanceof TokenmillError && error.code === 'QUEUE_ENTRY_LOST') return undefined;
    throw error;
  }
}

/** All committed train shards, in the order of the commits; nothing is leased and the queue is left alone. */
export class CommitFeed implements ShardFeed {
  private readonly paths: DatasetPaths;
  private readonly rejected = new Set<string>();

  constructor(paths: DatasetPaths) {
    this.paths = paths;
  }

  async next(taken: (name: string) => boolean): Promise<ShardReference | undefined> {
    const shards = committedShards(await readCommits(this.paths), 'train');
    return shards.find(({ name }) => !taken(name) && !this.rejected.has(name));
  }

  async hold(): Promise<boolean> {
    return true;
  }

  async renew(): Promise<string[]> {
    return [];
  }

  async finish(): Promise<void> {}

  async reject(name: string): Promise<void> {
    this.rejected.add(name);
  }

  async close(): Promise<void> {}

  async explain(): Promise<{ message: string; hint: string }> {
    const number = this.rejected.size;
    return number > 0
      ? {
          message: `none of its ${number} train shards can be read`,
          hint: 'ingest its sources into a new dataset',
        }
      : { message: 'it has no train shard', hint: 'ingest first, or wait for an ingest with --follow' };
  }
}

/** The committed shards of one split, by the names that they have in the queue. */
export function committedShards(
  commits: Parameters<typeof committedFiles>[0],
  split: 'train' | 'valid',
): ShardReference[] {
  return committedFiles(commits)
    .filter((file) => file.kind === 'shard' && file.split === split)
    .map(({ path, sha256, tokens }) => ({
      name: path.replace(/^shards\//, '').replace(/\.arrow$/, ''),
      shard: path,
      sha256,
      tokens: tokens ?? 0,
    }));
}
