/**
 * JSONL: a record is a line with its line feed. Blank lines are none. Whether a line is JSON is for the parser to say.
 */
import type { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CutRecord } from '../records.js';
import { reportBad, reportDamage, takeRecord } from './cutting.js';
import type { CutLimits } from './limits.js';

const LINE_FEED = 0x0a;
const SCAN_BYTES = 256 * 1024;

export async function* cutLines(
  window: ContentWindow,
  limits: CutLimits,
): AsyncGenerator<CutRecord | BadRecord> {
  for (;;) {
    if (!(await window.fill(1))) {
      if (window.damage === undefined) return;
      yield await reportDamage(window, window.position, window.fileStart(window.position));
      continue;
    }
    const start = window.position;
    const fileStart = window.fileStart(start);
    const end = await findLineEnd(window, limits.lineBytes);
    if (end.kind === 'too-long') {
      await skipLine(window);
      const detail = `a line of ${window.position - start} bytes; the limit is ${limits.lineBytes}`;
      yield await reportBad(window, start, fileStart, 'too-large', detail);
    } else if (end.kind === 'damage') {
      yield await reportDamage(window, start, fileStart);
    } else if (isBlank(window.peek(0, Math.min(end.length, SCAN_BYTES)))) {
      window.skip(Math.min(end.length, SCAN_BYTES));
    } else {
      yield await takeRecord(window, end.length);
    }
  }
}

type LineEnd =
  | { readonly kind: 'line'; readonly length: number }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'damage' };

/** The next line in memory, its line feed included; the last one may lack it. */
async function findLineEnd(window: ContentWindow, limit: number): Promise<LineEnd> {
  let scanned = 0;
  for (;;) {
    const found = window.peek(scanned, SCAN_BYTES).indexOf(LINE_FEED);
    const length = found === -1 ? undefined : scanned + found + 1;
    if ((length ?? scanned) > limit) return { kind: 'too-long' };
    if (length !== undefined) return { kind: 'line', length };
    scanned = Math.min(scanned + SCAN_BYTES, window.available);
    if (scanned === window.available && !(await window.fill(scanned + 1))) {
      return window.damage === undefined ? { kind: 'line', length: scanned } : { kind: 'damage' };
    }
  }
}

/** Gives up everything up to and with the next line feed. */
export async function skipLine(window: ContentWindow): Promise<void> {
  while (await window.fill(1)) {
    const bytes = window.peek(0, SCAN_BYTES);
    const found = bytes.indexOf(LINE_FEED);
    window.skip(found === -1 ? bytes.length : found + 1);
    if (found >= 0) return;
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}
