/**
 * Bytes of a page -> tags and text, as the HTML Standard tokenizes them (section 13.2.5), in one pass.
 *
 * Input is valid UTF-8, in which every byte of HTML's syntax stands for itself. Comments, declarations and the
 * contents of scripts are skipped by native searches. Invariants: every byte is looked at a bounded number of times,
 * whatever is left open; nothing is copied. Character references are left to whoever takes the text.
 */
import { Attributes } from './attributes.js';
import { hashByte } from './name-table.js';
import { CUSTOM, TAGS, UNKNOWN, type Tag } from './tags.js';

/** Takes what the tokenizer finds, in order. */
export interface TokenSink {
  startTag(tag: Tag, attributes: Attributes): void;
  endTag(tag: Tag): void;
  /** Text with character references in it. */
  text(start: number, end: number): void;
  /** Content of an element whose text has no markup in it: `script`, `style`, `title`, ... */
  content(tag: Tag, start: number, end: number): void;
  /** Whether an `svg` or `math` element is open: in those, CDATA sections are text and `title` has markup. */
  isForeign(): boolean;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const FORM_FEED = 0x0c;
const RETURN = 0x0d;
const SPACE = 0x20;
const BANG = 0x21;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const DASH = 0x2d;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const BRACKET = 0x5b;

const SLASH_SCRIPT = Buffer.from('/script');
const CDATA = Buffer.from('[CDATA[');

export function tokenizeHtml(bytes: Buffer, sink: TokenSink): void {
  new HtmlTokenizer(bytes, sink).run();
}

class HtmlTokenizer {
  private readonly bytes: Buffer;
  private readonly sink: TokenSink;
  private readonly attributes: Attributes;
  /** Where the next `--!>` is, so that a page of many comments is not searched for it from each. */
  private nextBangEnd = -1;

  constructor(bytes: Buffer, sink: TokenSink) {
    this.bytes = bytes;
    this.sink = sink;
    this.attributes = new Attributes(bytes);
  }

  run(): void {
    const { bytes, sink } = this;
    const { length } = bytes;
    let position = 0;
    let textStart = 0;
    while (position < length) {
      while (position < length && bytes[position] !== LESS) position += 1;
      if (position + 1 >= length) break;
      const next = bytes[position + 1];
      if (isLetter(next)) {
        if (position > textStart) sink.text(textStart, position);
        position = this.startTag(position + 1);
      } else if (next === SLASH) {
        const third = position + 2 < length ? bytes[position + 2] : 0;
        if (position + 2 >= length) break;
        if (position > textStart) sink.text(textStart, position);
        position = isLetter(third) ? this.endTag(position + 2) : this.skipTo(GREATER, position + 2);
      } else if (next === BANG || next === QUESTION) {
        if (position > textStart) sink.text(textStart, position);
        position = this.declaration(position + 1);
      } else {
        position += 1;
        continue;
      }
      textStart = position;
    }
    if (textStart < length) sink.text(textStart, length);
  }

  /** @param start of the name. Returns where the next token begins. A tag that the page breaks off is none. */
  private startTag(start: number): number {
    const { bytes } = this;
    this.attributes.seen = 0;
    let position = start;
    let hash = 0;
    let hasDash = false;
    for (; position < bytes.length; position++) {
      const byte = bytes[position];
      if (byte <= GREATER && (byte === GREATER || byte === SLASH || isSpace(byte))) break;
      if (byte === DASH) hasDash = true;
      hash = hashByte(hash, byte);
    }
    const tag = TAGS.find(bytes, start, position, hash) ?? (hasDash ? CUSTOM : UNKNOWN);
    const end = bytes[position] === GREATER ? position + 1 : this.skipAttributes(position);
    if (end === -1 || position >= bytes.length) return bytes.length;
    this.sink.startTag(tag, this.attributes);
    if (tag.content === 'markup' || this.sink.isForeign()) return end;
    return this.content(tag, end);
  }

  private endTag(start: number): number {
    const { bytes } = this;
    let position = start;
    let hash = 0;
    let hasDash = false;
    for (; position < bytes.length; position++) {
      const byte = bytes[position];
      if (byte <= GREATER && (byte === GREATER || byte === SLASH || isSpace(byte))) break;
      if (byte === DASH) hasDash = true;
      hash = hashByte(hash, byte);
    }
    const tag = TAGS.find(bytes, start, position, hash) ?? (hasDash ? CUSTOM : UNKNOWN);
    const end = bytes[position] === GREATER ? position + 1 : this.skipAttributes(position);
    if (end === -1 || position >= bytes.length) return bytes.length;
    this.sink.endTag(tag);
    return end;
  }

  /** Reads attributes up to the end of the tag and returns where that is, -1 where the page ends before. */
  private skipAttributes(from: number): number {
    const { bytes, attributes } = this;
    const { length } = bytes;
    let position = from;
    while (position < length) {
      const byte = bytes[position];
      if (byte === GREATER) return position + 1;
      if (byte === SLASH || isSpace(byte)) {
        position += 1;
        continue;
      }
      // A name, which may begin with an equals sign.
      const nameStart = position;
      let hash = hashByte(0, byte);
      for (position += 1; position < length; position++) {
        const next = bytes[position];
        if (next <= GREATER && (next === EQUALS || next === GREATER || next === SLASH || isSpace(next)))
          break;
        hash = hashByte(hash, next);
      }
      const nameEnd = position;
      while (position < length && isSpace(bytes[position])) position += 1;
      if (position >= length) return -1;
      if (bytes[position] !== EQUALS) {
        attributes.add(nameStart, nameEnd, hash, nameEnd, nameEnd);
        continue;
      }
      position += 1;
      while (position < length && isSpace(bytes[position])) position += 1;
      if (position >= length) return -1;
      const quote = bytes[position];
      let start = position;
      if (quote === DOUBLE_QUOTE || quote === SINGLE_QUOTE) {
        start += 1;
        position += 1;
        while (position < length && bytes[position] !== quote) position += 1;
        if (position >= length) return -1;
        attributes.add(nameStart, nameEnd, hash, start, position);
        position += 1;
      } else {
        while (position < length && bytes[position] !== GREATER && !isSpace(bytes[position])) position += 1;
        attributes.add(nameStart, nameEnd, hash, start, position);
      }
    }
    return -1;
  }

  /** Content without markup, up to the end tag of its element; returns where that begins, or the end of the page. */
  private content(tag: Tag, start: number): number {
    const end = tag.name === 'script' ? this.scriptEnd(start) : this.rawEnd(tag, start);
    if (end > start) this.sink.content(tag, start, end);
    return end;
  }

  private rawEnd(tag: Tag, start: number): number {
    const { bytes } = this;
    const name = tag.endName;
    for (let at = bytes.indexOf(LESS, start); at !== -1; at = bytes.indexOf(LESS, at + 1)) {
      if (this.isName(at + 1, name)) return at;
    }
    return bytes.length;
  }

  /** A script may hold `<!-- <script> ... </script> -->` (script data escaped states, 13.2.5.15 to 13.2.5.31). */
  private scriptEnd(start: number): number {
    const { bytes } = this;
    let escaped = false;
    let isDouble = false;
    let commentEnd = -1;
    for (let at = bytes.indexOf(LESS, start); at !== -1; at = bytes.indexOf(LESS, at + 1)) {
      if (escaped && commentEnd !== -1 && commentEnd < at) {
        escaped = false;
        isDouble = false;
      }
      const next = bytes[at + 1];
      if (next === SLASH) {
        if (!this.isName(at + 1, SLASH_SCRIPT)) continue;
        if (!isDouble) return at;
        isDouble = false;
      } else if (next === BANG) {
        if (escaped || bytes[at + 2] !== DASH || bytes[at + 3] !== DASH) continue;
        escaped = true;
        // `<!-->` is whole.
        commentEnd = bytes.indexOf('-->', at + 2, 'latin1');
      } else if (escaped && !isDouble && this.isName(at + 1, SCRIPT)) {
        isDouble = true;
      }
    }
    return bytes.length;
  }

  /** Whether a name stands here, in any case, and ends as the name of a tag does. */
  private isName(start: number, name: Uint8Array): boolean {
    const { bytes } = this;
    const end = start + name.length;
    if (end >= bytes.length) return false;
    for (let i = 0; i < name.length; i++) {
      const byte = bytes[start + i];
      if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
    }
    const after = bytes[end];
    return after === GREATER || after === SLASH || isSpace(after);
  }

  /** @param start of the `!` or `?` of a comment, a declaration or a CDATA section */
  private declaration(start: number): number {
    const { bytes } = this;
    if (bytes[start] === BANG && bytes[start + 1] === DASH && bytes[start + 2] === DASH)
      return this.comment(start + 3);
    if (
      bytes[start + 1] === BRACKET &&
      bytes.subarray(start + 1, start + 1 + CDATA.length).equals(CDATA) &&
      this.sink.isForeign()
    ) {
      const end = bytes.indexOf(']]>', start, 'latin1');
      return end === -1 ? bytes.length : end + 3;
    }
    return this.skipTo(GREATER, start + 1);
  }

  private comment(start: number): number {
    const { bytes } = this;
    if (bytes[start] === GREATER) return start + 1;
    if (bytes[start] === DASH && bytes[start + 1] === GREATER) return start + 2;
    const end = bytes.indexOf('-->', start, 'latin1');
    const limit = end === -1 ? bytes.length : end;
    if (this.nextBangEnd < start) {
      const found = bytes.indexOf('--!>', start, 'latin1');
      this.nextBangEnd = found === -1 ? bytes.length : found;
    }
    if (this.nextBangEnd < limit) return this.nextBangEnd + 4;
    return end === -1 ? bytes.length : end + 3;
  }

  private skipTo(byte: number, start: number): number {
    const found = this.bytes.indexOf(byte, start);
    return found === -1 ? this.bytes.length : found + 1;
  }
}

const SCRIPT = Buffer.from('script');

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isSpace(byte: number): boolean {
  return (
    byte <= SPACE &&
    (byte === SPACE || byte === LINE_FEED || byte === TAB || byte === RETURN || byte === FORM_FEED)
  );
}
