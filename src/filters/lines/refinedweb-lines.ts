/**
 * RefinedWeb's corrections of lines (Penedo et al. 2023, arXiv 2306.01116, table G.2) as DCLM applies them, in its
 * order. A line between line feeds goes where more than half of its characters are upper case, where all are digits,
 * where it is a counter (`3 likes`), or where it is a single piece; from lines of at most ten pieces `items in cart`,
 * `Read more...` at the end and `Sign-in` at the beginning are taken out.
 */
import { asciiLower } from '../scan/ascii-lower.js';
import { DIGIT, LETTER, NUMERIC, UNIT_CLASSES, UPPER } from '../scan/character-classes.js';
import type { PieceTable } from '../scan/pieces.js';
import { scanText, type Scan } from '../scan/scan.js';

const MAX_UPPER_CASE_RATIO = 0.5;
const MIN_PIECES = 2;
/** Lines with more pieces keep the phrases. */
const MAX_PHRASE_PIECES = 10;

const COUNTER =
  /^[^\p{L}\p{N}_]*\p{Nd}[,.\p{Nd}]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)[^\p{L}\p{N}_]*$/u;
/** In the reference the full stops of `Read more...` are a pattern's, which any character matches. */
const PHRASES = [
  { contained: 'items in cart', pattern: /\s?items in cart/gi },
  { contained: 'read more', pattern: /\s?read more.{3}$/giu },
  { contained: 'sign-in', pattern: /^sign-in\s?/gi },
] as const;

export interface CorrectedLines {
  /** Pieces that begin with a letter or number before and after. */
  readonly words: number;
  readonly wordsLeft: number;
}

/**
 * Applies the corrections. Linear in the text.
 * @param onKept is called for each line that stays, in order, with what is left of it where it was changed
 */
export function refinedWebLines(
  scan: Scan,
  onKept: (line: number, replaced: string | undefined) => void = () => undefined,
): CorrectedLines {
  const { units, lines, pieces } = scan;
  const lower = asciiLower(scan);
  const phrases = PHRASES.filter(({ contained }) => lower.includes(contained));
  let words = 0;
  let wordsLeft = 0;
  let piece = 0;
  for (let line = 0; line < lines.count; line++) {
    const firstPiece = piece;
    while (piece < pieces.count && pieces.start[piece] < lines.end[line]) piece += 1;
    const lineWords = countWords(pieces, firstPiece, piece);
    words += lineWords;
    const start = lines.start[line];
    const end = lines.end[line];
    if (start === end) {
      onKept(line, undefined);
      continue;
    }
    if (goes(units, start, end, lines.characters[line])) continue;
    if (isCounter(scan, firstPiece, piece, start, end)) continue;
    if (piece - firstPiece < MIN_PIECES) continue;
    if (phrases.length > 0 && piece - firstPiece <= MAX_PHRASE_PIECES) {
      const before = scan.text.slice(start, end);
      let after = before;
      for (const { pattern } of phrases) after = after.replaceAll(pattern, '');
      if (after !== before) {
        if (after.trim() === '') continue;
        wordsLeft += after.split(/\s+/u).filter((part) => /^[\p{L}\p{N}]/u.test(part)).length;
        onKept(line, after);
        continue;
      }
    }
    wordsLeft += lineWords;
    onKept(line, undefined);
  }
  return { words, wordsLeft };
}

/** The text with the corrections, white space at its ends taken off. */
export function refinedWebText(text: string): string {
  const scan = scanText(text);
  const { lines } = scan;
  const kept: string[] = [];
  refinedWebLines(scan, (line, replaced) => {
    kept.push(replaced ?? text.slice(lines.start[line], lines.end[line]));
  });
  return kept.join('\n').trim();
}

function countWords(pieces: PieceTable, first: number, last: number): number {
  let words = 0;
  for (let i = first; i < last; i++) if ((pieces.first[i] & (LETTER | NUMERIC)) !== 0) words += 1;
  return words;
}

function goes(units: Uint16Array, start: number, end: number, characters: number): boolean {
  let upper = 0;
  let digits = 0;
  for (let i = start; i < end; i++) {
    const bits = UNIT_CLASSES[units[i]];
    if ((bits & UPPER) !== 0) upper += 1;
    if ((bits & DIGIT) !== 0) digits += 1;
  }
  return upper / characters > MAX_UPPER_CASE_RATIO || digits === characters;
}

function isCounter(scan: Scan, firstPiece: number, lastPiece: number, start: number, end: number): boolean {
  const { units, pieces } = scan;
  for (let piece = firstPiece; piece < lastPiece; piece++) {
    if ((pieces.classes[piece] & (LETTER | NUMERIC)) === 0) continue;
    for (let i = pieces.start[piece]; i < pieces.end[piece]; i++) {
      const bits = UNIT_CLASSES[units[i]];
      if ((bits & DIGIT) !== 0) return COUNTER.test(scan.text.slice(start, end).toLowerCase());
      if ((bits & (LETTER | NUMERIC)) !== 0) return false;
    }
    return false;
  }
  return false;
}
