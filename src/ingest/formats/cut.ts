/**
 * Cuts a source into records, as a stream: reads, decompresses and looks for boundaries, and parses nothing else.
 *
 * Invariants: a record's place does not depend on where cutting began; cutting from a record's `next` gives exactly
 * the records that follow it; reading runs ahead of the consumer by a few MB at most.
 */
import { TokenmillError } from '../../core/errors.js';
import { contentBytesBefore, openContent, readHead, type Container } from '../containers/content.js';
import { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CutRecord, Format, Position, Source } from '../records.js';
import { STDIN } from '../sources/bytes.js';
import { cutLines } from './cut-lines.js';
import { cutParquet } from './cut-parquet.js';
import { cutWarc, startsWarcRecord } from './cut-warc.js';
import { cutWhole } from './cut-whole.js';
import { formatOf } from './detect.js';
import { CUT_LIMITS, type CutLimits } from './limits.js';

export interface CutOptions {
  /** A `next` of an earlier reading of the same source; default: its beginning. */
  readonly from?: Position;
  /** Default: what the content shows. */
  readonly format?: Format;
  readonly limits?: Partial<CutLimits>;
}

/** @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN, IO; INPUT_UNSUPPORTED for standard input from a position, or Parquet that is not a plain file */
export async function* cutRecords(
  source: Source,
  options: CutOptions = {},
): AsyncGenerator<CutRecord | BadRecord, void> {
  const { container, content } = await readHead(source.location);
  const format = options.format ?? formatOf(content, source.name);
  const limits = { ...CUT_LIMITS, ...options.limits };
  if (format === 'parquet') {
    checkParquet(source, container);
    yield* cutParquet(source.location, options.from?.offset ?? 0, limits.lineBytes);
    return;
  }
  let from: Position | undefined = options.from ?? { space: 'file', offset: 0 };
  while (from !== undefined) {
    from = yield* cutFrom(source.location, container, from, format, limits);
    // Standard input cannot be read again.
    if (source.location === STDIN) return;
  }
}

/** A Parquet file begins at its end, so it has to be a file. @throws TokenmillError INPUT_UNSUPPORTED */
function checkParquet(source: Source, container: Container): void {
  if (source.location !== STDIN && container === 'plain') return;
  const where = source.location === STDIN ? 'from standard input' : 'inside a compressed file';
  throw new TokenmillError('INPUT_UNSUPPORTED', `${source.name}: Parquet cannot be read ${where}`, {
    place: { file: source.name },
    hint: 'it is compressed inside: give the .parquet file itself',
  });
}

/** Cuts from a position to the end; may return a position to start from again. */
async function* cutFrom(
  location: string,
  container: Container,
  from: Position,
  format: Format,
  limits: CutLimits,
): AsyncGenerator<CutRecord | BadRecord, Position | undefined> {
  const startsRecord = recordStart(format);
  // Of compressed content, only member boundaries can be opened.
  const skipTo = container !== 'plain' && from.space === 'content' ? from.offset : 0;
  const file = skipTo > 0 ? 0 : from.offset;
  const opened = await openContent(location, container, file, startsRecord);
  try {
    const window = new ContentWindow(opened.pieces, {
      plain: container === 'plain',
      file,
      contentBefore: () => contentBytesBefore(location, container, file, startsRecord),
    });
    await window.skipTo(skipTo);
    if (isWarc(format)) return yield* cutWarc(window, limits);
    yield* format === 'jsonl' ? cutLines(window, limits) : cutWhole(window, limits);
    return undefined;
  } finally {
    await opened.close();
  }
}

function isWarc(format: Format): boolean {
  return format === 'warc' || format === 'wet' || format === 'wat';
}

/** What the content of a gzip member or a frame must begin with for reading to go on there after damage. */
export function recordStart(format: Format): (content: Buffer) => boolean {
  return isWarc(format) ? startsWarcRecord : (content) => content.length > 0;
}
