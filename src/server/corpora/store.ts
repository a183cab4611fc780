/**
 * The corpora of a workspace: complete files and the uploads that become files.
 *
 * Nothing that an upload needs to be resumed is removed by a start of the service; what is left of a PUT, which cannot be
 * resumed, is. Uploads that nobody touched for `expirySeconds` are removed, complete ones are forgotten.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { TokenmillError } from '../../core/errors.js';
import { ensureFolder } from '../../core/files.js';
import type { Log } from '../../core/log.js';
import { checkName } from '../../store/workspace.js';
import { CorpusFiles, exists, type CorpusFile } from './files.js';
import { FileHasher } from './hasher.js';
import { checkCorpus, checkFile, PARTIAL_FOLDER, UPLOAD_ID } from './names.js';
import { createPartial, loadPartial, type UploadState } from './partial.js';
import { Space, type Reservation, type SpaceLimits } from './space.js';
import { Upload, type UploadServices } from './upload.js';
import { startIngest, type OnComplete, type StartedIngest } from './ingest.js';

/** Uploads under way or complete and remembered, of all clients together. */
export const MAX_UPLOADS = 10_000;
const SWEEP_MS = 600_000;

export interface CorporaSettings extends SpaceLimits {
  /** Seconds after its last byte until an unfinished upload is removed. */
  readonly expirySeconds: number;
}

export interface CorporaOptions extends CorporaSettings {
  /** Folder of all corpora. */
  readonly folder: string;
  readonly log: Log;
  /** Starts the ingest of complete files; without it `ingest` is refused. */
  readonly onComplete?: OnComplete;
  /** Told of bytes that were written. */
  readonly onWritten?: (kind: UploadState['kind'], bytes: number) => void;
}

/** What a new upload is to become. */
export interface NewUpload {
  readonly corpus: string;
  readonly file: string;
  readonly sha256?: string;
  readonly ingest?: string;
}

export interface PutRequest extends NewUpload {
  readonly length?: number;
}

export interface PutResult {
  readonly file: CorpusFile;
  /** False where an equal file was there already. */
  readonly created: boolean;
  readonly ingest: StartedIngest;
}

export class CorpusStore {
  readonly files: CorpusFiles;
  readonly space: Space;
  private readonly options: CorporaOptions;
  private readonly partial: string;
  private readonly services: UploadServices;
  private readonly uploads = new Map<string, Upload>();
  private readonly sweeper: NodeJS.Timeout;
  private closed = false;

  private constructor(options: CorporaOptions) {
    this.options = options;
    this.partial = join(options.folder, PARTIAL_FOLDER);
    this.files = new CorpusFiles(options.folder);
    this.space = new Space(options.folder, options);
    const { onComplete, onWritten } = options;
    this.services = { files: this.files, hasher: new FileHasher(), onComplete, onWritten };
    this.sweeper = setInterval(() => void this.expire(), SWEEP_MS);
    this.sweeper.unref();
  }

  /** Takes stock of what is there, and completes in the background what an earlier process left whole. */
  static async open(options: CorporaOptions): Promise<CorpusStore> {
    const store = new CorpusStore(options);
    await ensureFolder(store.partial);
    for (const corpus of await store.files.corpora()) {
      store.space.addComplete((await store.files.summary(corpus)).bytes);
    }
    for (const name of await readdir(store.partial)) await store.restore(name);
    return store;
  }

  /** Milliseconds of the epoch. */
  expiresMs(upload: Upload): number {
    return upload.activeMs + this.options.expirySeconds * 1000;
  }

  /**
   * Takes a whole file. Where the stream breaks off, nothing of it is left.
   * @throws TokenmillError FILE_EXISTS, INPUT_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, CHECKSUM_MISMATCH, INTERRUPTED, USAGE
   */
  async put(request: PutRequest, source: Readable): Promise<PutResult> {
    this.check(request);
    const { corpus, file, length, sha256 } = request;
    const existing = await this.files.find(corpus, file);
    if (existing !== undefined) {
      if (sha256 === undefined || sha256 !== existing.sha256) throw exists(corpus, file);
      const ingest = await startIngest(this.options.onComplete, corpus, file, request.ingest ?? null);
      return { file: existing, created: false, ingest };
    }
    const reservation = await this.space.reserve(length ?? 0);
    const upload = await this.create('put', request, length ?? null, null, reservation);
    try {
      await upload.append({ source, offset: 0, length });
      if (length === undefined) await upload.endAt(upload.offset);
      const made = await this.files.get(corpus, file);
      const ingest = { job: upload.state.job, problem: upload.jobProblem };
      return { file: made, created: made.upload === upload.id, ingest };
    } finally {
      this.uploads.delete(upload.id);
      await upload.discard();
    }
  }

  /**
   * Begins a resumable upload.
   * @throws TokenmillError FILE_EXISTS, INPUT_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, USAGE
   */
  async begin(request: NewUpload, length: number, metadata: string | null): Promise<Upload> {
    this.check(request);
    const { corpus, file } = request;
    if ((await this.files.find(corpus, file)) !== undefined) throw exists(corpus, file);
    const reservation = await this.space.reserve(length);
    return this.create('tus', request, length, metadata, reservation);
  }

  /** Resumable uploads, by id. */
  list(): Upload[] {
    const uploads = [...this.uploads.values()].filter(({ state }) => state.kind === 'tus');
    return uploads.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** How many resumable uploads there are in each state. */
  counts(): Record<UploadState['state'], number> {
    const counts = { receiving: 0, complete: 0, failed: 0 };
    for (const { state } of this.list()) counts[state.state] += 1;
    return counts;
  }

  /** @throws TokenmillError UPLOAD_NOT_FOUND, UPLOAD_GONE */
  async upload(id: string): Promise<Upload> {
    const upload = UPLOAD_ID.test(id) ? this.uploads.get(id) : undefined;
    if (upload === undefined || upload.state.kind !== 'tus') {
      throw new TokenmillError('UPLOAD_NOT_FOUND', `there is no upload ${id.slice(0, 64)}`, {
        hint: 'it was terminated or has expired; start a new one',
      });
    }
    if (!upload.isBusy && this.expiresMs(upload) < Date.now()) {
      await this.forget(upload);
      throw new TokenmillError('UPLOAD_GONE', `the upload ${id} has expired`, { hint: 'start a new one' });
    }
    return upload;
  }

  /** Ends an upload and removes what it brought, also the file where it is complete. @throws TokenmillError as `upload` */
  async terminate(id: string): Promise<void> {
    const upload = await this.upload(id);
    await upload.release();
    const { corpus, file, state } = upload.state;
    if (state === 'complete') {
      this.space.removeComplete((await this.files.remove(corpus, file, upload.id)) ?? 0);
    }
    await this.forget(upload);
  }

  /** @throws TokenmillError CORPUS_NOT_FOUND, FILE_NOT_FOUND */
  async remove(corpus: string, file: string): Promise<void> {
    this.space.removeComplete((await this.files.remove(corpus, file)) ?? 0);
  }

  /** Removes uploads that nobody touched for too long. */
  async expire(): Promise<void> {
    for (const upload of this.uploads.values()) {
      if (upload.isBusy || this.expiresMs(upload) >= Date.now()) continue;
      try {
        await this.forget(upload);
      } catch (error) {
        this.options.log(
          `upload ${upload.id} has expired and cannot be removed: ${(error as Error).message}`,
        );
      }
    }
  }

  /** Ends what is under way. Resumable uploads stay on disk. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.sweeper);
    await Promise.all([...this.uploads.values()].map((upload) => upload.release()));
    await this.services.hasher.close();
  }

  private check({ corpus, file, ingest }: NewUpload): void {
    checkCorpus(corpus);
    checkFile(file);
    if (this.closed) throw new TokenmillError('INTERRUPTED', 'the service is stopping');
    if (ingest === undefined) return;
    checkName('dataset', ingest);
    if (this.options.onComplete === undefined) {
      throw new TokenmillError('USAGE', 'this service does not run ingest jobs', {
        hint: 'leave ingest out, and run: tokenmill ingest',
      });
    }
  }

  private async create(
    kind: UploadState['kind'],
    { corpus, file, sha256, ingest }: NewUpload,
    length: number | null,
    metadata: string | null,
    reservation: Reservation,
  ): Promise<Upload> {
    try {
      if (this.uploads.size >= MAX_UPLOADS) {
        throw new TokenmillError('QUOTA_EXCEEDED', `there are ${MAX_UPLOADS} uploads under way`, {
          hint: 'finish or terminate some of them',
        });
      }
      const state: UploadState = {
        version: 1,
        kind,
        corpus,
        file,
        length,
        expected: sha256 ?? null,
        ingest: ingest ?? null,
        metadata,
        state: 'receiving',
        sha256: null,
        job: null,
        failure: null,
      };
      const paths = await createPartial(this.partial, state);
      const upload = new Upload(this.services, reservation, {
        paths,
        state,
        offset: 0,
        activeMs: Date.now(),
      });
      this.uploads.set(upload.id, upload);
      return upload;
    } catch (error) {
      reservation.release();
      throw error;
    }
  }

  private async restore(name: string): Promise<void> {
    const found = await loadPartial(this.partial, name);
    if (found === undefined) {
      await rm(join(this.partial, name), { recursive: true, force: true });
      return;
    }
    const { state, offset } = found;
    const receiving = state.state === 'receiving';
    // A crash can come when the file is there already; then it is counted among the files.
    const published = receiving && (await this.files.find(state.corpus, state.file))?.upload === name;
    const reserves = receiving && !published;
    const reservation = reserves ? this.space.restore(state.length ?? offset, offset) : undefined;
    const upload = new Upload(this.services, reservation, found);
    this.uploads.set(name, upload);
    const unfinished =
      receiving || (state.state === 'complete' && state.ingest !== null && state.job === null);
    if (unfinished && offset === state.length) {
      upload.finish().catch((error: unknown) => {
        this.options.log(`upload ${name} cannot be completed: ${(error as Error).message}`);
      });
    }
  }

  private async forget(upload: Upload): Promise<void> {
    this.uploads.delete(upload.id);
    await upload.discard();
  }
}
