/**
 * Cuts a text into lines, paragraphs or sentences that can be taken out one by one. Linear in the text.
 *
 * A segment runs to the start of the next one, so white space behind it belongs to it and goes with it; blank lines
 * are no segments. Together the segments are the text. A paragraph is a run of lines that are not blank. Sentences end at
 * `.`, `!`, `?` or `…` before white space, at their full-width forms anywhere, and at a line feed, closing quotes and
 * brackets included; abbreviations are not known, so `Dr. Who` is two. What matters for deduplication is that equal
 * passages are cut alike.
 */

export type SegmentUnit = 'line' | 'paragraph' | 'sentence';

export interface Segment {
  readonly start: number;
  /** Start of the next segment, or end of the text. */
  readonly end: number;
}

const NOT_BLANK = /\S/;
const SPACE = /\s/;
const FULL_STOPS = '.!?…';
const WIDE_STOPS = '。！？';
const CLOSING = '"\'”’»)]」』）';

export function segmentsOf(text: string, unit: SegmentUnit): Segment[] {
  const segments: { start: number; end: number }[] = [];
  const endOf = unit === 'sentence' ? sentenceEnd : lineEnd;
  let start = 0;
  let inParagraph = false;
  for (let at = 0; at < text.length;) {
    const end = endOf(text, at);
    const isBlank = !NOT_BLANK.test(text.slice(at, end));
    const last = segments.at(-1);
    if (isBlank || (unit === 'paragraph' && inParagraph)) {
      // White space goes with what is before it, at the start of the text with what comes.
      if (last !== undefined) start = last.end = end;
    } else {
      segments.push({ start, end });
      start = end;
    }
    inParagraph = !isBlank;
    at = end;
  }
  return segments;
}

function lineEnd(text: string, start: number): number {
  const feed = text.indexOf('\n', start);
  return feed === -1 ? text.length : feed + 1;
}

function sentenceEnd(text: string, start: number): number {
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (character === '\n') return i + 1;
    const isWide = WIDE_STOPS.includes(character);
    if (!isWide && !FULL_STOPS.includes(character)) continue;
    let end = i + 1;
    while (end < text.length && CLOSING.includes(text[end])) end += 1;
    const next = text[end] ?? ' ';
    if ((isWide && !WIDE_STOPS.includes(next)) || SPACE.test(next)) return spaceEnd(text, end);
    i = end - 1;
  }
  return text.length;
}

/** End of the white space of the line. */
function spaceEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && text[end] !== '\n' && SPACE.test(text[end])) end += 1;
  return end;
}

/** The text without some of its segments, and without the white space that they leave at its end. */
export function withoutSegments(
  text: string,
  segments: readonly Segment[],
  isDropped: (index: number) => boolean,
): string {
  const kept = segments.filter((_, index) => !isDropped(index));
  if (kept.length === segments.length) return text;
  return kept
    .map(({ start, end }) => text.slice(start, end))
    .join('')
    .trimEnd();
}
