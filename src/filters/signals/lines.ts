/** Signals of lines: bullets and ellipses (Gopher), punctuation at the end (FineWeb). */
import { classOf, LINE_BREAK, SENTENCE_END, SPACE, UNIT_CLASSES } from '../scan/character-classes.js';
import type { Scan } from '../scan/scan.js';
import { DATATROVE, ratio, type SignalFamily, type SignalValues } from './signal.js';

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
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

function countPythonLines({ units, length }: Scan): { lines: number; bullets: number; ellipses: number } {
  let lines = 0;
  let bullets = 0;
  let ellipses = 0;
  let start = 0;
  for (let i = 0; i <= length; i++) {
    if (i < length ? (UNIT_CLASSES[units[i]] & LINE_BREAK) === 0 : start === length) continue;
    lines += 1;
    let first = start;
    while (first < i && (UNIT_CLASSES[units[first]] & SPACE) !== 0) first += 1;
    let last = i;
    while (last > first && (UNIT_CLASSES[units[last - 1]] & SPACE) !== 0) last -= 1;
    if (first < last) {
      if (units[first] === BULLET || units[first] === HYPHEN) bullets += 1;
      if (endsWithEllipsis(units, first, last)) ellipses += 1;
    }
    if (units[i] === CARRIAGE_RETURN && i + 1 < length && units[i + 1] === LINE_FEED) i += 1;
    start = i + 1;
  }
  return { lines, bullets, ellipses };
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
  for (let line = 0; line < lines.count; line++) {
    const start = lines.start[line];
    const end = lines.end[line];
    let i = start;
    while (i < end && (UNIT_CLASSES[units[i]] & SPACE) !== 0) i += 1;
    if (i === end) continue;
    filled += 1;
    const unit = units[end - 1];
    const isPair = (unit & 0xfc00) === 0xdc00 && end - start > 1 && (units[end - 2] & 0xfc00) === 0xd800;
    const bits = isPair
      ? classOf(0x1_0000 + ((units[end - 2] & 0x3ff) << 10) + (unit & 0x3ff))
      : UNIT_CLASSES[unit];
    if ((bits & SENTENCE_END) !== 0) ended += 1;
  }
  return ratio(ended, filled);
}
