/**
 * One upload under way: takes bytes at its end, and becomes a file of its corpus when it has them all.
 *
 * Invariants: one request at a time writes to it; a newer one ends the older, whose connection is dead or given up (its
 * bytes stay). Every byte below `offset` is on disk. It becomes complete once, by whoever sees first that it has
 * all bytes; everybody else waits for that.
 */
import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fromSystemError, TokenmillError } from '../../core/errors.js';
import type { Checksum } from './digests.js';
import type { CorpusFiles } from './files.js';
import type { FileHasher, Following } from './hasher.js';
import { Flusher } from './flusher.js';
import { startIngest, type OnComplete } from './ingest.js';
import { beginChecking, endChecking, writeState, type PartialPaths, type UploadState } from './partial.js';
import { releaseBuffers } from './release.js';
import { appendStream, type StreamEnd } from './sink.js';
import { RESERVE_STEP, type Reservation } from './space.js';

const FIXED_LENGTH = 'the length of an upload is fixed when it is created';

/** What uploads share. */
export interface UploadServices {
  readonly files: CorpusFiles;
  readonly hasher: FileHasher;
  readonly onComplete: OnComplete | undefined;
  /** Told of bytes that were written. */
  readonly onWritten: ((kind: UploadState['kind'], bytes: number) => void) | undefined;
}

export interface AppendRequest {
  readonly source: Readable;
  /** Where the client thinks that the upload ends. */
  readonly offset: number;
  /** Bytes that the request says it has. */
  readonly length?: number;
  /** Of the bytes of this request. */
  readonly checksum?: Checksum;
}

export class Upload {
  readonly paths: PartialPaths;
  state: UploadState;
  offset: number;
  activeMs: number;
  /** Why the ingest that it asks for could not be started; tried again when somebody asks, and at the next start. */
  jobProblem: string | null = null;
  private readonly services: UploadServices;
  private readonly reservation: Reservation | undefined;
  private following: Following | undefined;
  private busy: { readonly stop: AbortController; readonly done: Promise<unknown> } | undefined;
  private finishing: Promise<void> | undefined;

  /** @param reservation what it holds while it is under way */
  constructor(
    services: UploadServices,
    reservation: Reservation | undefined,
    found: { paths: PartialPaths; state: UploadState; offset: number; activeMs: number },
  ) {
    this.services = services;
    this.reservation = reservation;
    this.paths = found.paths;
    this.state = found.state;
    this.offset = found.offset;
    this.activeMs = found.activeMs;
  }

  get id(): string {
    return this.paths.id;
  }

  get isBusy(): boolean {
    return this.busy !== undefined || this.finishing !== undefined;
  }

  /** Ends what writes to it, if anything does, and waits for that. */
  async interrupt(): Promise<void> {
    while (this.busy !== undefined) {
      this.busy.stop.abort();
      await this.busy.done;
    }
  }

  /**
   * Where the upload is. Ends a request that still writes to it; waits where it is being completed.
   * @throws TokenmillError the reason, where it failed
   */
  async settle(): Promise<UploadState> {
    await this.interrupt();
    if (this.isWhole) await this.finish();
    this.assertUsable();
    return this.state;
  }

  /**
   * Takes the bytes of a request.
   * @returns the offset then
   * @throws TokenmillError UPLOAD_OFFSET, INPUT_TOO_LARGE, CHUNK_MISMATCH, INTERRUPTED where the connection broke, what
   *   `finish` throws
   */
  async append(request: AppendRequest): Promise<number> {
    await this.exclusively(async (signal) => {
      if (this.isWhole) await this.finish();
      this.assertUsable();
      this.checkRequest(request);
      if (!this.isWhole) await this.receive(request, signal);
    });
    if (this.isWhole) await this.finish();
    return this.offset;
  }

  /**
   * Makes a file of an upload that has all its bytes: hash, sync, publish, start the ingest.
   * @throws TokenmillError CHECKSUM_MISMATCH, FILE_EXISTS: it has failed then, and its data is gone
   */
  async finish(): Promise<void> {
    if (this.state.state === 'failed') return;
    this.finishing ??= this.complete().finally(() => {
      this.finishing = undefined;
    });
    return this.finishing;
  }

  /** A PUT that did not say its length has it now. */
  async endAt(length: number): Promise<void> {
    this.state = { ...this.state, length };
    await this.finish();
  }

  /** Lets go of what it holds in this process. The files stay. */
  async release(): Promise<void> {
    await this.interrupt();
    await this.finishing?.catch(() => undefined);
    this.following?.forget();
    this.following = undefined;
  }

  /** Removes it and gives its space back. */
  async discard(): Promise<void> {
    await this.release();
    this.reservation?.release();
    await rm(this.paths.folder, { recursive: true, force: true });
  }

  private get isWhole(): boolean {
    return this.state.state !== 'failed' && this.offset === this.state.length;
  }

  private assertUsable(): void {
    if (this.state.state !== 'failed') return;
    throw new TokenmillError('UPLOAD_GONE', `the upload ${this.id} failed: ${this.state.failure ?? ''}`, {
      hint: 'start a new one',
    });
  }

  private checkRequest({ offset, length = 0 }: AppendRequest): void {
    if (offset !== this.offset) {
      throw new TokenmillError(
        'UPLOAD_OFFSET',
        `the upload has ${this.offset} bytes, the request begins at ${offset}`,
        {
          hint: 'ask for the offset with HEAD and go on from there',
        },
      );
    }
    if (this.state.length !== null && offset + length > this.state.length) {
      throw new TokenmillError(
        'INPUT_TOO_LARGE',
        `the request goes on to byte ${offset + length} of an upload of ${this.state.length} bytes`,
        { hint: FIXED_LENGTH },
      );
    }
  }

  private async exclusively(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.interrupt();
    const stop = new AbortController();
    const result = work(stop.signal);
    const busy = { stop, done: result.catch(() => undefined) };
    this.busy = busy;
    try {
      await result;
    } finally {
      this.busy = undefined;
      this.activeMs = Date.now();
    }
  }

  private async receive(request: AppendRequest, signal: AbortSignal): Promise<void> {
    const { checksum } = request;
    const before = this.offset;
    const hash = checksum === undefined ? undefined : createHash(checksum.algorithm);
    let file: FileHandle | undefined;
    try {
      if (checksum !== undefined) await beginChecking(this.paths, before);
      file = await open(this.paths.data, 'r+');
      let confirmed = checksum === undefined;
      try {
        const end = await this.write(request, file, signal, hash);
        const intact = hash === undefined || hash.digest().equals(checksum?.digest ?? Buffer.of());
        if (end === 'too-long') confirmed = false;
        else if (end === 'complete') confirmed = intact;
        this.reportEnd(end, intact, checksum);
      } finally {
        // The length of the file is the truth, also where a write failed half way.
        this.offset = (await file.stat()).size;
        if (!confirmed) await this.cutBack(file, before);
      }
      if (checksum !== undefined) await endChecking(this.paths);
      this.follow().advance(this.offset);
    } catch (error) {
      throw fromSystemError(error, this.paths.data);
    } finally {
      await file?.close();
    }
  }

  private async write(
    { source, offset, checksum }: AppendRequest,
    file: FileHandle,
    signal: AbortSignal,
    hash: Hash | undefined,
  ): Promise<StreamEnd> {
    const flusher = new Flusher(file, offset);
    let counted = offset;
    try {
      const { end } = await appendStream(source, file, {
        offset,
        limit: (this.state.length ?? Number.MAX_SAFE_INTEGER) - offset,
        hash,
        signal,
        onWritten: async (length, bytes) => {
          flusher.written(length);
          this.services.onWritten?.(this.state.kind, length - counted);
          counted = length;
          // Before its checksum is confirmed nothing of it counts.
          if (checksum === undefined) {
            this.offset = length;
            if (bytes === undefined) this.follow().advance(length);
            else this.follow().advanceWith(length, bytes);
          } else if (bytes !== undefined) {
            releaseBuffers(bytes);
          }
          await this.reserve(length);
        },
      });
      return end;
    } finally {
      await flusher.end();
    }
  }

  private reportEnd(end: StreamEnd, intact: boolean, checksum: Checksum | undefined): void {
    if (end === 'too-long') {
      throw new TokenmillError(
        'INPUT_TOO_LARGE',
        `the request goes on beyond the ${this.state.length} bytes of its upload`,
        {
          hint: FIXED_LENGTH,
        },
      );
    }
    if (end === 'broken') {
      throw new TokenmillError('INTERRUPTED', 'the connection broke off before the end of the request', {
        hint: 'ask for the offset with HEAD and go on from there',
      });
    }
    if (!intact) {
      throw new TokenmillError(
        'CHUNK_MISMATCH',
        `the bytes received do not have the ${checksum?.algorithm} given`,
        {
          hint: 'send them again; the offset is as it was',
        },
      );
    }
  }

  /** Takes back bytes that do not count. The hash may have read them, so it begins anew. */
  private async cutBack(file: FileHandle, length: number): Promise<void> {
    await file.truncate(length);
    this.offset = length;
    this.following?.forget();
    this.following = undefined;
    await endChecking(this.paths);
  }

  /** Keeps the reservation of an upload of unknown length ahead of it. */
  private async reserve(length: number): Promise<void> {
    const { reservation } = this;
    if (reservation === undefined) return;
    if (length > reservation.bytes) {
      // Close to a limit it may still have exactly what it needs.
      await reservation.growTo(length + RESERVE_STEP).catch(() => reservation.growTo(length));
    }
    reservation.written = length;
  }

  private follow(): Following {
    this.following ??= this.services.hasher.follow(this.paths.data);
    return this.following;
  }

  private async complete(): Promise<void> {
    if (this.state.state === 'receiving') {
      try {
        await this.publish();
      } catch (error) {
        const known = error instanceof TokenmillError ? error : undefined;
        if (known?.code === 'CHECKSUM_MISMATCH' || known?.code === 'FILE_EXISTS')
          await this.fail(known.message);
        throw error;
      }
    }
    await this.ingest();
  }

  private async publish(): Promise<void> {
    const { corpus, file, expected, kind } = this.state;
    const size = this.offset;
    const following = this.follow();
    this.following = undefined;
    const sha256 = await following.digest(size);
    if (expected !== null && expected !== sha256) {
      throw new TokenmillError(
        'CHECKSUM_MISMATCH',
        `the file has the SHA-256 ${sha256}, not ${expected} as given`,
        {
          hint: 'upload it again; nothing of it was kept',
        },
      );
    }
    const { id: upload } = this.paths;
    const made = await this.services.files.publish({
      upload,
      corpus,
      file,
      data: this.paths.data,
      size,
      sha256,
    });
    if (made) this.reservation?.complete(size);
    else this.reservation?.release();
    await this.setState({ state: 'complete', sha256 });
    // A tus client that lost the last answer asks again; a PUT has nobody who could.
    await rm(kind === 'tus' ? this.paths.data : this.paths.folder, { recursive: true, force: true });
  }

  private async ingest(): Promise<void> {
    const { corpus, file, ingest, job } = this.state;
    if (ingest === null || job !== null) return;
    const started = await startIngest(this.services.onComplete, corpus, file, ingest);
    this.jobProblem = started.problem;
    if (started.job !== null) await this.setState({ job: started.job });
  }

  private async fail(failure: string): Promise<void> {
    this.reservation?.release();
    await this.setState({ state: 'failed', failure });
    await rm(this.paths.data, { force: true });
  }

  private async setState(change: Partial<UploadState>): Promise<void> {
    this.state = { ...this.state, ...change };
    if (this.state.kind === 'tus') await writeState(this.paths, this.state);
  }
}
