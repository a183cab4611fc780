/**
 * The ingest: sources -> batches -> workers (text, signals, signatures) -> window (verdicts, duplicates) -> workers
 * (tokens) -> shards -> commit -> queue.
 *
 * Invariants: same sources and dataset configuration give byte-identical shards whatever the workers, windows,
 * crashes and resumes; a commit appears whole or not at all; between two commits nothing is visible. Memory is
 * bounded by the window and the batches in flight, not by the input.
 */
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import { WorkerPool, workerFile } from '../core/pool.js';
import { validatePolicy } from '../filters/policy.js';
import { acquireWriter } from '../store/lease.js';
import type { Workspace } from '../store/workspace.js';
import { batchSource, type Batch } from './batches.js';
import { DatasetWriter } from './dataset-writer.js';
import { documentId } from './document.js';
import type { MeasureResult, MeasureTask } from './measure.js';
import type { IngestOptions } from './options.js';
import { openForIngest } from './open.js';
import { planSources, type PlannedSource } from './plan.js';
import type { Source } from './records.js';
import { cutRecords } from './formats/cut.js';
import { detectFormat } from './formats/detect.js';
import type { WindowDocument } from './window.js';
import type { IngestPool, IngestWorkerData } from './worker.js';

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
  const pool: IngestPool = new WorkerPool(workerFile(import.meta.url, './worker.js'), {
    threads: options.workers,
    workerData: { treatment: opened.treatment, reading: opened.config.reading } satisfies IngestWorkerData,
  });
  let writer: DatasetWriter | undefined;
  try {
    await validatePolicy(opened.connection, opened.policy);
    writer = await DatasetWriter.open({ ...opened, workspace, pool, lease, log });
    const plan = planSources(sources, writer.account);
    for (const name of plan.skipped) log(`${name}: already ingested, skipped`);
    const before = { ...writer.account.totals };
    await readSources(plan.sources, writer, pool, options, context);
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
  options: IngestOptions,
  context: IngestContext,
): Promise<void> {
  const inFlight: Batch[] = [];
  const signal = context.signal;
  async function* tasks(): AsyncGenerator<MeasureTask> {
    for (const { source, format: known, from } of plan) {
      const format = known ?? options.format ?? (await detectFormat(source));
      for await (const batch of batchSource(
        source,
        format,
        cutRecords(source, { format, from }),
        writer.dedup,
      )) {
        if (signal?.aborted === true) return;
        inFlight.push(batch);
        yield batch.task;
      }
    }
  }
  const sized = plan.every(({ source }) => source.size !== null);
  const totalBytes = sized ? plan.reduce((sum, { source }) => sum + (source.size ?? 0), 0) : undefined;
  let finishedBytes = 0;
  let windowBytes = 0;
  for await (const result of pool.map(tasks(), (task) =>
    task.kind === 'measure' ? [task.bytes.buffer as ArrayBuffer, task.ends.buffer as ArrayBuffer] : [],
  )) {
    const batch = inFlight.shift() as Batch;
    takeBatch(batch, result as MeasureResult, writer);
    windowBytes += batch.bytes;
    if (batch.last) finishedBytes += batch.source.size ?? 0;
    context.onProgress?.({
      bytes: finishedBytes + (batch.last || batch.next?.space !== 'file' ? 0 : batch.next.offset),
      totalBytes,
      documents: writer.account.totals['documents'] ?? 0,
      kept: writer.account.totals['kept'] ?? 0,
    });
    if (signal?.aborted === true) return;
    if (windowBytes >= options.window) {
      await writer.commitWindow({ final: false });
      windowBytes = 0;
    }
  }
}

/** Books every record of a batch and hands the documents to the window. */
function takeBatch(batch: Batch, result: MeasureResult, writer: DatasetWriter): void {
  const { account } = writer;
  const { source } = batch;
  const progress = account.touch(source, batch.format);
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
