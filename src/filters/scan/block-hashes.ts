/** Hashes and lengths of ranges of a text that are lines or made of lines. Equality is that of 64-bit hashes. */
import { hashRange, range } from './line-hashes.js';
import type { Scan } from './scan.js';

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
  addLines(scan: Scan, first: number, last: number, start: number, end: number): void {
    const { lines } = scan;
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
      // What is cut off is white space.
      hashRange(scan, from, to, line === 0 ? 0 : lines.pieceEnd[line - 1], lines.pieceEnd[line]);
      low = Math.imul(low ^ range.low, 0x9e3779b1) + 1;
      high = Math.imul(high ^ range.high, 0x85ebca6b) + 1;
      characters += range.characters;
    }
    this.push(characters, low, high);
  }
}
