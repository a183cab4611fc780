/**
 * Comma-separated values (RFC 4180) and their relatives with other delimiters: where a row ends, what its fields are,
 * and what a file's header and delimiter are.
 *
 * Read as most programs read it: a quote opens a field only at its beginning, in it two quotes are one, and what
 * follows the closing quote up to the delimiter belongs to the field.
 */
import type { CsvDialect } from '../records.js';
import { TEXT_FIELDS } from './fields.js';

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DELIMITERS = [',', '\t', ';', '|'];
/** Rows of the head that are compared to find the delimiter. */
const SNIFFED_ROWS = 20;
const MAX_COLUMNS = 10_000;

/** State of a scan for the end of a row that goes on over several pieces of bytes. */
export class RowScan {
  private readonly delimiter: number;
  private state: 'start' | 'plain' | 'quoted' | 'quote' = 'start';

  constructor(delimiter: string) {
    this.delimiter = delimiter.charCodeAt(0);
  }

  /** Offset behind the line feed that ends the row; -1 where the row goes on behind these bytes. */
  end(bytes: Uint8Array): number {
    const { delimiter } = this;
    let { state } = this;
    let i = 0;
    while (i < bytes.length) {
      if (state === 'quoted') {
        i = bytes.indexOf(QUOTE, i);
        if (i === -1) break;
        state = 'quote';
        i += 1;
        continue;
      }
      const byte = bytes[i];
      i += 1;
      if (byte === LINE_FEED) {
        this.state = 'start';
        return i;
      }
      if (byte === QUOTE) state = state === 'plain' ? 'plain' : 'quoted';
      else state = byte === delimiter ? 'start' : 'plain';
    }
    this.state = state;
    return -1;
  }
}

/** The fields of one row, its line end included or not; undefined where they are too many. */
export function parseCsvRow(row: string, delimiter: string): string[] | undefined {
  const text = row.replace(/\r?\n$/, '');
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    let value = '';
    if (text.charCodeAt(position) === QUOTE) {
      position += 1;
      for (;;) {
        const quote = text.indexOf('"', position);
        value += text.slice(position, quote === -1 ? undefined : quote);
        position = quote === -1 ? text.length : quote + 1;
        if (text.charCodeAt(position) !== QUOTE) break;
        value += '"';
        position += 1;
      }
    }
    const found = text.indexOf(delimiter, position);
    value += text.slice(position, found === -1 ? undefined : found);
    fields.push(value);
    if (fields.length > MAX_COLUMNS) return undefined;
    if (found === -1) return fields;
    position = found + 1;
  }
}

/** The first rows of a head, whole ones only unless the head has no whole row. */
function firstRows(head: Buffer, delimiter: string): string[] {
  const rows: string[] = [];
  const scan = new RowScan(delimiter);
  let start = 0;
  while (rows.length < SNIFFED_ROWS && start < head.length) {
    const end = scan.end(head.subarray(start));
    if (end === -1) break;
    const row = head.toString('utf8', start, start + end);
    if (row.trim() !== '') rows.push(row);
    start += end;
  }
  if (rows.length === 0 && start < head.length) rows.push(head.toString('utf8', start));
  return rows;
}

/**
 * Delimiter and columns of a file that begins with `head`: the delimiter that cuts the most of the first rows into as
 * many fields as the header, of equal ones that which gives more columns.
 */
export function sniffCsv(head: Buffer): CsvDialect {
  let best = { score: -1, delimiter: ',', columns: [] as string[] };
  for (const delimiter of DELIMITERS) {
    const rows = firstRows(head, delimiter).map((row) => parseCsvRow(row, delimiter) ?? []);
    if (rows.length === 0) continue;
    const columns = rows[0].map((name) => name.replace(/^\uFEFF/, '').trim());
    const agreeing = rows.filter(({ length }) => length === columns.length).length / rows.length;
    const score = columns.length === 1 ? 0 : agreeing * columns.length ** 0.25;
    if (score > best.score) best = { score, delimiter, columns };
  }
  return { delimiter: best.delimiter, columns: best.columns };
}

const COLUMN_NAME = /^[\p{L}_][\p{L}\p{N}_ .-]{0,63}$/u;

/** Whether a head is CSV by its content alone: a header of names, one of them that of a text, and rows like it. */
export function looksLikeCsv(head: Buffer): boolean {
  // A quick look first, since this is asked of every text: its first line must name a text column.
  const lineEnd = head.indexOf(LINE_FEED);
  const line = head.toString('utf8', 0, Math.min(lineEnd === -1 ? 0 : lineEnd, 4096));
  if (!TEXT_FIELDS.some((name) => line.includes(name))) return false;
  const { delimiter, columns } = sniffCsv(head);
  if (columns.length < 2 || !columns.every((name) => COLUMN_NAME.test(name))) return false;
  if (!columns.some((name) => TEXT_FIELDS.includes(name))) return false;
  const rows = firstRows(head, delimiter).map((row) => parseCsvRow(row, delimiter)?.length);
  return rows.length > 1 && rows.every((length) => length === columns.length);
}

/** Whether bytes hold nothing but line ends and spaces. */
export function isBlankRow(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === LINE_FEED || byte === CARRIAGE_RETURN);
}
