/**
 * Every piece that a thread has met, described once. Natural text says the same few ten thousand pieces over and over,
 * so that what is measured of a text is, for most of it, a look-up and a sum.
 *
 * What is found here depends on the units of the piece alone: a vocabulary that has just been emptied gives every text
 * the same signals. It grows while a text is scanned, however much the text needs, and is emptied between texts when it
 * holds more than it may keep; a piece's place and a word's number are valid while one text is scanned.
 */
import { describePiece, splitPiece } from './describe-piece.js';
import { HIGH, LOW, TEXT_AT, UNITS } from './piece-facts.js';
import { WordNumbers } from './word-numbers.js';

/** What is kept for the next text: pieces, words, code units of their texts, integers of their records. */
const MAX_PIECES = 1 << 16;
const MAX_WORDS = 1 << 17;
const MAX_UNITS = 1 << 21;
const MAX_RECORDS = 1 << 22;

export class Vocabulary {
  /** The records of `piece-facts.ts`, one behind the other; place 0 is none. */
  records = new Int32Array(1 << 16);
  /** Code units of the pieces. */
  units = new Uint16Array(1 << 14);
  readonly numbers = new WordNumbers();
  private pieces = 0;
  private recordsUsed = 1;
  private unitsUsed = 0;
  /** Places of records by hash; 0 is a free slot. */
  private slots = new Int32Array(1 << 13);
  private mask = (1 << 13) - 1;

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
    if (this.records.length > 2 * MAX_RECORDS || this.units.length > 2 * MAX_UNITS) {
      this.records = new Int32Array(1 << 16);
      this.units = new Uint16Array(1 << 14);
      this.slots = new Int32Array(1 << 13);
      this.mask = this.slots.length - 1;
    } else {
      this.records.fill(0, 0, this.recordsUsed);
      this.slots.fill(0);
    }
    this.numbers.clear(MAX_WORDS);
    this.pieces = 0;
    this.recordsUsed = 1;
    this.unitsUsed = 0;
  }

  /** Place of the record of the piece `units[start, end)` of `text`, whose hash is given. */
  find(text: string, units: Uint16Array, start: number, end: number, low: number, high: number): number {
    const { records, slots, mask } = this;
    let slot = (low ^ (low >>> 15) ^ Math.imul(high, 0x9e3779b1)) & mask;
    for (let at = slots[slot]; at !== 0; at = slots[slot]) {
      if (
        records[at + LOW] === low &&
        records[at + HIGH] === high &&
        records[at + UNITS] === end - start &&
        this.equals(records[at + TEXT_AT], units, start, end)
      )
        return at;
      slot = (slot + 1) & mask;
    }
    return this.add(text, units, start, end, low, high, slot);
  }

  private equals(textAt: number, units: Uint16Array, start: number, end: number): boolean {
    const known = this.units;
    for (let i = start, k = textAt; i < end; i++, k++) if (units[i] !== known[k]) return false;
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
    const at = this.recordsUsed;
    const length = end - start;
    this.reserve(splitPiece(units, start, end), length);
    const { records, unitsUsed } = this;
    records[at + TEXT_AT] = unitsUsed;
    records[at + UNITS] = length;
    records[at + LOW] = low;
    records[at + HIGH] = high;
    for (let i = 0; i < length; i++) this.units[unitsUsed + i] = units[start + i];
    this.unitsUsed += length;
    describePiece(text, units, start, end, records, at, this.numbers);
    this.slots[slot] = at;
    this.pieces += 1;
    if (this.pieces * 2 > this.slots.length) this.spread();
    return at;
  }

  /** Makes room for one more record and its text. */
  private reserve(integers: number, length: number): void {
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
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2);
    this.mask = this.slots.length - 1;
    for (const at of old) {
      if (at === 0) continue;
      const low = this.records[at + LOW];
      let slot = (low ^ (low >>> 15) ^ Math.imul(this.records[at + HIGH], 0x9e3779b1)) & this.mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask;
      this.slots[slot] = at;
    }
  }
}
