/**
 * CSV: a record is a row with its line end, over several lines where a field is quoted. The header is none: what the
 * columns are called belongs to the source. Blank lines are none.
 *
 * A quote that is never closed would swallow the rest of the source: where a row grows over the limit, only its first
 * line is given up, and reading goes on behind that.
 */
import type { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CsvDialect, CutRecord } from '../records.js';
import { isBlankRow, RowScan } from './csv.js';
import { reportBad, reportDamage, takeRecord } from './cutting.js';
import { skipLine } from './cut-lines.js';
import type { CutLimits } from './limits.js';

const SCAN_BYTES = 256 * 1024;

/** @param hasHeader whether the window begins with the beginning of the source */
export async function* cutCsv(
  window: ContentWindow,
  limits: CutLimits,
  dialect: CsvDialect,
  hasHeader: boolean,
): AsyncGenerator<CutRecord | BadRecord> {
  let isHeader = hasHeader;
  for (;;) {
    if (!(await window.fill(1))) {
      if (window.damage === undefined) return;
      yield await reportDamage(window, window.position, window.fileStart(window.position));
      continue;
    }
    const start = window.position;
    const fileStart = window.fileStart(start);
    const row = await findRowEnd(window, limits.lineBytes, dialect.delimiter);
    if (row.kind === 'too-long') {
      await skipLine(window);
      const detail = `a row that does not end within ${limits.lineBytes} bytes, for example for a quote that is not closed`;
      yield await reportBad(window, start, fileStart, 'too-large', detail);
    } else if (row.kind === 'damage') {
      yield await reportDamage(window, start, fileStart);
    } else if (isBlankRow(window.peek(0, Math.min(row.length, SCAN_BYTES)))) {
      window.skip(Math.min(row.length, SCAN_BYTES));
      continue;
    } else if (isHeader) {
      window.skip(row.length);
    } else {
      yield await takeRecord(window, row.length);
    }
    isHeader = false;
  }
}

type Row =
  | { readonly kind: 'row'; readonly length: number }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'damage' };

/** The next row in memory, its line feed included; the last one may lack it. */
async function findRowEnd(window: ContentWindow, limit: number, delimiter: string): Promise<Row> {
  const scan = new RowScan(delimiter);
  let scanned = 0;
  for (;;) {
    const bytes = window.peek(scanned, SCAN_BYTES);
    const end = scan.end(bytes);
    scanned += end === -1 ? bytes.length : end;
    if (scanned > limit) return { kind: 'too-long' };
    if (end !== -1) return { kind: 'row', length: scanned };
    if (scanned === window.available && !(await window.fill(scanned + 1))) {
      return window.damage === undefined ? { kind: 'row', length: scanned } : { kind: 'damage' };
    }
  }
}
