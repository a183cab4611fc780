/**
 * RefinedWeb's corrections of lines (Penedo et al. 2023, arXiv 2306.01116, table G.2) as DCLM applies them, in its
 * order. A line between line feeds goes where more than half of its characters are upper case, where all are digits,
 * where it is a counter (`3 likes`), or where it is a single piece; from lines of at most ten pieces `items in cart`,
 * `Read more...` at the end and `Sign-in` at the beginning are taken out.
 */
import * as fact from '../scan/piece-facts.js';
import { FLAGS } from '../scan/piece-layout.js';
import { scanText, type Scan } from '../scan/scan.js';

const MAX_UPPER_CASE_RATIO = 0.5;
const MIN_PIECES = 2;
/** Lines with more pieces keep the phrases. */
const MAX_PHRASE_PIECES = 10;

const COUNTER =
  /^[^\p{L}\p{N}_]*\p{Nd}[,.\p{Nd}]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)[^\p{L}\p{N}_]*$/u;
/** In the reference the full stops of `Read more...` are a pattern's, which any character matches. */
const PHRASES = [/\s?items in cart/gi, /\s?read more.{3}$/giu, /^sign-in\s?/gi] as const;

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
  const { lines } = scan;
  let words = 0;
  let wordsLeft = 0;
  let firstPiece = 0;
  let lastPiece = 0;
  for (let line = 0; line < lines.count; line++) {
    firstPiece = lastPiece;
    lastPiece = lines.pieceEnd[line];
    const lineWords = lines.beginningWords[line];
    const flags = lines.flags[line];
    words += lineWords;
    const start = lines.start[line];
    const end = lines.end[line];
    if (start === end) {
      onKept(line, undefined);
      continue;
    }
    const characters = lines.characters[line];
    if (lines.upperUnits[line] / characters > MAX_UPPER_CASE_RATIO || lines.digitUnits[line] === characters)
      continue;
    if ((flags & fact.BEGINS_NUMBER) !== 0 && isCounter(scan, firstPiece, lastPiece, start, end)) continue;
    if (lastPiece - firstPiece < MIN_PIECES) continue;
    if ((flags & fact.HAS_REFINEDWEB_PHRASE) !== 0 && lastPiece - firstPiece <= MAX_PHRASE_PIECES) {
      const before = scan.text.slice(start, end);
      let after = before;
      for (const pattern of PHRASES) after = after.replaceAll(pattern, '');
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

/** Whether the line is a counter; the first piece with a letter or number has to begin with a digit. */
function isCounter(scan: Scan, firstPiece: number, lastPiece: number, start: number, end: number): boolean {
  const { pieces } = scan;
  for (let piece = firstPiece; piece < lastPiece; piece++) {
    const flags = pieces.distinct[pieces.entry[piece] + FLAGS];
    if ((flags & fact.HAS_ALPHANUMERIC) === 0) continue;
    return (flags & fact.BEGINS_NUMBER) !== 0 && COUNTER.test(scan.text.slice(start, end).toLowerCase());
  }
  return false;
}
