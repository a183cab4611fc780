/**
 * One writer at a time: a lease in a folder, for a dataset, a training run or the service of a workspace.
 *
 * The lease at `writer.lock` is a series of files `writer.lock.1`, `writer.lock.2`, ...: whoever made the file of the
 * highest number holds it, unless that file says that it was released or its holder is gone. Taking it means
 * to create the next number exclusively, so of any number of contenders one wins; numbers never go back, so a
 * contender that slept on old knowledge finds a higher number than its own and steps back. A holder changes its
 * own file only: its time stamp is the heartbeat. No file is locked in the kernel, so it works on shared storage.
 */
import { randomBytes } from 'node:crypto';
import { rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TokenmillError } from '../core/errors.js';
import { Beacon, isLit } from '../core/beacon.js';
import { ensureFolder, listFolder, readJson, writeFileAtomic, writeFileExclusive } from '../core/files.js';
import { identifyProcess, isOfThisKernel, isProcessAlive, processIdentitySchema } from '../core/process.js';

const BEACON = '.sock';
const HEARTBEAT_MS = 5_000;
/** Several heartbeats: a holder on another machine that was silent for longer counts as gone. */
export const STALE_MS = 30_000;

const holderSchema = processIdentitySchema.extend({
  /** Random, one a lease. */
  owner: z.string(),
  released: z.boolean(),
  /** Name of its beacon, a file beside the lease; null where it has none. */
  beacon: z
    .string()
    .regex(/^[\w.-]+$/)
    .nullable()
    .default(null),
});

type Holder = z.output<typeof holderSchema>;

export interface LeaseOptions {
  /** What is leased, for messages: "dataset crawl". */
  readonly what: string;
  /** Code of the error where somebody else holds it. */
  readonly code: 'DATASET_LOCKED' | 'RUN_LOCKED' | 'SERVICE_LOCKED';
  /** Shows other containers of the machine whether the holder lives, by a socket beside the lease. */
  readonly withBeacon?: boolean;
}

interface LeaseFile {
  readonly path: string;
  readonly number: number;
}

/**
 * Takes the lease, or fails at once: there is no waiting for it. A lease whose process is gone is taken over at once
 * where that can be known (the same machine, or another container of it where there is a beacon), else 30 seconds after
 * its last heartbeat.
 * @throws TokenmillError `options.code` naming the process that holds it
 */
export async function acquireWriter(path: string, options: LeaseOptions): Promise<WriterLease> {
  await ensureFolder(dirname(path));
  const owner = randomBytes(16).toString('hex');
  const name = `${basename(path)}.${owner.slice(0, 8)}${BEACON}`;
  // It is lit before anybody can read of it, so one that is dark belongs to a process that is gone.
  const beacon = options.withBeacon === true ? await Beacon.light(join(dirname(path), name)) : undefined;
  const self: Holder = {
    owner,
    ...identifyProcess(),
    released: false,
    beacon: beacon === undefined ? null : name,
  };
  try {
    const mine = await take(path, self, options);
    if (beacon !== undefined) await removeBeacons(path, name);
    return new WriterLease(path, mine, self, options, beacon);
  } catch (error) {
    await beacon?.extinguish();
    throw error;
  }
}

async function take(path: string, self: Holder, options: LeaseOptions): Promise<LeaseFile> {
  for (;;) {
    const files = await leaseFiles(path);
    const highest = files.at(-1);
    if (highest !== undefined) await assertFree(highest, options);
    const mine = { path: `${path}.${(highest?.number ?? 0) + 1}`, number: (highest?.number ?? 0) + 1 };
    try {
      await writeFileExclusive(mine.path, `${JSON.stringify(self)}\n`);
    } catch (error) {
      // Another contender made it first: look again at what it made.
      if (error instanceof TokenmillError && error.code === 'FILE_EXISTS') continue;
      throw error;
    }
    const after = await leaseFiles(path);
    if ((after.at(-1)?.number ?? 0) > mine.number) {
      await rm(mine.path, { force: true });
      continue;
    }
    for (const { path: old, number } of after) if (number < mine.number) await rm(old, { force: true });
    return mine;
  }
}

/** Those of earlier holders, which were killed. */
async function removeBeacons(path: string, own: string): Promise<void> {
  for (const name of await listFolder(dirname(path))) {
    const isBeacon = name.startsWith(`${basename(path)}.`) && name.endsWith(BEACON);
    if (isBeacon && name !== own) await rm(join(dirname(path), name), { force: true });
  }
}

/** Whether the holder of the lease lives; undefined where that cannot be known. */
async function isAlive(path: string, holder: Holder): Promise<boolean | undefined> {
  const alive = isProcessAlive(holder);
  if (alive !== undefined || holder.beacon === null || !isOfThisKernel(holder)) return alive;
  return isLit(join(dirname(path), holder.beacon));
}

export interface LeaseState {
  /** `unknown` where the holder is on another machine and was heard of not long ago. */
  readonly state: 'free' | 'held' | 'left' | 'unknown';
  /** `process 17 on host`; null where it is free. */
  readonly holder: string | null;
}

/** Who holds a lease, for a person: `left` is one whose process is gone, which the next writer takes over. */
export async function inspectLease(path: string): Promise<LeaseState> {
  const highest = (await leaseFiles(path)).at(-1);
  const read = highest === undefined ? undefined : await readHolder(highest.path);
  if (read?.holder === undefined || read.holder.released) return { state: 'free', holder: null };
  const holder = `process ${read.holder.pid} on ${read.holder.host}`;
  const alive = await isAlive(path, read.holder);
  if (alive === true) return { state: 'held', holder };
  return { state: alive === undefined && read.silentMs <= STALE_MS ? 'unknown' : 'left', holder };
}

export class WriterLease {
  private readonly base: string;
  private readonly file: LeaseFile;
  private readonly holder: Holder;
  private readonly options: LeaseOptions;
  private readonly beacon: Beacon | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(
    base: string,
    file: LeaseFile,
    holder: Holder,
    options: LeaseOptions,
    beacon: Beacon | undefined,
  ) {
    this.beacon = beacon;
    this.base = base;
    this.file = file;
    this.holder = holder;
    this.options = options;
    this.timer = setInterval(() => {
      const now = new Date();
      // A file that is gone means that the lease is lost, which `assertHeld` reports where it matters.
      utimes(this.file.path, now, now).catch(() => undefined);
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  /**
   * To be called right before anything that only the holder may do, such as a commit.
   * @throws TokenmillError the lease's code, where another process took it because this one was silent for too long
   */
  async assertHeld(): Promise<void> {
    const files = await leaseFiles(this.base);
    if (files.at(-1)?.number === this.file.number) return;
    throw new TokenmillError(this.options.code, `this process does not hold ${this.options.what} any more`, {
      place: { file: this.file.path },
      hint: 'it was silent for too long and another process took over; start again when that one has ended',
    });
  }

  /** Gives the lease back. Harmless where it is lost. */
  async release(): Promise<void> {
    clearInterval(this.timer);
    await this.beacon?.extinguish();
    const files = await leaseFiles(this.base);
    if (files.at(-1)?.number !== this.file.number) return;
    await writeFileAtomic(this.file.path, `${JSON.stringify({ ...this.holder, released: true })}\n`);
  }
}

/** The lease's files, by rising number. */
async function leaseFiles(path: string): Promise<LeaseFile[]> {
  const prefix = `${basename(path)}.`;
  const files: LeaseFile[] = [];
  for (const name of await listFolder(dirname(path))) {
    const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (/^[1-9]\d{0,14}$/.test(digits))
      files.push({ path: join(dirname(path), name), number: Number(digits) });
  }
  return files.sort((a, b) => a.number - b.number);
}

async function assertFree(file: LeaseFile, options: LeaseOptions): Promise<void> {
  const state = await readHolder(file.path);
  if (state === undefined) return;
  const { holder, silentMs } = state;
  if (holder !== undefined) {
    if (holder.released) return;
    const alive = await isAlive(file.path, holder);
    if (alive === false || (alive === undefined && silentMs > STALE_MS)) return;
  } else if (silentMs > STALE_MS) {
    return;
  }
  const by = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  throw new TokenmillError(options.code, `${options.what} is in use by ${by}`, {
    place: { file: file.path },
    hint: `let it end, or stop it; a lease of a process that died elsewhere is free ${STALE_MS / 1000} s later`,
  });
}

/** Undefined where the file is gone: its holder was replaced, and the next number is taken or free. */
async function readHolder(
  path: string,
): Promise<{ holder: Holder | undefined; silentMs: number } | undefined> {
  try {
    const silentMs = Date.now() - (await stat(path)).mtimeMs;
    const parsed = holderSchema.safeParse(await readJson(path));
    return { holder: parsed.data, silentMs };
  } catch (error) {
    const code = error instanceof TokenmillError ? error.code : (error as NodeJS.ErrnoException).code;
    if (code === 'FILE_NOT_FOUND' || code === 'ENOENT') return undefined;
    if (code === 'INPUT_CORRUPT')
      return { holder: undefined, silentMs: Date.now() - (await stat(path)).mtimeMs };
    throw error;
  }
}
