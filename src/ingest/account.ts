/**
 * The account of an ingest: every record read is a document, a non-document with a reason, or bad with a reason.
 * Counter names are stable: they are the keys of `counts` in a commit.
 */
import type { BadNote, SourceProgress } from '../store/commits.js';
import type { ArchiveLayout, Layout, Source } from './records.js';
import { absoluteLocation } from './sources/location.js';

/** Bad records that one commit lists one by one; beyond it they are only counted. */
export const MAX_BAD_NOTES = 1000;

export class Account {
  /** Since the last commit. */
  counts: Record<string, number> = {};
  badNotes: BadNote[] = [];
  /** Since the dataset exists. */
  readonly totals: Record<string, number>;
  private readonly sources = new Map<string, SourceProgress>();
  private readonly changed = new Set<string>();

  constructor(totals: Readonly<Record<string, number>>, sources: Iterable<SourceProgress>) {
    this.totals = { ...totals };
    for (const source of sources) this.sources.set(source.source, { ...source });
  }

  add(name: string, amount = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + amount;
    this.totals[name] = (this.totals[name] ?? 0) + amount;
  }

  addBad(note: BadNote): void {
    this.add('records');
    this.add('bad');
    this.add(`bad.${note.reason}`);
    if (this.badNotes.length < MAX_BAD_NOTES) this.badNotes.push(note);
  }

  progressOf(name: string): SourceProgress | undefined {
    return this.sources.get(name);
  }

  /** The progress of a source, to be changed: it goes into the next commit. */
  touch(source: Source, { format, ...options }: Layout | ArchiveLayout): SourceProgress {
    let progress = this.sources.get(source.name);
    if (progress === undefined) {
      progress = {
        source: source.name,
        // So that a record can be fetched again from any folder.
        location: absoluteLocation(source.origin ?? source.location),
        size: source.size,
        modified_ms: source.modifiedMs,
        format,
        ...(Object.keys(options).length === 0 ? {} : { layout: options }),
        position: null,
        finished: false,
        records: 0,
        documents: 0,
        non_documents: 0,
        bad: 0,
      };
      this.sources.set(source.name, progress);
    }
    this.changed.add(source.name);
    return progress;
  }

  changedSources(): SourceProgress[] {
    return [...this.changed].map((name) => ({ ...(this.sources.get(name) as SourceProgress) }));
  }

  /** Takes what another dataset knows of a source: it goes into the next commit. */
  adopt(progress: SourceProgress): void {
    this.sources.set(progress.source, { ...progress });
    this.changed.add(progress.source);
  }

  /** Lists a bad record that is counted already. */
  note(note: BadNote): void {
    if (this.badNotes.length < MAX_BAD_NOTES) this.badNotes.push(note);
  }

  hasSources(): boolean {
    return this.sources.size > 0;
  }

  hasChanges(): boolean {
    return this.changed.size > 0 || Object.keys(this.counts).length > 0;
  }

  /** What was counted is committed. */
  settle(): void {
    this.counts = {};
    this.badNotes = [];
    this.changed.clear();
  }
}
