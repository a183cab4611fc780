/** Which sources an ingest reads, and from where: what earlier commits finished is skipped, what they began goes on. */
import { TokenmillError } from '../core/errors.js';
import type { Account } from './account.js';
import type { Format, Position, Source } from './records.js';

export interface PlannedSource {
  readonly source: Source;
  /** Known where reading goes on; else to be detected. */
  readonly format: Format | undefined;
  readonly from: Position | undefined;
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
        format: undefined,
        from: undefined,
      });
      continue;
    }
    const progress = account.progressOf(source.name);
    if (progress === undefined) {
      planned.push({ source, format: undefined, from: undefined });
      continue;
    }
    // A finished source is only compared by size: copying or checking out a file again gives it another time.
    if (progress.size !== source.size || (!progress.finished && progress.modified_ms !== source.modifiedMs)) {
      throw new TokenmillError(
        'SOURCE_CHANGED',
        `${source.name} changed since it was read (${progress.size} bytes then, ${source.size} now)`,
        {
          hint: 'sources are immutable once read: give new content another name, or ingest into a new dataset',
        },
      );
    }
    if (progress.finished) skipped.push(source.name);
    else
      planned.push({
        source,
        format: progress.format as Format,
        from: (progress.position as Position | null) ?? undefined,
      });
  }
  return { sources: planned, skipped };
}
