/** Signals of lines: bullets and ellipses (Gopher), punctuation at the end (FineWeb). */
import { classOf, SENTENCE_END, UNIT_CLASSES } from '../scan/character-classes.js';
import type { Scan } from '../scan/scan.js';
import { DATATROVE, ratio, type SignalFamily, type SignalValues } from './signal.js';

const HYPHEN = 0x2d;
const FULL_STOP = 0x2e;
const BULLET = 0x2022;
const ELLIPSIS = 0x2026;

export const lineSignals: SignalFamily = {
  signals: [
    {
      name: 'line_count',
      type: 'BIGINT',
      unit: 'lines',
      doc: "lines as Python's str.splitlines cuts them: at \\n, \\r, \\r\\n, \\v, \\f, \\x1c to \\x1e, \\x85, U+2028, U+2029; blank lines count, nothing behind the last break does",
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'bullet_line_ratio',
      type: 'DOUBLE',
      unit: 'share of lines',
      doc: 'lines whose first character that is no white space is `•` or `-`',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'ellipsis_line_ratio',
      type: 'DOUBLE',
      unit: 'share of lines',
      doc: 'lines that end with `...` or `…`, white space at the end aside',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'punctuation_end_line_ratio',
      type: 'DOUBLE',
      unit: 'share of lines',
      doc: 'lines whose last character ends a sentence (TERMINAL_PUNCTUATION: Unicode Sentence_Terminal), of the lines between line feeds that are not blank',
      source: DATATROVE.fineWeb,
    },
  ],
  measure(scan: Scan, values: SignalValues): void {
    const { lines, bullets, ellipses } = countPythonLines(scan);
    values.push(lines, ratio(bullets, lines), ratio(ellipses, lines), punctuationEndRatio(scan));
  },
};

function countPythonLines({ units, physicalLines, pieces }: Scan): {
  lines: number;
  bullets: number;
  ellipses: number;
} {
  let bullets = 0;
  let ellipses = 0;
  let first = 0;
  for (let line = 0; line < physicalLines.count; line++) {
    const last = physicalLines.pieceEnd[line];
    if (last > first) {
      const start = pieces.start[first];
      if (units[start] === BULLET || units[start] === HYPHEN) bullets += 1;
      if (endsWithEllipsis(units, start, pieces.end[last - 1])) ellipses += 1;
    }
    first = last;
  }
  return { lines: physicalLines.count, bullets, ellipses };
}

function endsWithEllipsis(units: Uint16Array, start: number, end: number): boolean {
  if (units[end - 1] === ELLIPSIS) return true;
  return (
    end - start >= 3 &&
    units[end - 1] === FULL_STOP &&
    units[end - 2] === FULL_STOP &&
    units[end - 3] === FULL_STOP
  );
}

function punctuationEndRatio({ units, lines }: Scan): number {
  let filled = 0;
  let ended = 0;
  let first = 0;
  for (let line = 0; line < lines.count; line++) {
    const last = lines.pieceEnd[line];
    if (last > first) {
      filled += 1;
      if ((lastClasses(units, lines.start[line], lines.end[line]) & SENTENCE_END) !== 0) ended += 1;
    }
    first = last;
  }
  return ratio(ended, filled);
}

/** Classes of the last character of `units[start, end)`. */
export function lastClasses(units: Uint16Array, start: number, end: number): number {
  const unit = units[end - 1];
  const isPair = (unit & 0xfc00) === 0xdc00 && end - start > 1 && (units[end - 2] & 0xfc00) === 0xd800;
  return isPair ? classOf(0x1_0000 + ((units[end - 2] & 0x3ff) << 10) + (unit & 0x3ff)) : UNIT_CLASSES[unit];
}
