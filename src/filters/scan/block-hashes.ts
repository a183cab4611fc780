/** Hashes and lengths of ranges of a text that are lines or made of lines. Equality is that of 64-bit hashes. */
import { SPACE, UNIT_CLASSES } from './character-classes.js';
import type { LineTable } from './lines.js';

/** A column each; reused, grows as needed. Lengths are code points. */
export class BlockTable {
  count = 0;
  characters = new Uint32Array(256);
  low = new Uint32Array(256);
  high = new Uint32Array(256);

  private push(characters: number, low: number, high: number): void {
    if (this.count === this.low.length) {
      for (const name of ['characters', 'low', 'high'] as const) {
        const larger = new Uint32Array(this.count * 2);
        larger.set(this[name]);
        this[name] = larger;
      }
    }
    const index = this.count++;
    this.characters[index] = characters;
    this.low[index] = low;
    this.high[index] = high;
  }

  /** Adds the lines `[first, last]` cut to `[start, end)`, the line feeds between them included. */
  addLines(
    units: Uint16Array,
    lines: LineTable,
    first: number,
    last: number,
    start: number,
    end: number,
  ): void {
    let low = 0;
    let high = 0;
    let characters = last - first;
    for (let line = first; line <= last; line++) {
      const from = Math.max(lines.start[line], start);
      const to = Math.min(lines.end[line], end);
      if (from === lines.start[line] && to === lines.end[line]) {
        low = Math.imul(low ^ lines.low[line], 0x9e3779b1) + 1;
        high = Math.imul(high ^ lines.high[line], 0x85ebca6b) + 1;
        characters += lines.characters[line];
        continue;
      }
      let partLow = 0x811c9dc5;
      let partHigh = 0x9747b28c;
      for (let i = from; i < to; i++) {
        const unit = units[i];
        partLow = Math.imul(partLow ^ unit, 0x01000193);
        partHigh = Math.imul(partHigh ^ unit, 0x5bd1e995);
        if ((unit & 0xfc00) !== 0xdc00 || i === from || (units[i - 1] & 0xfc00) !== 0xd800) characters += 1;
      }
      low = Math.imul(low ^ partLow, 0x9e3779b1) + 1;
      high = Math.imul(high ^ partHigh, 0x85ebca6b) + 1;
    }
    this.push(characters, low, high);
  }
}

/** First position in `[start, end)` that is no white space; `end` where there is none. */
export function skipSpace(units: Uint16Array, start: number, end: number): number {
  let i = start;
  while (i < end && (UNIT_CLASSES[units[i]] & SPACE) !== 0) i += 1;
  return i;
}

/** End of `[start, end)` without white space behind it. */
export function dropSpace(units: Uint16Array, start: number, end: number): number {
  let i = end;
  while (i > start && (UNIT_CLASSES[units[i - 1]] & SPACE) !== 0) i -= 1;
  return i;
}
