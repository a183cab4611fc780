/**
 * Cuts sources into batches for the workers: records of one source, a few MB at a time, in order, and whatever could
 * not be cut at its place between them.
 */
import { concatenate } from '../core/bytes.js';
import type { DedupConfig } from '../filters/dedup/settings.js';
import type { MeasureTask } from './measure.js';
import type {
  ArchiveLayout,
  BadRecord,
  CutRecord,
  Layout,
  Position,
  SkippedRecord,
  Source,
} from './records.js';

/** A batch is full at this many bytes of records: large against the cost of a message, small against memory. */
const BATCH_BYTES = 2_000_000;
const BATCH_RECORDS = 256;

export type Place = Pick<CutRecord, 'space' | 'offset' | 'length'>;

export interface Batch {
  readonly source: Source;
  readonly layout: Layout | ArchiveLayout;
  /** Where each record of the task lies, and the bad ones between them, in order of the source. */
  readonly entries: (({ readonly kind: 'record' } & Place) | BadRecord | SkippedRecord)[];
  readonly task: MeasureTask;
  /** Bytes of records in it. */
  readonly bytes: number;
  /** Where reading goes on behind this batch. */
  readonly next: Position | null;
  /** The source ends with this batch. */
  readonly last: boolean;
  /** Name of the archive that the source is a member of. */
  readonly archive?: string;
}

/** A batch of an archive itself, without records to be measured: what was passed, and how far it is read. */
export function archiveBatch(
  source: Source,
  entries: Batch['entries'],
  next: Position | null,
  dedup: DedupConfig,
): Batch {
  const { bytes, ends } = concatenate([]);
  const task = { kind: 'measure', layout: { format: 'text' }, bytes, ends, dedup } as const;
  return { source, layout: { format: 'tar' }, entries, bytes: 0, next, last: false, task };
}

/** Batches of one source; the last one is marked, and may be empty. */
export async function* batchSource(
  source: Source,
  layout: Layout,
  records: AsyncIterable<CutRecord | BadRecord>,
  dedup: DedupConfig,
): AsyncGenerator<Batch> {
  let entries: Batch['entries'] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let next: Position | null = null;
  const flush = (last: boolean): Batch => {
    const { bytes: joined, ends } = concatenate(parts);
    const batch = {
      source,
      layout,
      entries,
      bytes,
      next,
      last,
      task: { kind: 'measure', layout, bytes: joined, ends, dedup },
    } as const;
    entries = [];
    parts = [];
    bytes = 0;
    return batch;
  };
  for await (const record of records) {
    if (record.kind === 'record') {
      // A huge record travels alone, so that a batch never holds it beside a full one.
      if (bytes > 0 && bytes + record.bytes.length > 2 * BATCH_BYTES) yield flush(false);
      entries.push({ kind: 'record', space: record.space, offset: record.offset, length: record.length });
      parts.push(record.bytes);
      bytes += record.bytes.length;
    } else {
      entries.push(record);
    }
    next = record.next;
    if (bytes >= BATCH_BYTES || entries.length >= BATCH_RECORDS) yield flush(false);
  }
  yield flush(true);
}
