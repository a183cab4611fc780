/** What is measured of each line of a text from its pieces, in TypeScript; the kernel does the same. */
import { hashRange, range } from './line-hashes.js';
import * as fact from './piece-facts.js';
import { C4_SENTENCES, DIGIT_UNITS, FLAGS, NUMERICAL, UPPER_UNITS, VISIBLE, WORDS } from './piece-layout.js';
import type { MeasuredLineTable, PhysicalLineTable } from './pieces.js';
import type { Scan } from './scan.js';

/** Fills all columns of the lines that were split. */
export function measureLines(scan: Scan, lines: MeasuredLineTable): void {
  lines.reserve();
  const { pieces } = scan;
  const { distinct } = pieces;
  let piece = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    hashRange(scan, lines.start[line], lines.end[line], piece, last);
    lines.low[line] = range.low;
    lines.high[line] = range.high;
    lines.characters[line] = range.characters;
    let flags = 0;
    let upperUnits = 0;
    let digitUnits = 0;
    let numerical = 0;
    let normal = 0;
    let beginningWords = 0;
    for (; piece < last; piece++) {
      const entry = pieces.entry[piece];
      const bits = distinct[entry + FLAGS];
      flags |= bits;
      if ((bits & fact.BEGINS_WORD) !== 0) beginningWords += 1;
      upperUnits += distinct[entry + UPPER_UNITS];
      digitUnits += distinct[entry + DIGIT_UNITS];
      numerical += distinct[entry + NUMERICAL];
      const visible = distinct[entry + VISIBLE];
      if (visible > 0) normal += visible + (normal > 0 ? 1 : 0);
    }
    lines.flags[line] = flags;
    lines.upperUnits[line] = upperUnits;
    lines.digitUnits[line] = digitUnits;
    lines.numerical[line] = numerical;
    lines.normalCharacters[line] = normal;
    lines.beginningWords[line] = beginningWords;
  }
}

/** The same of physical lines. */
export function measurePhysicalLines({ pieces }: Scan, lines: PhysicalLineTable): void {
  lines.reserve();
  const { distinct } = pieces;
  let piece = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    let flags = 0;
    let words = 0;
    let sentences = 1;
    let ended = false;
    for (; piece < last; piece++) {
      const entry = pieces.entry[piece];
      const bits = distinct[entry + FLAGS];
      flags |= bits;
      words += distinct[entry + WORDS];
      sentences += distinct[entry + C4_SENTENCES];
      if ((bits & fact.C4_EVENT) === 0) continue;
      if (ended && (bits & fact.C4_WORD_FIRST) !== 0) sentences += 1;
      ended = (bits & fact.C4_END_LAST) !== 0;
    }
    lines.flags[line] = flags;
    lines.words[line] = words;
    lines.sentences[line] = sentences;
  }
}
