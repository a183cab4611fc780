/** The attributes of one tag: where the values of those that matter lie in the page; strings are made when asked for. */
import { decodeHTMLAttribute } from 'entities';
import { hintsOf } from './names.js';
import { NameTable } from './name-table.js';

/** Value of one attribute; the rest is ignored. In bytes. */
export const MAX_ATTRIBUTE_BYTES = 2000;

/** Attributes that are read; each is a bit in `seen`. */
export const ATTRIBUTE = {
  class: 0,
  id: 1,
  role: 2,
  itemprop: 3,
  style: 4,
  hidden: 5,
  'aria-hidden': 6,
  href: 7,
  lang: 8,
  name: 9,
  property: 10,
  content: 11,
  datetime: 12,
  'http-equiv': 13,
  rel: 14,
  type: 15,
  'xml:lang': 16,
} as const;

export type AttributeName = keyof typeof ATTRIBUTE;

const COUNT = Object.keys(ATTRIBUTE).length;
const NAMES = new NameTable<number>(Object.entries(ATTRIBUTE));

/** Longest name in the table; a longer one is not looked up. */
const MAX_NAME_BYTES = 11;

export class Attributes {
  /** Bit n is set where attribute n is there; 0 where none is that matters. */
  seen = 0;
  private readonly starts = new Int32Array(COUNT);
  private readonly ends = new Int32Array(COUNT);
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Of attributes with one name the first counts (HTML Standard, 13.2.5.33). */
  add(nameStart: number, nameEnd: number, hash: number, start: number, end: number): void {
    if (nameEnd - nameStart > MAX_NAME_BYTES) return;
    const index = NAMES.find(this.bytes, nameStart, nameEnd, hash);
    if (index === undefined || (this.seen & (1 << index)) !== 0) return;
    this.seen |= 1 << index;
    this.starts[index] = start;
    this.ends[index] = end;
  }

  has(name: AttributeName): boolean {
    return (this.seen & (1 << ATTRIBUTE[name])) !== 0;
  }

  /** What the names in a value say: bits of HINT. */
  hints(name: 'class' | 'id'): number {
    const index = ATTRIBUTE[name];
    if ((this.seen & (1 << index)) === 0) return 0;
    const start = this.starts[index];
    return hintsOf(this.bytes, start, Math.min(this.ends[index], start + MAX_ATTRIBUTE_BYTES));
  }

  /** A value that is compared with ASCII words; other characters in it come out a character a byte. */
  word(name: AttributeName): string {
    const index = ATTRIBUTE[name];
    if ((this.seen & (1 << index)) === 0) return '';
    const start = this.starts[index];
    const end = Math.min(this.ends[index], start + MAX_ATTRIBUTE_BYTES);
    const value = this.bytes.toString('latin1', start, end);
    return value.includes('&') ? decodeHTMLAttribute(value) : value;
  }

  /** A value as text. */
  text(name: AttributeName): string {
    const index = ATTRIBUTE[name];
    if ((this.seen & (1 << index)) === 0) return '';
    const start = this.starts[index];
    let end = Math.min(this.ends[index], start + MAX_ATTRIBUTE_BYTES);
    // A cut does not tear a character.
    if (end < this.ends[index]) while (end > start && (this.bytes[end] & 0xc0) === 0x80) end -= 1;
    const value = this.bytes.toString('utf8', start, end);
    return value.includes('&') ? decodeHTMLAttribute(value) : value;
  }
}
