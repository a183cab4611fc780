/**
 * Cuts a source into records, as a stream: reads, decompresses and looks for boundaries, and parses nothing else.
 *
 * Invariants: a record's place does not depend on where cutting began; cutting from a record's `next` gives exactly
 * the records that follow it; reading runs ahead of the consumer by a few MB at most.
 */
import {
  contentBytesBefore,
  openContent,
  readHead,
  type Container,
  type Head,
} from '../containers/content.js';
import { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CutRecord, Layout, Position, Source } from '../records.js';
import { spool } from '../containers/spool.js';
import { STDIN, isFileLocation } from '../sources/location.js';
import { type ByteReader } from '../sources/bytes.js';
import { cutCsv } from './cut-csv.js';
import { cutLines } from './cut-lines.js';
import { cutParquet } from './cut-parquet.js';
import { cutWarc, startsWarcRecord } from './cut-warc.js';
import { cutWhole } from './cut-whole.js';
import { layoutOf } from './detect.js';
import { CUT_LIMITS, type CutLimits } from './limits.js';

/** What is not given of the layout is what the content shows. */
export interface CutOptions extends Partial<Layout> {
  /** A `next` of an earlier reading of the same source; default: its beginning. */
  readonly from?: Position;
  readonly limits?: Partial<CutLimits>;
  /** Where the source is at hand as a stream already; it is opened by its location only to go back in it. */
  readonly stream?: SourceStream;
}

export interface SourceStream {
  readonly head: Head;
  /** Bytes from a file offset on. */
  open(offset: number): Promise<ByteReader>;
}

/** @throws TokenmillError FILE_NOT_FOUND, FILE_FORBIDDEN, IO; INPUT_UNSUPPORTED for standard input from a position */
export async function* cutRecords(
  source: Source,
  options: CutOptions = {},
): AsyncGenerator<CutRecord | BadRecord, void> {
  const { container, content } = options.stream?.head ?? (await readHead(source.location));
  const layout = { ...layoutOf(content, source.name, options), ...(options.csv && { csv: options.csv }) };
  const limits = { ...CUT_LIMITS, ...options.limits };
  if (layout.format === 'parquet') {
    yield* cutRows(source.location, container, options.from?.offset ?? 0, layout, limits, options.stream);
    return;
  }
  let from: Position | undefined = options.from ?? { space: 'file', offset: 0 };
  while (from !== undefined) {
    from = yield* cutFrom(source.location, container, from, layout, limits, options.stream);
    // Standard input cannot be read again.
    if (source.location === STDIN) return;
  }
}

/** Rows of a Parquet file, which begins at its end: what is no file is made one for as long as it is read. */
export async function* cutRows(
  location: string,
  container: Container,
  from: number,
  { fields }: Pick<Layout, 'fields'>,
  { lineBytes }: Pick<CutLimits, 'lineBytes'>,
  stream?: SourceStream,
): AsyncGenerator<CutRecord | BadRecord> {
  const isFile = stream === undefined && container === 'plain' && isFileLocation(location);
  const cut = (path: string): AsyncGenerator<CutRecord | BadRecord> =>
    cutParquet(path, from, lineBytes, fields);
  yield* isFile
    ? cut(location)
    : spool(
        await openContent(location, container, 0, () => true, stream && ((offset) => stream.open(offset))),
        cut,
      );
}

/** Cuts from a position to the end; may return a position to start from again. */
async function* cutFrom(
  location: string,
  container: Container,
  from: Position,
  { format, csv }: Layout,
  limits: CutLimits,
  stream: SourceStream | undefined,
): AsyncGenerator<CutRecord | BadRecord, Position | undefined> {
  const startsRecord = recordStart(format);
  // Of compressed content, only member boundaries can be opened.
  const skipTo = container !== 'plain' && from.space === 'content' ? from.offset : 0;
  const file = skipTo > 0 ? 0 : from.offset;
  const opened = await openContent(
    location,
    container,
    file,
    startsRecord,
    stream && ((offset) => stream.open(offset)),
  );
  try {
    const window = new ContentWindow(opened.pieces, {
      plain: container === 'plain',
      file,
      contentBefore: () => contentBytesBefore(location, container, file, startsRecord),
    });
    await window.skipTo(skipTo);
    if (isWarc(format)) return yield* cutWarc(window, limits);
    if (format === 'jsonl') yield* cutLines(window, limits);
    else if (csv !== undefined) yield* cutCsv(window, limits, csv, from.offset === 0);
    else yield* cutWhole(window, limits);
    return undefined;
  } finally {
    await opened.close();
  }
}

function isWarc(format: Layout['format']): boolean {
  return format === 'warc' || format === 'wet' || format === 'wat';
}

/** What the content of a gzip member or a frame must begin with for reading to go on there after damage. */
export function recordStart(format: Layout['format']): (content: Buffer) => boolean {
  return isWarc(format) ? startsWarcRecord : (content) => content.length > 0;
}
