/**
 * WARC 1.0 and 1.1 (ISO 28500): cuts records by their Content-Length and finds the next record after whatever does
 * not fit.
 *
 * A record is its header block, its content block and the line ends behind it. A length is believed if line ends, the next
 * record, the end of a gzip member or the end of the source follow the block; else the record is bad up to where the
 * next header begins.
 */
import type { ContentWindow } from '../containers/content-window.js';
import type { BadRecord, CutRecord, Position } from '../records.js';
import { reportBad, reportDamage, takeRecord } from './cutting.js';
import type { CutLimits } from './limits.js';

const MAGIC = 'WARC/';
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SCAN_BYTES = 256 * 1024;
/** The version line up to what tells it from a mention of WARC in a text. */
const HEADER_LINE = /^WARC\/[01]\.\d/;
/** The same where it begins in the middle of a line, behind garbage: a field of the header must follow. */
const HEADER_LINES = /^WARC\/[01]\.\d\r?\n(?:WARC|Content)-/i;
const HEADER_LINE_BYTES = 'WARC/1.0\r\nContent-'.length;
/** Line ends behind a record beyond the two that belong there, so that a member with a few more stays one record. */
const EXTRA_LINE_END_BYTES = 16;
const CONTENT_LENGTH = /^content-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r?$/im;

export function startsWarcRecord(content: Buffer): boolean {
  return content.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC));
}

/**
 * Returns where to open the source again, if going on takes bytes that were given up: a record that claimed to be
 * too large to be held in memory, and hid others.
 */
export async function* cutWarc(
  window: ContentWindow,
  limits: CutLimits,
): AsyncGenerator<CutRecord | BadRecord, Position | undefined> {
  for (;;) {
    await skipLineEnds(window);
    const start = window.position;
    const fileStart = window.fileStart(start);
    if (!(await window.fill(MAGIC.length)) && window.damage !== undefined) {
      yield await reportDamage(window, start, fileStart);
      continue;
    }
    if (window.available === 0) return undefined;
    if (!startsWarcRecord(window.peek(0, MAGIC.length))) {
      await skipToHeader(window, 0);
      yield await reportBad(window, start, fileStart, 'garbage', 'bytes that are no WARC record');
      continue;
    }
    const header = await readHeader(window, limits.headerBytes);
    if (header.kind === 'end') {
      yield await reportEnd(window, start, fileStart, 'the source ends in a WARC header');
      continue;
    }
    if (header.kind === 'bad') {
      await skipToHeader(window, 1);
      yield await reportBad(window, start, fileStart, 'header', header.detail);
      continue;
    }
    const { headerBytes, contentBytes } = header;
    const length = headerBytes + contentBytes;
    if (length > limits.recordBytes) {
      const passed = await passRecord(window, length, fileStart);
      if (passed.hidden !== undefined) {
        yield passed.hidden;
        return passed.hidden.next;
      }
      const detail = `a record of ${length} bytes; the limit is ${limits.recordBytes}`;
      yield await reportBad(window, start, fileStart, passed.reason, detail);
      continue;
    }
    const isWhole = await window.fill(length);
    const end = isWhole ? await recordEnd(window, length) : undefined;
    if (end !== undefined) {
      yield await takeRecord(window, end);
      continue;
    }
    const inner = findHeader(window, headerBytes, Math.min(length, window.available));
    if (inner === undefined && !isWhole) {
      yield await reportEnd(window, start, fileStart, `the source ends in a block of ${contentBytes} bytes`);
      continue;
    }
    await skipToHeader(window, inner ?? length);
    const detail = `Content-Length ${contentBytes} does not fit where the next record begins`;
    yield await reportBad(window, start, fileStart, 'length', detail);
  }
}

async function skipLineEnds(window: ContentWindow): Promise<void> {
  while (await window.fill(1)) {
    const bytes = window.peek(0, 64);
    const used = bytes.findIndex((byte) => byte !== LINE_FEED && byte !== CARRIAGE_RETURN);
    window.skip(used === -1 ? bytes.length : used);
    if (used >= 0) return;
  }
}

type Header =
  | { readonly kind: 'header'; readonly headerBytes: number; readonly contentBytes: number }
  | { readonly kind: 'bad'; readonly detail: string }
  | { readonly kind: 'end' };

async function readHeader(window: ContentWindow, limit: number): Promise<Header> {
  let wanted = 1024;
  for (;;) {
    const isThere = await window.fill(wanted);
    const bytes = window.peek(0, Math.min(wanted, limit));
    const headerBytes = headerLength(bytes);
    if (headerBytes !== undefined) {
      const match = CONTENT_LENGTH.exec(bytes.toString('latin1', 0, headerBytes));
      if (match === null) return { kind: 'bad', detail: 'a WARC header without a usable Content-Length' };
      return { kind: 'header', headerBytes, contentBytes: Number(match[1]) };
    }
    if (wanted >= limit) return { kind: 'bad', detail: `a WARC header of more than ${limit} bytes` };
    if (!isThere) return { kind: 'end' };
    wanted = Math.min(limit, wanted * 8);
  }
}

/** Length of a header block with the empty line that ends it. */
function headerLength(bytes: Buffer): number | undefined {
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, end + 1)) {
    if (bytes[end + 1] === LINE_FEED) return end + 2;
    if (bytes[end + 1] === CARRIAGE_RETURN && bytes[end + 2] === LINE_FEED) return end + 3;
  }
  return undefined;
}

/** Length of the record whose block ends at `length`, with the line ends behind it; undefined if that cannot be. */
async function recordEnd(window: ContentWindow, length: number): Promise<number | undefined> {
  let end = length;
  let lines = 0;
  let isMemberEnd = false;
  for (;;) {
    isMemberEnd = await window.isBoundary(window.position + end);
    // The line ends behind a block may be in the next member; more than those belong to nothing.
    if (isMemberEnd && lines >= 2) return end;
    if (!(await window.fill(end + 1))) return end;
    const byte = window.peek(end, 1)[0];
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) break;
    if (end - length === 4 + EXTRA_LINE_END_BYTES) break;
    lines += byte === LINE_FEED ? 1 : 0;
    end += 1;
  }
  await window.fill(end + MAGIC.length);
  const isFollowed = isMemberEnd || startsWarcRecord(window.peek(end, MAGIC.length));
  return lines >= 2 || isFollowed ? end : undefined;
}

/** Reports a record that the source or damage cuts off. */
async function reportEnd(
  window: ContentWindow,
  start: number,
  fileStart: number | undefined,
  detail: string,
): Promise<BadRecord> {
  if (window.damage !== undefined) return reportDamage(window, start, fileStart);
  window.skip(window.available);
  return reportBad(window, start, fileStart, 'truncated', detail);
}

/**
 * Offset, from the window's position, of the first header line that begins at `from` or later and before `to`.
 * It begins a line or a gzip member, or is followed by a header's field.
 */
function findHeader(window: ContentWindow, from: number, to: number): number | undefined {
  for (let offset = from; offset < to; offset += SCAN_BYTES) {
    const lead = offset > 0 ? 1 : 0;
    const bytes = window.peek(offset - lead, lead + SCAN_BYTES + HEADER_LINE_BYTES);
    for (let at = bytes.indexOf(MAGIC, lead); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
      const found = offset - lead + at;
      if (found >= to) break;
      const begins = bytes[at - 1] === LINE_FEED || window.startsMember(window.position + found);
      const line = bytes.toString('latin1', at, at + HEADER_LINE_BYTES);
      if ((begins ? HEADER_LINE : HEADER_LINES).test(line)) return found;
    }
  }
  return undefined;
}

/** Goes forward to the next header line, at least `least` bytes away, to damage, or to the end. */
async function skipToHeader(window: ContentWindow, least: number): Promise<void> {
  let from = least;
  for (;;) {
    const isEnd = !(await window.fill(from + SCAN_BYTES));
    // A header line that is not in memory as a whole is left for the next step, with the byte before it.
    const to = isEnd ? window.available : window.available - HEADER_LINE_BYTES;
    const found = findHeader(window, from, to);
    window.skip(found ?? (isEnd ? to : to - 1));
    if (found !== undefined || isEnd) return;
    from = 1;
  }
}

interface Passed {
  readonly reason: 'too-large' | 'length' | 'truncated';
  /** The record up to the first header line inside of it, if its length is wrong and there is one that was passed. */
  readonly hidden?: BadRecord;
}

/** Passes a record of `length` bytes without holding it. If its length is wrong, goes to the next header line. */
async function passRecord(
  window: ContentWindow,
  length: number,
  fileStart: number | undefined,
): Promise<Passed> {
  const start = window.position;
  let hidden: BadRecord | undefined;
  let left = length;
  while (left > 0 && (await window.fill(Math.min(left, SCAN_BYTES)))) {
    const step = Math.min(left, SCAN_BYTES);
    const inner = hidden === undefined ? findHeader(window, 1, step) : undefined;
    if (inner !== undefined) {
      const place = await window.place(start, window.position + inner, fileStart);
      const next = await window.resumeAt(window.position + inner);
      hidden = {
        kind: 'bad',
        ...place,
        reason: 'length',
        detail: 'Content-Length runs over later records',
        next,
      };
    }
    // The last bytes stay for the next step: a header line may begin in them.
    const given = left > step ? step - HEADER_LINE_BYTES : step;
    window.skip(given);
    left -= given;
  }
  const end = left === 0 ? await recordEnd(window, 0) : undefined;
  if (end !== undefined) {
    window.skip(end);
    return { reason: 'too-large' };
  }
  if (hidden === undefined) await skipToHeader(window, 1);
  return { reason: window.available > 0 ? 'length' : 'truncated', hidden };
}
