/** The words of a text, a column each. Positions are UTF-16 code units, lengths of words are code points. */
import { classOf, PUNCTUATION, UNIT_CLASSES } from './character-classes.js';

/** Reused from text to text; grows as needed. */
export class WordTable {
  count = 0;
  start = new Uint32Array(1024);
  end = new Uint32Array(1024);
  /** Length in code points. */
  characters = new Uint32Array(1024);
  /** The classes of its characters or-ed together. */
  classes = new Uint16Array(1024);
  /** 1 where every character is punctuation: the word is a symbol. */
  isSymbol = new Uint8Array(1024);
  /** Hash of the word in two halves that are independent of each other. */
  low = new Uint32Array(1024);
  high = new Uint32Array(1024);

  /** Adds the word of `units[start, end)`. */
  push(units: Uint16Array, start: number, end: number): void {
    if (this.count === this.start.length) this.grow();
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    let characters = 0;
    let classes = 0;
    let common = PUNCTUATION;
    for (let i = start; i < end; i++) {
      const unit = units[i];
      let bits = UNIT_CLASSES[unit];
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      if (unit >= 0xd800 && (unit & 0xfc00) === 0xd800 && i + 1 < end) {
        const next = units[++i];
        low = Math.imul(low ^ next, 0x01000193);
        high = Math.imul(high ^ next, 0x5bd1e995);
        bits = classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (next & 0x3ff));
      }
      classes |= bits;
      common &= bits;
      characters += 1;
    }
    const index = this.count++;
    this.start[index] = start;
    this.end[index] = end;
    this.characters[index] = characters;
    this.classes[index] = classes;
    this.isSymbol[index] = common === 0 ? 0 : 1;
    this.low[index] = low;
    this.high[index] = high;
  }

  private grow(): void {
    const size = this.start.length * 2;
    const larger = <T extends Uint8Array | Uint16Array | Uint32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.start = larger(this.start, new Uint32Array(size));
    this.end = larger(this.end, new Uint32Array(size));
    this.characters = larger(this.characters, new Uint32Array(size));
    this.classes = larger(this.classes, new Uint16Array(size));
    this.isSymbol = larger(this.isSymbol, new Uint8Array(size));
    this.low = larger(this.low, new Uint32Array(size));
    this.high = larger(this.high, new Uint32Array(size));
  }
}
