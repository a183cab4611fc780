/**
 * Every piece that a thread has met, described once. Natural text says the same few ten thousand pieces over and over,
 * so that what is measured of a text is, for most of it, a look-up and a sum.
 *
 * What is found here depends on the units of the piece alone: a vocabulary that has just been emptied gives every text
 * the same signals. It grows while a text is scanned, however much the text needs, and is emptied between texts when it
 * holds more than it may keep; a piece's place and a word's number are valid while one text is scanned.
 *
 * A look-up costs what it misses in the processor's caches: a slot, and a head, in which are the text and all facts of a
 * short piece. Longer ones have theirs elsewhere.
 */
import { counts, describePiece, normal, unicodeWords, words } from './describe-piece.js';
import { COUNTS } from './piece-facts.js';
import {
  HEAD,
  HEAD_COUNTS,
  HEAD_FLAGS,
  HEAD_HIGH,
  HEAD_LANGUAGE,
  HEAD_LOW,
  HEAD_NORMAL,
  HEAD_RECORD,
  HEAD_START,
  HEAD_TEXT,
  HEAD_UNITS,
  HEAD_WORD_CHARACTERS,
  HEAD_WORDS,
  MAX_PIECES,
  MAX_RECORDS,
  MAX_UNITS,
  MAX_WORDS,
  SHORT,
} from './piece-layout.js';
import { WordNumbers } from './word-numbers.js';

/** Pieces and slots that there is room for at first: memory that is not touched costs nothing. */
const FIRST_PIECES = MAX_PIECES + 4096;
const FIRST_SLOTS = 2 * MAX_PIECES;

/** What is asked of a vocabulary while a text is measured. */
export interface KnownPieces {
  readonly heads: Int32Array;
  /** Both halves of the hash of a word by its number. */
  readonly numbers: { readonly low: Int32Array; readonly high: Int32Array };
  /** Code units of a piece: where in `unitsOf` they begin. */
  textAt(head: number): number;
  unitsOf(head: number): Uint16Array;
}

export class Vocabulary implements KnownPieces {
  readonly numbers = new WordNumbers(MAX_WORDS);
  /** Number of the text that is scanned. */
  text = 0;
  heads = new Int32Array(FIRST_PIECES * HEAD);
  headBytes = new Uint8Array(this.heads.buffer);
  private headUnits = new Uint16Array(this.heads.buffer);
  /** Of the longer pieces. */
  records = new Int32Array(MAX_RECORDS);
  private units = new Uint16Array(MAX_UNITS);
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
      this.setHeads(new Int32Array(FIRST_PIECES * HEAD));
      this.records = new Int32Array(MAX_RECORDS);
      this.units = new Uint16Array(MAX_UNITS);
      this.slots = new Int32Array(FIRST_SLOTS * 2);
      this.mask = FIRST_SLOTS - 1;
    } else this.slots.fill(0);
    this.numbers.clear();
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

  textAt(head: number): number {
    return this.heads[head + HEAD_UNITS] <= SHORT ? (head + HEAD_START) * 2 : this.heads[head + HEAD_START];
  }

  unitsOf(head: number): Uint16Array {
    return this.heads[head + HEAD_UNITS] <= SHORT ? this.headUnits : this.units;
  }

  private equals(head: number, units: Uint16Array, start: number, end: number): boolean {
    const known = this.unitsOf(head);
    let k = this.textAt(head);
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
    const flags = describePiece(text, units, start, end);
    const head = this.pieces * HEAD;
    if (head === this.heads.length) {
      const larger = new Int32Array(head * 2);
      larger.set(this.heads);
      this.setHeads(larger);
    }
    const { heads } = this;
    heads[head + HEAD_LOW] = low;
    heads[head + HEAD_HIGH] = high;
    heads[head + HEAD_UNITS] = end - start;
    heads[head + HEAD_TEXT] = 0;
    heads[head + HEAD_FLAGS] = flags;
    heads[head + HEAD_NORMAL] = normal.characters === 0 ? -1 : this.numbers.numberOf(normal.low, normal.high);
    heads[head + HEAD_LANGUAGE] = 0;
    if (end - start > SHORT) this.makeRoomForText(head, end - start);
    const known = this.unitsOf(head);
    let k = this.textAt(head);
    for (let i = start; i < end; i++) known[k++] = units[i];
    if (end - start <= SHORT && words.count <= 2 && unicodeWords.count <= 1) this.keepShort(head);
    else this.keepRecord(head);
    this.pieces += 1;
    this.slots[slot * 2] = low;
    this.slots[slot * 2 + 1] = this.pieces;
    if (this.pieces * 3 > this.slots.length) this.spread();
    return head;
  }

  private setHeads(heads: Int32Array<ArrayBuffer>): void {
    this.heads = heads;
    this.headBytes = new Uint8Array(heads.buffer);
    this.headUnits = new Uint16Array(heads.buffer);
  }

  /** Puts the facts of the piece that was described last into its head. */
  private keepShort(head: number): void {
    const { heads, headBytes, numbers } = this;
    heads[head + HEAD_RECORD] = -1;
    for (let i = 0; i < COUNTS; i++) headBytes[(head + HEAD_COUNTS) * 4 + i] = counts[i];
    const characters = (head + HEAD_WORD_CHARACTERS) * 4;
    for (let i = 0; i < words.count; i++) {
      heads[head + HEAD_WORDS + i] = numbers.numberOf(words.low[i], words.high[i]);
      headBytes[characters + i] = words.characters[i];
    }
    if (unicodeWords.count === 0) return;
    heads[head + HEAD_WORDS + 2] = numbers.numberOf(unicodeWords.low[0], unicodeWords.high[0]);
    headBytes[characters + 2] = unicodeWords.characters[0];
  }

  /** Puts them into a record. */
  private keepRecord(head: number): void {
    const at = this.recordsUsed;
    this.recordsUsed += COUNTS + 2 * (words.count + unicodeWords.count);
    if (this.recordsUsed > this.records.length) {
      const larger = new Int32Array(Math.max(this.recordsUsed, this.records.length * 2));
      larger.set(this.records);
      this.records = larger;
    }
    const { records, numbers } = this;
    this.heads[head + HEAD_RECORD] = at;
    for (let i = 0; i < COUNTS; i++) records[at + i] = counts[i];
    let out = at + COUNTS;
    for (const table of [words, unicodeWords]) {
      for (let i = 0; i < table.count; i++) {
        records[out++] = numbers.numberOf(table.low[i], table.high[i]);
        records[out++] = table.characters[i];
      }
    }
  }

  private makeRoomForText(head: number, length: number): void {
    this.heads[head + HEAD_START] = this.unitsUsed;
    this.unitsUsed += length;
    if (this.unitsUsed <= this.units.length) return;
    const larger = new Uint16Array(Math.max(this.unitsUsed, this.units.length * 2));
    larger.set(this.units);
    this.units = larger;
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
