/**
 * How much may still be taken in: a quota over the uploads of the workspace, and the room of its file system. An upload
 * reserves its length before its first byte is accepted, so that uploads at the same time do not promise each other's
 * space, and one that cannot end is refused before it begins.
 *
 * Units are bytes. Invariant: `taken` = sizes of the complete files + what is reserved.
 */
import { statfs } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import { formatBytes } from '../../core/format.js';

/** An upload that does not say how long it is reserves as it goes, by so much. */
export const RESERVE_STEP = 64_000_000;

export interface SpaceLimits {
  /** All uploads of the workspace together. */
  readonly quota: number;
  /** One file. */
  readonly maxFile: number;
  /** What stays free on the file system. */
  readonly keepFree: number;
}

export class Space {
  readonly limits: SpaceLimits;
  private readonly folder: string;
  private complete = 0;
  private readonly reservations = new Set<Reservation>();

  constructor(folder: string, limits: SpaceLimits) {
    this.folder = folder;
    this.limits = limits;
  }

  get taken(): number {
    let sum = this.complete;
    for (const { bytes } of this.reservations) sum += bytes;
    return sum;
  }

  /** Counts what lies there already. */
  addComplete(bytes: number): void {
    this.complete += bytes;
  }

  removeComplete(bytes: number): void {
    this.complete -= bytes;
  }

  /** Counts an upload of an earlier process, which was accepted then. */
  restore(bytes: number, written: number): Reservation {
    const reservation = new Reservation(this, bytes, written);
    this.reservations.add(reservation);
    return reservation;
  }

  /** @throws TokenmillError INPUT_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL */
  async reserve(bytes: number): Promise<Reservation> {
    const reservation = new Reservation(this, 0, 0);
    this.reservations.add(reservation);
    try {
      await reservation.growTo(bytes);
    } catch (error) {
      reservation.release();
      throw error;
    }
    return reservation;
  }

  /** @throws TokenmillError where the reservation may not have `bytes` */
  async check(reservation: Reservation, bytes: number): Promise<void> {
    const { quota, maxFile, keepFree } = this.limits;
    if (bytes > maxFile) {
      throw new TokenmillError(
        'INPUT_TOO_LARGE',
        `a file of ${formatBytes(bytes)} is over the limit of ${formatBytes(maxFile)}`,
        {
          hint: 'split it, or raise uploadMaxFile of the service',
        },
      );
    }
    const others = this.taken - reservation.bytes;
    if (others + bytes > quota) {
      throw new TokenmillError(
        'QUOTA_EXCEEDED',
        `${formatBytes(bytes)} do not fit: ${formatBytes(others)} of the quota of ${formatBytes(quota)} are taken`,
        { hint: 'delete files that are not needed any more, or raise uploadQuota of the service' },
      );
    }
    // Counted before the file system is asked: of two that ask at once the second sees the first, not both each other.
    let promised = 0;
    for (const other of this.reservations) {
      if (other !== reservation) promised += Math.max(0, other.bytes - other.written);
    }
    const free = await this.free();
    const needed = bytes - reservation.written;
    if (needed > 0 && needed > free - promised - keepFree) {
      throw new TokenmillError(
        'DISK_FULL',
        `${formatBytes(needed)} do not fit: ${formatBytes(free)} are free, of which ${formatBytes(promised)} are promised to other uploads and ${formatBytes(keepFree)} stay free`,
        { hint: 'free some space on the file system of the workspace' },
      );
    }
  }

  drop(reservation: Reservation): void {
    this.reservations.delete(reservation);
  }

  private async free(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.folder);
      return bavail * bsize;
    } catch (error) {
      throw fromSystemError(error, this.folder);
    }
  }
}

/** What one upload holds, from its acceptance until it is complete or gone. */
export class Reservation {
  private readonly space: Space;
  bytes: number;
  /** How much of it is on disk already. */
  written: number;

  constructor(space: Space, bytes: number, written: number) {
    this.space = space;
    this.bytes = bytes;
    this.written = written;
  }

  /** @throws TokenmillError INPUT_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL; the reservation is then as before */
  async growTo(bytes: number): Promise<void> {
    const before = this.bytes;
    // Counted before the check waits for the file system, so that two checks at once see each other.
    const check = this.space.check(this, bytes);
    this.bytes = Math.max(before, bytes);
    try {
      await check;
    } catch (error) {
      this.bytes = before;
      throw error;
    }
  }

  /** The upload became a complete file of this size. */
  complete(size: number): void {
    this.space.drop(this);
    this.space.addComplete(size);
  }

  release(): void {
    this.space.drop(this);
  }
}
