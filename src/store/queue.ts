/**
 * The queue between ingest and trainers: a folder protocol after maildir. An entry is one small JSON file that never
 * changes; its folder is its state, and its file name carries the rest:
 *
 *     ready/<name>~<attempts>.json
 *     leased/<name>~<attempts>~<deadline>~<owner>.json      deadline in milliseconds since 1970, UTC
 *     done/<name>~<attempts>.json
 *     failed/<name>~<attempts>.json, with the reason in <name>.reason.txt
 *
 * Invariants: states change by one rename, so a process that dies leaves an entry in exactly one state with all its
 * lease data, and of several processes that want one entry one wins. `attempts` counts leases that expired.
 */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import {
  ensureFolder,
  listFolder,
  readJson,
  syncFolder,
  writeFileAtomic,
  writeFileExclusive,
} from '../core/files.js';

export const DEFAULT_LEASE_MS = 120_000;
export const DEFAULT_MAX_ATTEMPTS = 5;

/** Longest text of a reason; it comes from errors, which may quote anything. */
const MAX_REASON_LENGTH = 2_000;

export const STATES = ['ready', 'leased', 'done', 'failed'] as const;
export type QueueState = (typeof STATES)[number];

/** Names and owners are parts of file names, between tildes. */
const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,99}';
const NAME_PATTERN = new RegExp(`^${NAME}$`);
const RESTING_FILE = new RegExp(`^(${NAME})~(\\d{1,9})\\.json$`);
const LEASED_FILE = new RegExp(`^(${NAME})~(\\d{1,9})~(\\d{1,15})~(${NAME})\\.json$`);

const itemSchema = z.strictObject({
  name: z.string().regex(NAME_PATTERN),
  /** Path of the shard relative to the dataset's folder. */
  shard: z.string().regex(/^shards\/[A-Za-z0-9][A-Za-z0-9._-]*$/),
  split: z.enum(['train', 'valid']),
  tokens: z.number().int().nonnegative(),
  sha256: z.string(),
});

/** What an entry says, from enqueue to done. */
export type QueueItem = z.output<typeof itemSchema>;

export interface LeasedEntry extends QueueItem {
  /** Leases of this entry that expired before this one. */
  readonly attempts: number;
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

/** An entry as `list` shows it. */
export interface QueueEntry {
  readonly name: string;
  readonly state: QueueState;
  readonly attempts: number;
  /** Null where its file is damaged. */
  readonly tokens: number | null;
  readonly owner: string | null;
  /** Milliseconds since 1970. */
  readonly deadline: number | null;
  /** Why it failed. */
  readonly reason: string | null;
}

export interface QueueOptions {
  readonly leaseMs?: number;
  /** How many leases of an entry may expire until it fails. */
  readonly maxAttempts?: number;
  /** Milliseconds since 1970; tests give their own clock. */
  readonly now?: () => number;
}

/** An entry as its file name tells it. */
interface Slot {
  readonly file: string;
  readonly name: string;
  readonly attempts: number;
  readonly owner: string | null;
  readonly deadline: number | null;
}

export class Queue {
  private readonly folder: string;
  private readonly leaseMs: number;
  private readonly maxAttempts: number;
  private readonly now: () => number;

  /** @param folder queue/<dataset> of the workspace */
  constructor(folder: string, options: QueueOptions = {}) {
    this.folder = folder;
    this.leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.maxAttempts = options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
    this.now = options.now ?? Date.now;
  }

  /** Creates the folders where they are missing. */
  async init(): Promise<void> {
    for (const state of STATES) await ensureFolder(join(this.folder, state));
  }

  /**
   * Adds entries that the queue does not have yet, in whatever state; durable when it resolves. One process at a
   * time may add to a queue: the dataset's writer.
   * @throws TokenmillError INTERNAL for an item that is not well formed
   */
  async enqueue(...items: readonly QueueItem[]): Promise<void> {
    const known = new Set<string>();
    // Twice, so that an entry is seen that moved from a folder not yet read into one that was read.
    for (const state of [...STATES, ...STATES]) {
      for (const { name } of await this.slots(state)) known.add(name);
    }
    for (const item of items) {
      const parsed = itemSchema.safeParse(item);
      if (!parsed.success) {
        const { path, message } = parsed.error.issues[0];
        throw new TokenmillError(
          'INTERNAL',
          `a queue entry is not well formed: ${path.join('.')}: ${message}`,
        );
      }
      if (known.has(item.name)) continue;
      const content = `${JSON.stringify(parsed.data)}\n`;
      await writeFileExclusive(this.path('ready', restingFile(item.name, 0)), content);
      known.add(item.name);
    }
  }

  /**
   * Leases the ready entry of the lowest name, or the one named, after returning what other leases let expire.
   * Null where there is none. An entry whose file cannot be read goes to failed and the next one is tried.
   */
  async lease(owner: string, name?: string): Promise<LeasedEntry | null> {
    checkOwner(owner);
    await this.returnExpired();
    for (const slot of await this.slots('ready')) {
      if (name !== undefined && slot.name !== name) continue;
      const deadline = this.now() + this.leaseMs;
      const file = leasedFile({ ...slot, owner, deadline });
      if (!(await this.move('ready', slot.file, 'leased', file))) continue;
      const leased = await this.open({ ...slot, file, owner, deadline });
      if (leased !== undefined) return leased;
    }
    return null;
  }

  /**
   * What an owner holds, also past its deadline as long as nobody returned it: a trainer that starts again after a
   * crash continues with these.
   */
  async leasedBy(owner: string): Promise<LeasedEntry[]> {
    const held: LeasedEntry[] = [];
    for (const slot of await this.slots('leased')) {
      if (slot.owner !== owner) continue;
      const entry = await this.open(slot);
      if (entry !== undefined) held.push(entry);
    }
    return held;
  }

  /** Puts the deadline off. The result replaces `entry`. @throws TokenmillError QUEUE_ENTRY_LOST */
  async renew(entry: LeasedEntry): Promise<LeasedEntry> {
    const renewed = { ...entry, deadline: this.now() + this.leaseMs };
    await this.moveHeld(entry, 'leased', leasedFile(renewed));
    return renewed;
  }

  /** The entry is used up; durable when it resolves. @throws TokenmillError QUEUE_ENTRY_LOST */
  async acknowledge(entry: LeasedEntry): Promise<void> {
    await this.moveHeld(entry, 'done', restingFile(entry.name, entry.attempts));
    await this.sync('done', 'leased');
  }

  /** Gives the entry back unused; this does not count as an attempt. @throws TokenmillError QUEUE_ENTRY_LOST */
  async release(entry: LeasedEntry): Promise<void> {
    await this.moveHeld(entry, 'ready', restingFile(entry.name, entry.attempts));
  }

  /** The entry cannot be used, whoever tries. @throws TokenmillError QUEUE_ENTRY_LOST */
  async fail(entry: LeasedEntry, reason: string): Promise<void> {
    if (!(await this.moveToFailed(leasedFile(entry), entry, reason))) throw lost(entry);
  }

  /** Every entry with its state, by name. */
  async list(): Promise<QueueEntry[]> {
    const found = new Map<string, QueueEntry>();
    for (const state of STATES) {
      for (const { file, name, attempts, owner, deadline } of await this.slots(state)) {
        const read = await this.read(state, file, name);
        const tokens = typeof read === 'object' ? read.tokens : null;
        const reason = state === 'failed' ? await this.reason(name) : null;
        found.set(name, { name, state, attempts, tokens, owner, deadline, reason });
      }
    }
    return [...found.values()].sort(byName);
  }

  /**
   * Makes failed entries ready again, with no attempts counted: the one named, or all. Returns their names.
   * @throws TokenmillError USAGE where the one named has not failed
   */
  async retry(name?: string): Promise<string[]> {
    const failed = await this.slots('failed');
    const chosen = failed.filter((slot) => name === undefined || slot.name === name);
    if (name !== undefined && chosen.length === 0) {
      const names = failed.map((slot) => slot.name);
      throw new TokenmillError('USAGE', `the queue has no failed entry ${name}`, {
        hint: names.length === 0 ? 'nothing in it has failed' : `failed are: ${names.join(', ')}`,
      });
    }
    if (chosen.length === 0) return [];
    for (const slot of chosen) {
      await this.move('failed', slot.file, 'ready', restingFile(slot.name, 0));
      await rm(this.reasonPath(slot.name), { force: true });
    }
    await this.sync('ready', 'failed');
    return chosen.map((slot) => slot.name);
  }

  /** Ends leases whose deadline has passed: back to ready, or to failed after too many of them. */
  private async returnExpired(): Promise<void> {
    const now = this.now();
    for (const slot of await this.slots('leased')) {
      if ((slot.deadline as number) >= now) continue;
      const attempts = slot.attempts + 1;
      if (attempts >= this.maxAttempts) {
        const reason = `its lease expired ${attempts} times, last with ${slot.owner}`;
        await this.moveToFailed(slot.file, { name: slot.name, attempts }, reason);
      } else {
        await this.move('leased', slot.file, 'ready', restingFile(slot.name, attempts));
      }
    }
  }

  /** A leased entry with its content; undefined where that is damaged, and then the entry is in failed. */
  private async open(slot: Slot): Promise<LeasedEntry | undefined> {
    const read = await this.read('leased', slot.file, slot.name);
    if (typeof read === 'object') {
      const { attempts, owner, deadline } = slot;
      return { ...read, attempts, owner: owner as string, deadline: deadline as number };
    }
    if (read !== undefined) await this.moveToFailed(slot.file, slot, read);
    return undefined;
  }

  /** Content of an entry's file, or what is wrong with it; undefined where the file is gone. */
  private async read(state: QueueState, file: string, name: string): Promise<QueueItem | string | undefined> {
    let value: unknown;
    try {
      value = await readJson(this.path(state, file));
    } catch (error) {
      if (!(error instanceof TokenmillError)) throw error;
      if (error.code === 'FILE_NOT_FOUND') return undefined;
      if (error.code === 'INPUT_CORRUPT') return 'its file is not valid JSON';
      throw error;
    }
    const parsed = itemSchema.safeParse(value);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0];
      return `its file is not an entry: ${path.join('.')}: ${message}`;
    }
    return parsed.data.name === name ? parsed.data : `its file says its name is ${parsed.data.name}`;
  }

  private async moveToFailed(
    file: string,
    { name, attempts }: { name: string; attempts: number },
    reason: string,
  ): Promise<boolean> {
    // The reason first: no entry is ever in failed without one.
    await writeFileAtomic(this.reasonPath(name), `${reason.slice(0, MAX_REASON_LENGTH)}\n`);
    const moved = await this.move('leased', file, 'failed', restingFile(name, attempts));
    if (moved) await this.sync('failed', 'leased');
    return moved;
  }

  private async moveHeld(entry: LeasedEntry, to: QueueState, file: string): Promise<void> {
    if (!(await this.move('leased', leasedFile(entry), to, file))) throw lost(entry);
  }

  /** One rename; false where the file is not there any more. */
  private async move(from: QueueState, file: string, to: QueueState, target: string): Promise<boolean> {
    try {
      await rename(this.path(from, file), this.path(to, target));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw fromSystemError(error, this.path(from, file));
    }
  }

  private async slots(state: QueueState): Promise<Slot[]> {
    const slots: Slot[] = [];
    for (const file of await listFolder(join(this.folder, state))) {
      const match = (state === 'leased' ? LEASED_FILE : RESTING_FILE).exec(file);
      if (match === null) continue;
      const [, name, attempts, deadline, owner] = match;
      slots.push({
        file,
        name,
        attempts: Number(attempts),
        owner: owner ?? null,
        deadline: deadline === undefined ? null : Number(deadline),
      });
    }
    return slots.sort(byName);
  }

  private async reason(name: string): Promise<string | null> {
    try {
      return (await readFile(this.reasonPath(name), 'utf8')).trimEnd();
    } catch {
      return null;
    }
  }

  private async sync(...states: readonly QueueState[]): Promise<void> {
    for (const state of states) await syncFolder(join(this.folder, state));
  }

  private path(state: QueueState, file: string): string {
    return join(this.folder, state, file);
  }

  private reasonPath(name: string): string {
    return this.path('failed', `${name}.reason.txt`);
  }
}

function restingFile(name: string, attempts: number): string {
  return `${name}~${attempts}.json`;
}

function leasedFile(slot: { name: string; attempts: number; owner: string; deadline: number }): string {
  return `${slot.name}~${slot.attempts}~${slot.deadline}~${slot.owner}.json`;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function checkOwner(owner: string): void {
  if (NAME_PATTERN.test(owner)) return;
  throw new TokenmillError('USAGE', `${JSON.stringify(owner)} cannot be the owner of a lease`, {
    hint: 'an owner has up to 100 letters, digits, dots, dashes and underscores',
  });
}

function lost(entry: LeasedEntry): TokenmillError {
  return new TokenmillError(
    'QUEUE_ENTRY_LOST',
    `${entry.owner} does not hold queue entry ${entry.name} any more`,
    {
      hint: 'its lease expired and the entry was returned; renew leases well before their deadline',
    },
  );
}
