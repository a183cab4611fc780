/**
 * Reads records of sources again by their places, in the order in which they were cut. A record that is a range of its
 * file is fetched by that; of a source whose places count decompressed content one reader goes along, so that the
 * content is decompressed once and not from its beginning for each record.
 */
import { stat } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import type { SourceProgress } from '../store/commits.js';
import { cutRecords } from './formats/cut.js';
import { readRecordAt } from './formats/record-at.js';
import type { BadRecord, CutRecord, Format, Source, Space } from './records.js';

export interface RecordPlace {
  readonly source: string;
  readonly space: Space;
  readonly offset: number;
  readonly length: number;
}

export class RecordFetcher {
  private readonly sources: ReadonlyMap<string, SourceProgress>;
  private readonly checked = new Set<string>();
  private reader: { source: string; records: AsyncGenerator<CutRecord | BadRecord> } | undefined;

  constructor(sources: readonly SourceProgress[]) {
    this.sources = new Map(sources.map((source) => [source.source, source]));
  }

  /** @throws TokenmillError SOURCE_CHANGED, FILE_NOT_FOUND where the record cannot be had any more */
  async fetch(place: RecordPlace): Promise<Uint8Array> {
    const progress = this.sources.get(place.source);
    if (progress === undefined || progress.location === '-') throw missing(place);
    if (!this.checked.has(place.source)) {
      await checkUnchanged(progress);
      this.checked.add(place.source);
    }
    if (place.space === 'file') return readRecordAt(progress.location, place);
    if (this.reader?.source !== place.source) {
      await this.close();
      const source: Source = {
        name: progress.source,
        location: progress.location,
        size: progress.size,
        modifiedMs: progress.modified_ms,
      };
      this.reader = {
        source: place.source,
        records: cutRecords(source, { format: progress.format as Format, from: undefined }),
      };
    }
    for (;;) {
      const next = await this.reader.records.next();
      if (next.done === true) throw missing(place);
      const record = next.value;
      if (record.kind !== 'record' || record.space !== place.space || record.offset < place.offset) continue;
      if (record.offset > place.offset || record.length !== place.length) throw missing(place);
      return record.bytes;
    }
  }

  async close(): Promise<void> {
    await this.reader?.records.return(undefined);
    this.reader = undefined;
  }
}

async function checkUnchanged({ source, location, size }: SourceProgress): Promise<void> {
  if (size === null) return;
  const found = await stat(location).catch((error: unknown) => {
    throw fromSystemError(error, location);
  });
  if (found.size === size) return;
  throw new TokenmillError(
    'SOURCE_CHANGED',
    `${source} changed since it was read (${size} bytes then, ${found.size} now)`,
    { place: { file: location }, hint: 'sources must stay as they were when they were read' },
  );
}

function missing({ source, offset }: RecordPlace): TokenmillError {
  return new TokenmillError(
    'SOURCE_CHANGED',
    `${source} does not have the record any more that was cut out of it`,
    {
      place: { file: source, offset },
      hint: 'sources must stay as they were when they were read; standard input cannot be read again',
    },
  );
}
