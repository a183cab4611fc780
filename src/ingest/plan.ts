/** Which sources an ingest reads, and from where: what earlier commits finished is skipped, what they began goes on. */
import { TokenmillError } from '../core/errors.js';
import type { SourceProgress } from '../store/commits.js';
import type { Account } from './account.js';
import { isUrl } from './sources/location.js';
import type { ArchiveLayout, FieldNames, Layout, Position, Source } from './records.js';

export interface PlannedSource {
  readonly source: Source;
  /** Known where reading goes on; else to be detected. */
  readonly layout: Layout | ArchiveLayout | undefined;
  readonly from: Position | undefined;
}

/** How the records of a source that was read are to be read again. */
export function layoutOfProgress({ format, layout }: SourceProgress): Layout {
  return { ...layout, format: format as Layout['format'] };
}

/** The fields that were named when a source was read. */
export function layoutFields({ layout }: Pick<SourceProgress, 'layout'>): FieldNames | undefined {
  return layout?.['fields'] as FieldNames | undefined;
}

/** Name of what comes from standard input; numbered, because each such stream is a source of its own. */
const STDIN_PREFIX = 'stdin-';

/**
 * @param sources in the order of reading
 * @throws TokenmillError SOURCE_CHANGED where a file that was read, whole or in part, is not the same any more
 */
export function planSources(
  sources: readonly Source[],
  account: Account,
): { sources: PlannedSource[]; skipped: string[] } {
  const planned: PlannedSource[] = [];
  const skipped: string[] = [];
  for (const source of sources) {
    if (source.location === '-') {
      let number = 1;
      while (account.progressOf(STDIN_PREFIX + number) !== undefined) number += 1;
      planned.push({
        source: { ...source, name: STDIN_PREFIX + number },
        layout: undefined,
        from: undefined,
      });
      continue;
    }
    const progress = account.progressOf(source.name);
    if (progress === undefined) {
      planned.push({ source, layout: undefined, from: undefined });
      continue;
    }
    // Of an address the size is not known for certain before it is downloaded.
    if (!isUrl(source.location)) checkUnchanged(source, progress);
    if (progress.finished) skipped.push(source.name);
    else
      planned.push({
        source,
        layout: progress.format === 'tar' ? { format: 'tar' } : layoutOfProgress(progress),
        from: (progress.position as Position | null) ?? undefined,
      });
  }
  return { sources: planned, skipped };
}

/**
 * A finished source is only compared by size: copying or checking out a file again gives it another time.
 * @throws TokenmillError SOURCE_CHANGED
 */
export function checkUnchanged(source: Source, progress: SourceProgress): void {
  if (progress.size === source.size && (progress.finished || progress.modified_ms === source.modifiedMs)) {
    return;
  }
  throw new TokenmillError(
    'SOURCE_CHANGED',
    `${source.name} changed since it was read (${progress.size} bytes then, ${source.size} now)`,
    {
      hint: 'sources are immutable once read: give new content another name, or ingest into a new dataset',
    },
  );
}
