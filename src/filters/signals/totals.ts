/** Sums of the facts of a text's pieces that several families of signals share: one pass over the different pieces. */
import type { PieceSums } from '../scan/piece-sums.js';
import type { Scan } from '../scan/scan.js';
import { languageFacts, languageFilters, languageNumber } from './word-lists.js';

/** Sums over the pieces, except where it says otherwise. */
export interface Totals extends Omit<PieceSums, 'continuedSentences' | 'withLetter' | 'pieceUnits'> {
  /** Code points and UTF-8 bytes of the text, white space included; code points of the pieces. */
  characters: number;
  bytes: number;
  pieceCharacters: number;
  piecesWithoutLetter: number;
  /** Sentences of the text. */
  sentences: number;
}

const totals = {} as Totals;
let last: { scan: Scan; language: string } | undefined;

/** Sums over a text. Asking twice for one scan and language costs nothing; the result is valid until the next call. */
export function totalsOf(scan: Scan, language: string): Totals {
  if (last?.scan === scan && last.language === language) return totals;
  last = { scan, language };
  measure(scan, languageNumber(language));
  return totals;
}

function measure(scan: Scan, language: number): void {
  const { pieces, vocabulary } = scan;
  for (const head of scan.foreignPieces(language, languageFilters(language))) {
    languageFacts(vocabulary, head, language);
  }
  const sums = scan.sumPieces();
  const spaces = scan.length - sums.pieceUnits;
  Object.assign(totals, sums);
  totals.characters = sums.characters + spaces;
  totals.bytes = sums.bytes + spaces + pieces.extraSpaceBytes;
  totals.pieceCharacters = sums.characters;
  totals.piecesWithoutLetter = pieces.count - sums.withLetter;
  totals.sentences = sums.sentences - sums.continuedSentences;
}
