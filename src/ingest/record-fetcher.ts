/**
 * Reads records of sources again by their places, in the order in which they were cut. A record that is a range of its
 * file is fetched by that; of a source whose places count decompressed content one reader goes along, so that the
 * content is decompressed once and not from its beginning for each record.
 */
import { stat } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import type { SourceProgress } from '../store/commits.js';
import { cutRecords } from './formats/cut.js';
import { readHead } from './containers/content.js';
import { readArchive, type ArchiveMember } from './formats/read-archive.js';
import { readRecordAt } from './formats/record-at.js';
import { layoutOfProgress } from './plan.js';
import type { BadRecord, CutRecord, Space } from './records.js';
import { isUrl, parseMemberLocation, type MemberLocation } from './sources/location.js';

export interface RecordPlace {
  readonly source: string;
  readonly space: Space;
  readonly offset: number;
  readonly length: number;
}

export class RecordFetcher {
  private readonly sources: ReadonlyMap<string, SourceProgress>;
  private readonly checked = new Set<string>();
  /** A compressed archive that is gone along; `offset`: of the member that was reached. */
  private archive:
    | { readonly location: string; offset: number; readonly entries: ReturnType<typeof readArchive> }
    | undefined;
  private reader: { source: string; records: AsyncGenerator<CutRecord | BadRecord> } | undefined;

  constructor(sources: readonly SourceProgress[]) {
    this.sources = new Map(sources.map((source) => [source.source, source]));
  }

  /** @throws TokenmillError SOURCE_CHANGED, FILE_NOT_FOUND where the record cannot be had any more */
  async fetch(place: RecordPlace): Promise<Uint8Array> {
    const progress = this.sources.get(place.source);
    if (progress === undefined || progress.location === '-') throw missing(place);
    if (!this.checked.has(place.source)) {
      await this.checkUnchanged(progress);
      this.checked.add(place.source);
    }
    const { location } = progress;
    const member = parseMemberLocation(location);
    const isSlow = member !== undefined && (await readHead(member.archive)).container !== 'plain';
    if (place.space === 'file' && !isSlow) return readRecordAt(location, place);
    if (this.reader?.source !== place.source) {
      await this.closeReader();
      this.reader = { source: place.source, records: await this.openRecords(progress, isSlow) };
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

  private async openRecords(
    progress: SourceProgress,
    isSlow: boolean,
  ): Promise<AsyncGenerator<CutRecord | BadRecord>> {
    const { source: name, location, size, modified_ms: modifiedMs } = progress;
    const layout = layoutOfProgress(progress);
    if (!isSlow) return cutRecords({ name, location, size, modifiedMs }, layout);
    const entry = await this.findMember(location);
    if (entry === undefined) throw missing({ source: name, space: 'file', offset: 0, length: 0 });
    return cutRecords(entry.source, { ...layout, stream: entry.stream });
  }

  /** Goes along a compressed archive to one of its members, from the beginning only where that lies behind. */
  private async findMember(location: string): Promise<ArchiveMember | undefined> {
    const { archive, offset } = parseMemberLocation(location) as MemberLocation;
    if (this.archive?.location !== archive || this.archive.offset > offset) {
      await this.archive?.entries.return(undefined);
      const source = { name: archive, location: archive, size: null, modifiedMs: null };
      this.archive = { location: archive, offset: 0, entries: readArchive(source) };
    }
    for (;;) {
      const { done, value } = await this.archive.entries.next();
      if (done === true) return undefined;
      if (value.kind !== 'member') continue;
      this.archive.offset = parseMemberLocation(value.source.location)?.offset ?? 0;
      if (value.source.location === location) return value;
    }
  }

  private async closeReader(): Promise<void> {
    await this.reader?.records.return(undefined);
    this.reader = undefined;
  }

  async close(): Promise<void> {
    await this.closeReader();
    await this.archive?.entries.return(undefined);
    this.archive = undefined;
  }

  private async checkUnchanged({ source, location, size }: SourceProgress): Promise<void> {
    const member = parseMemberLocation(location);
    // An archive is a source like others; its members are what they were where it is.
    if (member !== undefined) {
      const archive = [...this.sources.values()].find((other) => other.location === member.archive);
      if (archive !== undefined) await this.checkUnchanged(archive);
      return;
    }
    if (size === null || isUrl(location)) return;
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
