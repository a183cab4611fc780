/** Lines of a text as line feeds end them. Positions are UTF-16 code units, lengths code points. */

/** Lines of one text, a column each. Reused from text to text; grows as needed. */
export class LineTable {
  count = 0;
  start = new Uint32Array(256);
  /** Position of the line feed, or of the end of the text. */
  end = new Uint32Array(256);
  characters = new Uint32Array(256);
  /** Hash of the line in two halves that are independent of each other. */
  low = new Uint32Array(256);
  high = new Uint32Array(256);

  grow(): void {
    const size = this.start.length * 2;
    for (const name of ['start', 'end', 'characters', 'low', 'high'] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

const LINE_FEED = 0x0a;

/** Splits `units[0, length)` at line feeds: one line more than there are line feeds. */
export function splitLines(units: Uint16Array, length: number, lines: LineTable): void {
  lines.count = 0;
  let start = 0;
  while (start <= length) {
    if (lines.count === lines.start.length) lines.grow();
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    let pairs = 0;
    let i = start;
    let previous = 0;
    for (; i < length; i++) {
      const unit = units[i];
      if (unit === LINE_FEED) break;
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      if ((unit & 0xfc00) === 0xdc00 && (previous & 0xfc00) === 0xd800) pairs += 1;
      previous = unit;
    }
    const index = lines.count++;
    lines.start[index] = start;
    lines.end[index] = i;
    lines.characters[index] = i - start - pairs;
    lines.low[index] = low;
    lines.high[index] = high;
    start = i + 1;
  }
}
