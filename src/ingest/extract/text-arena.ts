/**
 * The text of a page in UTF-8, whitespace collapsed, all blocks end to end in one buffer.
 *
 * Text is copied into it byte by byte as it is read and becomes a string only where somebody asks for it: most of a
 * page is menus and footers that are judged by their sizes. Invariant: what is written is valid UTF-8, because it is
 * cut at ASCII bytes of a valid page.
 */
import { decodeHTML } from 'entities';

/** Longest run of a named character reference that is looked at: the longest name has 31 letters. */
const MAX_REFERENCE = 40;
/** Names of references that a page repeats; more than these are decoded again each time. */
const MAX_KNOWN_REFERENCES = 4096;

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const AMPERSAND = 0x26;
const HASH = 0x23;
const SEMICOLON = 0x3b;

/**
 * Marks of what runs within a line, for output that shows it: control characters, which no text has. Openings are odd,
 * the closing of each is one more. A link's address is the next of `PageTree.links` where it closes.
 */
export const MARK = { strong: 1, emphasis: 3, code: 5, link: 7 } as const;
// oxlint-disable-next-line no-control-regex
const MARKS = /[\u0001-\u0008]/g;
const LAST_MARK = 8;

const BLANK_LINES = /^(?:[ \t\r]*\n)+/;

export class TextArena {
  private readonly page: Buffer;
  private readonly withMarks: boolean;
  private bytes: Buffer;
  private used = 0;
  private blockStart = 0;
  /** Characters of the current block, ideographs counted as three. */
  private size = 0;
  /** A space, or a line break, to be written if more text follows. */
  private pending: 0 | typeof SPACE | typeof LINE_FEED = 0;
  /** Nothing but space and marks was added to the current block. */
  isEmpty = true;

  constructor(page: Buffer, withMarks: boolean) {
    this.page = page;
    this.withMarks = withMarks;
    this.bytes = Buffer.allocUnsafeSlow(page.length + (page.length >> 2) + 64);
  }

  /** Adds text with character references; whitespace is collapsed unless it is preformatted. */
  addText(start: number, end: number, isPreformatted: boolean): void {
    const { page } = this;
    let from = start;
    for (let at = start; at < end; at++) {
      if (page[at] !== AMPERSAND) continue;
      this.copy(page, from, at, isPreformatted);
      from = this.addReference(at, end, isPreformatted);
      at = from - 1;
    }
    if (from < end) this.copy(page, from, end, isPreformatted);
  }

  /** Adds text in which nothing is a reference. */
  addRaw(start: number, end: number): void {
    this.copy(this.page, start, end, true);
  }

  addLineBreak(isPreformatted: boolean): void {
    if (this.isEmpty) return;
    if (isPreformatted) this.write(LINE_FEED);
    else this.pending = LINE_FEED;
  }

  /** A space before it belongs before an opening and behind a closing. */
  addMark(mark: number): void {
    if (mark % 2 === 1 && this.pending !== 0) {
      if (!this.isEmpty) this.write(this.pending);
      this.pending = 0;
    }
    this.reserve(1);
    this.bytes[this.used++] = mark;
  }

  /** Ends the block and says where it is; undefined where nothing but space was added. */
  endBlock(): { start: number; end: number; size: number } | undefined {
    const { blockStart, isEmpty, size } = this;
    const end = this.used;
    this.blockStart = end;
    this.isEmpty = true;
    this.size = 0;
    this.pending = 0;
    return isEmpty ? undefined : { start: blockStart, end, size };
  }

  textOf(start: number, end: number, isPreformatted: boolean): string {
    const text = this.markedOf(start, end, isPreformatted);
    return this.withMarks ? text.replace(MARKS, '') : text;
  }

  markedOf(start: number, end: number, isPreformatted: boolean): string {
    const text = this.bytes.toString('utf8', start, end);
    return isPreformatted ? text.replace(BLANK_LINES, '').trimEnd() : text.trim();
  }

  private write(byte: number): void {
    this.reserve(1);
    this.bytes[this.used++] = byte;
    this.size += 1;
  }

  /** Copies text as it is read: one space for several, none at the ends of lines, no hints for breaking lines. */
  private copy(from: Uint8Array, start: number, end: number, isPreformatted: boolean): void {
    this.reserve(end - start + 1);
    const { bytes, withMarks } = this;
    let { used, size, pending, isEmpty } = this;
    for (let at = start; at < end; at++) {
      const byte = from[at];
      if (byte < 0x80) {
        if (byte <= SPACE) {
          if (isPreformatted) {
            if (byte > SPACE - 1 || byte === LINE_FEED || byte === 0x09) {
              bytes[used++] = byte;
              size += 1;
              continue;
            }
          } else if (byte === SPACE || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b)) {
            if (pending === 0) pending = SPACE;
            continue;
          }
          if (withMarks && byte <= LAST_MARK) continue;
        }
      } else if (byte < 0xc0) {
        bytes[used++] = byte;
        continue;
      } else {
        const second = from[at + 1];
        if (byte === 0xc2) {
          // No-break space means nothing to a text without lines; a soft hyphen is a hint.
          if (second === 0xa0) {
            at += 1;
            if (isPreformatted) {
              bytes[used++] = SPACE;
              size += 1;
            } else if (pending === 0) pending = SPACE;
            continue;
          }
          if (second === 0xad) {
            at += 1;
            continue;
          }
        } else if (byte === 0xe2) {
          // Zero-width space, word joiner.
          if ((second === 0x80 && from[at + 2] === 0x8b) || (second === 0x81 && from[at + 2] === 0xa0)) {
            at += 2;
            continue;
          }
          if (second >= 0xba) size += 2;
        } else if (byte >= 0xe3 && byte <= 0xed) {
          // The ideographic space that begins a paragraph.
          if (byte === 0xe3 && second === 0x80 && from[at + 2] === 0x80 && isEmpty) {
            at += 2;
            continue;
          }
          if (byte !== 0xea || second >= 0xb0) size += 2;
        } else if (byte === 0xef) {
          // Byte order mark.
          if (second === 0xbb && from[at + 2] === 0xbf) {
            at += 2;
            continue;
          }
          if (second >= 0xa4 && second <= 0xab) size += 2;
        } else if (byte >= 0xf0) {
          size += 1;
        }
      }
      if (pending !== 0) {
        if (!isEmpty) {
          bytes[used++] = pending;
          size += 1;
        }
        pending = 0;
      }
      isEmpty = false;
      bytes[used++] = byte;
      size += 1;
    }
    this.used = used;
    this.size = size;
    this.pending = pending;
    this.isEmpty = isEmpty;
  }

  /** A character reference (HTML Standard, 13.2.5.72), or the ampersand by itself. Returns where text goes on. */
  private addReference(at: number, limit: number, isPreformatted: boolean): number {
    const { page } = this;
    const isNumber = page[at + 1] === HASH;
    let end = at + (isNumber ? 2 : 1);
    if (isNumber) {
      const isHex = (page[end] | 0x20) === 0x78;
      if (isHex) end += 1;
      const digits = end;
      while (end < limit && isDigit(page[end], isHex)) end += 1;
      if (end === digits) {
        this.copy(page, at, end, isPreformatted);
        return end;
      }
    } else {
      const last = Math.min(limit, at + MAX_REFERENCE);
      while (end < last && isAlphanumeric(page[end])) end += 1;
      if (end === at + 1) {
        this.copy(page, at, end, isPreformatted);
        return end;
      }
    }
    if (end < limit && page[end] === SEMICOLON) end += 1;
    const text = decodeReference(
      // A number of more digits is taken to be beyond Unicode.
      end - at <= MAX_REFERENCE ? page.toString('latin1', at, end) : '&#xFFFD;',
    );
    this.copy(text, 0, text.length, isPreformatted);
    return end;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.bytes.length) return;
    const bytes = Buffer.allocUnsafeSlow(this.bytes.length * 2 + count);
    this.bytes.copy(bytes, 0, 0, this.used);
    this.bytes = bytes;
  }
}

const known = new Map<string, Uint8Array>();

function decodeReference(reference: string): Uint8Array {
  let bytes = known.get(reference);
  if (bytes === undefined) {
    bytes = Buffer.from(decodeHTML(reference));
    if (known.size < MAX_KNOWN_REFERENCES) known.set(reference, bytes);
  }
  return bytes;
}

function isDigit(byte: number, isHex: boolean): boolean {
  if (byte >= 0x30 && byte <= 0x39) return true;
  const lower = byte | 0x20;
  return isHex && lower >= 0x61 && lower <= 0x66;
}

function isAlphanumeric(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
