/**
 * What the readers hand on: sources, the records cut out of them, and what parsing makes of a record.
 *
 * Invariant: a record's place (`space`, `offset`, `length`) depends on the source alone, never on where reading
 * began or how the bytes arrived; reading again from `next` gives exactly the records that would have followed.
 * Offsets and lengths are bytes, but in space `row`, where they are rows.
 */

export const FORMATS = ['warc', 'wet', 'wat', 'jsonl', 'csv', 'parquet', 'text', 'markdown', 'html'] as const;

export type Format = (typeof FORMATS)[number];

/** Whether a file of the format is one document. */
export function isWholeFile(format: Format): boolean {
  return format === 'text' || format === 'markdown' || format === 'html';
}

/** Fields that a person named: a field, or a path of fields with dots between them (`meta.url`). */
export interface FieldNames {
  readonly text?: string;
  readonly id?: string;
  readonly url?: string;
}

/** Of CSV: the delimiter, one ASCII character, and the names of the columns from the header row. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly columns: readonly string[];
}

/** How the records of a source are to be read: what parsing must know beside their bytes. */
export interface Layout {
  readonly format: Format;
  /** Fields that a person named, for formats that have fields. */
  readonly fields?: FieldNames;
  /** Of a CSV file, from its beginning. */
  readonly csv?: CsvDialect;
}

/** Of an archive, whose members are sources of their own. */
export interface ArchiveLayout {
  readonly format: 'tar';
}

/** A record above this is skipped as a stream and never held in memory. */
export const MAX_RECORD_BYTES = 64_000_000;
/** Header block of a WARC record, or of an HTTP message in it. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** One line of JSONL, one row of CSV or Parquet. */
export const MAX_LINE_BYTES = 64_000_000;
/** A text or HTML file is one document, so the file has a limit. */
export const MAX_TEXT_FILE_BYTES = 64_000_000;
/** A decoded HTTP body: a few kB of gzip can decode to gigabytes. */
export const MAX_BODY_BYTES = 64_000_000;

export interface Source {
  /** As given; goes into lineage and document ids. */
  name: string;
  /** What to open: a path, an address, a member of an archive; `-` is standard input. */
  location: string;
  /** Where it lies for lineage, where that is another place: `location` is a copy then. */
  origin?: string;
  size: number | null;
  modifiedMs: number | null;
}

export type Space = 'file' | 'content' | 'row';

/**
 * Where reading goes on. `file`: offset in the file (of a compressed one a boundary of gzip members or frames, of a
 * plain one any byte); `content`: offset in the decompressed content; `row`: number of a row of a Parquet file.
 */
export interface Position {
  space: Space;
  offset: number;
}

/**
 * One record cut out of a source. `bytes` are its decompressed bytes; `offset` and `length` tell where it lies: in
 * space `file` the byte range of the file (of a compressed one a run of whole gzip members or frames), in space
 * `content` the range of the decompressed content, in space `row` one row by its number.
 */
export interface CutRecord {
  kind: 'record';
  space: Space;
  offset: number;
  length: number;
  bytes: Uint8Array;
  next: Position;
}

/** Why something could not be cut or parsed. */
export const BAD_REASONS = {
  truncated: 'the source ends in the middle of a record or of compressed data',
  garbage: 'bytes that are no record, or compressed data that does not decompress',
  checksum: 'compressed content that its checksum or its size refutes',
  header: 'a WARC header without a usable Content-Length, or without an end',
  length: 'a WARC record whose Content-Length does not fit where the next record begins',
  'too-large': 'a record, line, file or decoded body above its limit',
  json: 'a line that is not a JSON object',
  csv: 'a row of CSV with more fields than the header',
  'no-text': 'a JSON object or row without a text',
  encoding: 'a text that is binary data',
  digest: 'a WARC record whose digest refutes its block',
  http: 'a response without HTTP status line, or a body that does not decode',
  'extract-timeout': 'a document that takes longer to be read than the dataset allows',
} as const;

export type BadReason = keyof typeof BAD_REASONS;

/** Something that could not be cut; reading goes on behind it. */
export interface BadRecord {
  kind: 'bad';
  space: Space;
  offset: number;
  length: number;
  reason: BadReason;
  detail: string;
  next: Position;
}

/** What an HTML page says of itself, beside title and language. */
export interface PageInfo {
  /** Names, separated by commas. */
  readonly author: string | null;
  /** When it was published: a date or a time of ISO 8601. */
  readonly published: string | null;
  readonly canonicalUrl: string | null;
  readonly siteName: string | null;
  /** Directives for robots of the page and of its HTTP header: `noai, noindex`. */
  readonly robots: string | null;
}

/** A part of a source that holds nothing that is read; counted by `reason`. */
export interface SkippedRecord {
  kind: 'other';
  space: Space;
  offset: number;
  length: number;
  reason: string;
  next: Position;
}

export interface ParsedDocument {
  kind: 'document';
  url: string | null;
  date: string | null;
  title: string | null;
  mime: string | null;
  /** WHATWG name of the encoding that the text was decoded with. */
  charset: string | null;
  /** As the document declares it. */
  language: string | null;
  text: string;
  /** The document's own id, where it has one. */
  id?: string;
  /** Of an HTML page. */
  page?: PageInfo;
  /** WARC-Payload-Digest of its record. */
  payloadDigest?: string;
}

/** A record that is well formed and no document; counted by `reason`. */
export interface NonDocument {
  kind: 'other';
  reason: string;
}

export interface BadDocument {
  kind: 'bad';
  reason: BadReason;
  detail: string;
}
