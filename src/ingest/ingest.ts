/**
 * The ingest: sources -> batches -> workers (text, signals, signatures) -> window (verdicts, duplicates) -> workers
 * (tokens) -> shards -> commit -> queue.
 *
 * Invariants: same sources and dataset configuration give byte-identical shards whatever the workers, windows,
 * crashes and resumes; a commit appears whole or not at all; between two commits nothing is visible. Memory is
 * bounded by the window and the batches in flight, not by the input.
 */
import { anyAddress } from './sources/http/address-rule.js';
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { compiledFile } from '../core/paths.js';
import { WorkerPool } from '../core/pool.js';
import { validatePolicy } from '../filters/policy.js';
import { acquireWriter } from '../store/lease.js';
import type { Workspace } from '../store/workspace.js';
import type { Batch } from './batches.js';
import { DatasetWriter } from './dataset-writer.js';
import { documentId } from './document.js';
import type { MeasureResult, MeasureTask } from './measure.js';
import { WindowFeed } from './feed.js';
import { namedFields, type IngestOptions } from './options.js';
import { openForIngest } from './open.js';
import { checkUnchanged, planSources, type PlannedSource } from './plan.js';
import type { Source } from './records.js';
import { readBatches } from './read-batches.js';
import { Downloads, type DownloadsOptions } from './sources/http/downloads.js';
import { isUrl } from './sources/location.js';
import type { WindowDocument } from './window.js';
import type { IngestPool, IngestWorkerData } from './worker.js';

/** Files that are downloaded at the same time, or wait to be read. */
export const DOWNLOADS = 4;

export interface IngestProgress {
  /** Bytes of files read, of `totalBytes` (undefined where a source's size is unknown). */
  readonly bytes: number;
  readonly totalBytes: number | undefined;
  readonly documents: number;
  readonly kept: number;
}

export interface IngestContext {
  readonly workspace: Workspace;
  readonly log: Log;
  readonly onProgress?: (progress: IngestProgress) => void;
  /** How addresses among the sources are downloaded. */
  readonly download?: Pick<DownloadsOptions, 'parallel' | 'checksumOf' | 'onProgress' | 'rule' | 'limits'>;
  /** Aborting ends the ingest at the next batch with a commit of all that was read. */
  readonly signal?: AbortSignal;
}

export interface IngestSummary {
  readonly dataset: string;
  readonly sources: number;
  /** Sources that an earlier ingest had finished. */
  readonly skipped: number;
  /** Counters of this run, of `Account`. */
  readonly counts: Record<string, number>;
  readonly totals: Record<string, number>;
  readonly commits: number;
  readonly shards: number;
  readonly tokenizer: string | null;
}

/**
 * Brings sources into a dataset, creating it where it does not exist; what earlier runs committed is not read again.
 * @throws TokenmillError CONFIG_MISMATCH, POLICY_INVALID, DATASET_LOCKED, SOURCE_CHANGED, INTERRUPTED, DISK_FULL, ...
 */
export async function ingest(
  sources: readonly Source[],
  options: IngestOptions,
  context: IngestContext,
): Promise<IngestSummary> {
  const { workspace, log } = context;
  const paths = workspace.dataset(options.dataset);
  const opened = await openForIngest(workspace, options);
  const lease = await acquireWriter(join(paths.folder, 'writer.lock'), {
    what: `dataset ${options.dataset}`,
    code: 'DATASET_LOCKED',
  });
  const pool: IngestPool = new WorkerPool(compiledFile(import.meta.url, './worker.js'), {
    threads: options.workers,
    workerData: { treatment: opened.treatment, reading: opened.config.reading } satisfies IngestWorkerData,
  });
  let writer: DatasetWriter | undefined;
  let downloads: Downloads | undefined;
  try {
    await validatePolicy(opened.connection, opened.policy);
    writer = await DatasetWriter.open({ ...opened, workspace, pool, lease, log });
    const plan = planSources(sources, writer.account);
    for (const name of plan.skipped) log(`${name}: already ingested, skipped`);
    const before = { ...writer.account.totals };
    downloads = new Downloads(plan.sources.map(({ source }) => source.location).filter(isUrl), {
      ...(context.download ?? { rule: anyAddress, parallel: DOWNLOADS }),
      folder: join(workspace.root, 'downloads', options.dataset),
      signal: context.signal,
    });
    await readSources(plan.sources, writer, pool, downloads, options, context);
    if (context.signal?.aborted === true) {
      await writer.commitWindow({ final: false });
      throw new TokenmillError('INTERRUPTED', `interrupted; ${writer.commits} commits were made`, {
        hint: 'run the same command again to continue',
      });
    }
    await writer.commitWindow({ final: true });
    return {
      dataset: options.dataset,
      sources: plan.sources.length,
      skipped: plan.skipped.length,
      counts: difference(writer.account.totals, before),
      totals: { ...writer.account.totals },
      commits: writer.commits,
      shards: writer.sealedShards,
      tokenizer: writer.tokenizerName,
    };
  } finally {
    await downloads?.close();
    writer?.close();
    await pool.close();
    await opened.close();
    await lease.release();
  }
}

async function readSources(
  plan: readonly PlannedSource[],
  writer: DatasetWriter,
  pool: IngestPool,
  downloads: Downloads,
  options: IngestOptions,
  context: IngestContext,
): Promise<void> {
  const inFlight: Batch[] = [];
  const signal = context.signal;
  const reading = {
    known: { format: options.format, fields: namedFields(options) },
    dedup: writer.dedup,
    progressOf: (name: string) => writer.account.progressOf(name),
  };
  async function* tasks(): AsyncGenerator<MeasureTask> {
    for (const planned of plan) {
      const { location: address } = planned.source;
      let source = planned.source;
      if (isUrl(address)) {
        try {
          source = await fetchSource(planned, downloads, writer);
        } catch (error) {
          // What was read is committed, as at any other interruption.
          if (signal?.aborted === true) return;
          throw error;
        }
      }
      for await (const batch of readBatches({ ...planned, source }, reading)) {
        if (signal?.aborted === true) return;
        inFlight.push(batch);
        yield batch.task;
      }
      if (source.location !== address) await downloads.release(address);
    }
  }
  const sized = plan.every(({ source }) => source.size !== null);
  const totalBytes = sized ? plan.reduce((sum, { source }) => sum + (source.size ?? 0), 0) : undefined;
  let finishedBytes = 0;
  /** Of the source that is being read. */
  let openBytes = 0;
  const feed = new WindowFeed({
    window: options.window,
    take: (batch, result) => takeBatch(batch, result, writer),
    commit: () => writer.commitWindow({ final: false }),
  });
  try {
    for await (const result of pool.map(tasks(), ({ bytes, ends }) => [bytes.buffer, ends.buffer])) {
      const batch = inFlight.shift() as Batch;
      await feed.add(batch, result as MeasureResult);
      // A member counts with its archive.
      if (batch.archive === undefined) {
        if (batch.last) finishedBytes += batch.source.size ?? 0;
        openBytes = batch.last || batch.next?.space !== 'file' ? 0 : batch.next.offset;
      }
      context.onProgress?.({
        bytes: finishedBytes + openBytes,
        totalBytes,
        documents: writer.account.totals['documents'] ?? 0,
        kept: writer.account.totals['kept'] ?? 0,
      });
      if (signal?.aborted === true) break;
    }
    await feed.drain();
  } finally {
    await feed.settle();
  }
}

/** The file that an address was downloaded to. @throws TokenmillError SOURCE_CHANGED, and what `download` throws */
async function fetchSource(
  { source }: PlannedSource,
  downloads: Downloads,
  writer: DatasetWriter,
): Promise<Source> {
  const { path, size } = await downloads.take(source.location);
  const fetched = { ...source, location: path, origin: source.location, size };
  const progress = writer.account.progressOf(source.name);
  if (progress !== undefined) checkUnchanged(fetched, progress);
  return fetched;
}

/** Books every record of a batch and hands the documents to the window. */
function takeBatch(batch: Batch, result: MeasureResult, writer: DatasetWriter): void {
  const { account } = writer;
  const { source } = batch;
  const progress = account.touch(source, batch.layout);
  let item = 0;
  let row = 0;
  for (const entry of batch.entries) {
    progress.records += 1;
    const measured = entry.kind === 'record' ? result.items[item++] : entry;
    if (measured.kind === 'bad') {
      progress.bad += 1;
      account.addBad({
        source: source.name,
        space: entry.space,
        offset: entry.offset,
        length: entry.length,
        reason: measured.reason,
        detail: measured.detail,
      });
      continue;
    }
    account.add('records');
    if (measured.kind === 'other') {
      progress.non_documents += 1;
      account.add('non_documents');
      account.add(`non_document.${measured.reason}`);
      continue;
    }
    progress.documents += 1;
    account.add('documents');
    const start = row === 0 ? 0 : result.textEnds[row - 1];
    const document: WindowDocument = {
      ordinal: writer.takeOrdinal(),
      id: documentId(source.name, entry.space, entry.offset),
      source: source.name,
      offset: entry.offset,
      length: entry.length,
      space: entry.space,
      measured,
    };
    writer.addDocument(document, result.texts.subarray(start, result.textEnds[row]));
    row += 1;
  }
  if (batch.next !== null) progress.position = batch.next;
  if (batch.last) progress.finished = true;
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, value]) => value !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
