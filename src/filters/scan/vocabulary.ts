/**
 * Every piece that a thread has met, described once. Natural text says the same few ten thousand pieces over and over,
 * so that what is measured of a text is, for most of it, a look-up and a sum.
 *
 * What is found here depends on the units of the piece alone: a vocabulary that has just been emptied gives every text
 * the same signals. It grows while a text is scanned, however much the text needs, and is emptied between texts when it
 * holds more than it may keep; a piece's place and a word's number are valid while one text is scanned.
 *
 * A look-up costs what it misses in the processor's caches: a slot, and a head, which is one line of the cache with all
 * that is needed to know the piece again.
 */
import { describePiece, splitPiece } from './describe-piece.js';
import { TEXT_AT, UNITS } from './piece-facts.js';
import { WordNumbers } from './word-numbers.js';

/** What is kept for the next text: pieces, words, code units of their texts, integers of their records. */
const MAX_PIECES = 1 << 16;
const MAX_WORDS = 1 << 17;
const MAX_UNITS = 1 << 21;
const MAX_RECORDS = 1 << 22;

/** Integers of a head: both halves of the hash, code units, place of the record, text and index, the first code units. */
export const HEAD = 16;
export const HEAD_LOW = 0;
export const HEAD_HIGH = 1;
const HEAD_UNITS = 2;
export const HEAD_RECORD = 3;
/** The number of the text that met the piece last, and what that text knows it by. */
export const HEAD_TEXT = 4;
export const HEAD_INDEX = 5;
const HEAD_START = 6;
/** Code units in a head; of longer pieces all are where the record says. */
const INLINE = (HEAD - HEAD_START) * 2;

const FIRST_SLOTS = 1 << 13;
const FIRST_PIECES = FIRST_SLOTS / 2;

export class Vocabulary {
  heads = new Int32Array(FIRST_PIECES * HEAD);
  /** The records of `piece-facts.ts`, one behind the other. */
  records = new Int32Array(1 << 16);
  /** Code units of the pieces. */
  units = new Uint16Array(1 << 14);
  readonly numbers = new WordNumbers();
  /** Number of the text that is scanned. */
  text = 0;
  private headUnits = new Uint16Array(this.heads.buffer);
  private pieces = 0;
  private recordsUsed = 0;
  private unitsUsed = 0;
  /** First half of the hash, and one more than the number of the piece: 0 is a free slot. */
  private slots = new Int32Array(FIRST_SLOTS * 2);
  private mask = FIRST_SLOTS - 1;

  /** Whether more is held than is to be kept. */
  get isFull(): boolean {
    return (
      this.pieces > MAX_PIECES ||
      this.numbers.count > MAX_WORDS ||
      this.unitsUsed > MAX_UNITS ||
      this.recordsUsed > MAX_RECORDS
    );
  }

  /** Forgets everything. What a huge text needed is let go. */
  clear(): void {
    const isHuge =
      this.pieces > 2 * MAX_PIECES || this.unitsUsed > 2 * MAX_UNITS || this.recordsUsed > 2 * MAX_RECORDS;
    if (isHuge) {
      this.heads = new Int32Array(FIRST_PIECES * HEAD);
      this.headUnits = new Uint16Array(this.heads.buffer);
      this.records = new Int32Array(1 << 16);
      this.units = new Uint16Array(1 << 14);
      this.slots = new Int32Array(FIRST_SLOTS * 2);
      this.mask = FIRST_SLOTS - 1;
    } else {
      this.records.fill(0, 0, this.recordsUsed);
      this.slots.fill(0);
    }
    this.numbers.clear(MAX_WORDS);
    this.pieces = 0;
    this.recordsUsed = 0;
    this.unitsUsed = 0;
  }

  /** Place of the head of the piece `units[start, end)` of `text`, whose hash is given. */
  find(text: string, units: Uint16Array, start: number, end: number, low: number, high: number): number {
    const { slots, mask, heads } = this;
    let slot = (low ^ (low >>> 15) ^ Math.imul(high, 0x9e3779b1)) & mask;
    for (let number = slots[slot * 2 + 1]; number !== 0; number = slots[slot * 2 + 1]) {
      if (slots[slot * 2] === low) {
        const head = (number - 1) * HEAD;
        if (
          heads[head + HEAD_HIGH] === high &&
          heads[head + HEAD_UNITS] === end - start &&
          this.equals(head, units, start, end)
        )
          return head;
      }
      slot = (slot + 1) & mask;
    }
    return this.add(text, units, start, end, low, high, slot);
  }

  private equals(head: number, units: Uint16Array, start: number, end: number): boolean {
    const isInline = end - start <= INLINE;
    const known = isInline ? this.headUnits : this.units;
    let k = isInline ? (head + HEAD_START) * 2 : this.records[this.heads[head + HEAD_RECORD] + TEXT_AT];
    for (let i = start; i < end; i++) if (units[i] !== known[k++]) return false;
    return true;
  }

  private add(
    text: string,
    units: Uint16Array,
    start: number,
    end: number,
    low: number,
    high: number,
    slot: number,
  ): number {
    const record = this.recordsUsed;
    const length = end - start;
    this.reserve(splitPiece(units, start, end), length);
    const { records, heads, unitsUsed } = this;
    const head = this.pieces * HEAD;
    heads[head + HEAD_LOW] = low;
    heads[head + HEAD_HIGH] = high;
    heads[head + HEAD_UNITS] = length;
    heads[head + HEAD_RECORD] = record;
    heads[head + HEAD_TEXT] = 0;
    const inline = (head + HEAD_START) * 2;
    for (let i = 0; i < length; i++) {
      this.units[unitsUsed + i] = units[start + i];
      if (i < INLINE) this.headUnits[inline + i] = units[start + i];
    }
    this.unitsUsed += length;
    records[record + TEXT_AT] = unitsUsed;
    records[record + UNITS] = length;
    describePiece(text, units, start, end, records, record, this.numbers);
    this.pieces += 1;
    this.slots[slot * 2] = low;
    this.slots[slot * 2 + 1] = this.pieces;
    if (this.pieces * 4 > this.slots.length) this.spread();
    return head;
  }

  /** Makes room for one more piece with a record of so many integers. */
  private reserve(integers: number, length: number): void {
    if ((this.pieces + 1) * HEAD > this.heads.length) {
      const larger = new Int32Array(this.heads.length * 2);
      larger.set(this.heads);
      this.heads = larger;
      this.headUnits = new Uint16Array(larger.buffer);
    }
    const records = this.recordsUsed + integers;
    if (records > this.records.length) {
      const larger = new Int32Array(Math.max(records, this.records.length * 2));
      larger.set(this.records);
      this.records = larger;
    }
    this.recordsUsed = records;
    if (this.unitsUsed + length > this.units.length) {
      const larger = new Uint16Array(Math.max(this.unitsUsed + length, this.units.length * 2));
      larger.set(this.units);
      this.units = larger;
    }
  }

  /** Doubles the slots. */
  private spread(): void {
    const { heads } = this;
    this.slots = new Int32Array(this.slots.length * 2);
    this.mask = this.slots.length / 2 - 1;
    for (let piece = 0; piece < this.pieces; piece++) {
      const low = heads[piece * HEAD + HEAD_LOW];
      const high = heads[piece * HEAD + HEAD_HIGH];
      let slot = (low ^ (low >>> 15) ^ Math.imul(high, 0x9e3779b1)) & this.mask;
      while (this.slots[slot * 2 + 1] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot * 2] = low;
      this.slots[slot * 2 + 1] = piece + 1;
    }
  }
}
