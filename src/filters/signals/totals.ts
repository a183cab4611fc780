/** Sums of the facts of a text's pieces that several families of signals share: one pass over the different pieces. */
import * as fact from '../scan/piece-facts.js';
import {
  ENTRY,
  FLAGS,
  HEAD_LANGUAGE,
  HEAD_LANGUAGE_FLAGS,
  HEAD_STOP_WORDS,
  OCCURRENCES,
  PAIRS,
  PIECE,
} from '../scan/piece-layout.js';
import type { Scan } from '../scan/scan.js';
import { languageFacts, languageNumber } from './word-lists.js';

/** Sums over the pieces; white space between them is counted where it says so. */
export interface Totals {
  /** Code points and UTF-8 bytes of the text, white space included. */
  characters: number;
  bytes: number;
  pieceCharacters: number;
  /** Flags of all pieces or-ed together. */
  flags: number;
  languageFlags: number;
  spokenWords: number;
  spokenCharacters: number;
  alphabeticWords: number;
  beginningWords: number;
  piecesWithoutLetter: number;
  wholeStopWords: number;
  rawWords: number;
  rawAlphabetic: number;
  stopWords: number;
  alphanumerics: number;
  lettersAndMarks: number;
  uppers: number;
  digits: number;
  plainCharacters: number;
  sentences: number;
  hashes: number;
  ellipses: number;
  parentheses: number;
  braces: number;
  backspaces: number;
  urlUnits: number;
  capitalWords: number;
}

const totals = {} as Totals;
let last: { scan: Scan; language: string } | undefined;

/** Sums over a text. Asking twice for one scan and language costs nothing; the result is valid until the next call. */
export function totalsOf(scan: Scan, language: string): Totals {
  if (last?.scan === scan && last.language === language) return totals;
  last = { scan, language };
  sumPieces(scan, languageNumber(language));
  return totals;
}

function sumPieces(scan: Scan, language: number): void {
  const { pieces, vocabulary } = scan;
  const { distinct, counts } = pieces;
  const { heads } = vocabulary;
  let characters = 0;
  let bytes = 0;
  let pieceUnits = 0;
  let flags = 0;
  let languageFlags = 0;
  let spokenWords = 0;
  let spokenCharacters = 0;
  let alphabeticWords = 0;
  let beginningWords = 0;
  let withLetter = 0;
  let wholeStopWords = 0;
  let rawWords = 0;
  let rawAlphabetic = 0;
  let stopWords = 0;
  let alphanumerics = 0;
  let lettersAndMarks = 0;
  let uppers = 0;
  let digits = 0;
  let plainCharacters = 0;
  let sentences = 0;
  let hashes = 0;
  let ellipses = 0;
  let parentheses = 0;
  let braces = 0;
  let backspaces = 0;
  let urlUnits = 0;
  let capitalWords = 0;
  for (let piece = 0; piece < pieces.distinctCount; piece++) {
    const entry = piece * ENTRY;
    const at = piece * fact.COUNTS;
    const head = distinct[entry + PIECE];
    const times = distinct[entry + OCCURRENCES];
    const bits = distinct[entry + FLAGS];
    flags |= bits;
    const length = counts[at + fact.CHARACTERS];
    pieceUnits += times * (length + distinct[entry + PAIRS]);
    characters += times * length;
    bytes += times * counts[at + fact.BYTES];
    spokenWords += times * counts[at + fact.SPOKEN_WORDS];
    spokenCharacters += times * counts[at + fact.SPOKEN_CHARACTERS];
    alphabeticWords += times * counts[at + fact.ALPHABETIC_WORDS];
    if ((bits & fact.BEGINS_WORD) !== 0) beginningWords += times;
    if ((bits & fact.HAS_LETTER) !== 0) withLetter += times;
    if ((bits & fact.IS_STOP_WORD) !== 0) wholeStopWords += times;
    rawWords += times * counts[at + fact.RAW_WORDS];
    rawAlphabetic += times * counts[at + fact.RAW_ALPHABETIC];
    alphanumerics += times * counts[at + fact.ALPHANUMERICS];
    lettersAndMarks += times * counts[at + fact.LETTERS_AND_MARKS];
    uppers += times * counts[at + fact.UPPERS];
    digits += times * counts[at + fact.DIGITS];
    plainCharacters += times * counts[at + fact.PLAIN_CHARACTERS];
    sentences += times * counts[at + fact.SENTENCES];
    if (heads[head + HEAD_LANGUAGE] !== language) languageFacts(vocabulary, head, language);
    stopWords += times * heads[head + HEAD_STOP_WORDS];
    languageFlags |= heads[head + HEAD_LANGUAGE_FLAGS];
    if ((bits & fact.RARE) === 0) continue;
    hashes += times * counts[at + fact.HASHES];
    ellipses += times * counts[at + fact.ELLIPSES];
    parentheses += times * counts[at + fact.PARENTHESES];
    braces += times * counts[at + fact.BRACES];
    backspaces += times * counts[at + fact.BACKSPACES];
    urlUnits += times * counts[at + fact.URL_UNITS];
    capitalWords += times * counts[at + fact.CAPITAL_WORDS];
  }
  const spaces = scan.length - pieceUnits;
  totals.characters = characters + spaces;
  totals.bytes = bytes + spaces + pieces.extraSpaceBytes;
  totals.pieceCharacters = characters;
  totals.flags = flags;
  totals.languageFlags = languageFlags;
  totals.spokenWords = spokenWords;
  totals.spokenCharacters = spokenCharacters;
  totals.alphabeticWords = alphabeticWords;
  totals.beginningWords = beginningWords;
  totals.piecesWithoutLetter = pieces.count - withLetter;
  totals.wholeStopWords = wholeStopWords;
  totals.rawWords = rawWords;
  totals.rawAlphabetic = rawAlphabetic;
  totals.stopWords = stopWords;
  totals.alphanumerics = alphanumerics;
  totals.lettersAndMarks = lettersAndMarks;
  totals.uppers = uppers;
  totals.digits = digits;
  totals.plainCharacters = plainCharacters;
  totals.sentences = sentences - continuedSentences(scan);
  totals.hashes = hashes;
  totals.ellipses = ellipses;
  totals.parentheses = parentheses;
  totals.braces = braces;
  totals.backspaces = backspaces;
  totals.urlUnits = urlUnits;
  totals.capitalWords = capitalWords;
}

/** Sentences that seem to begin with a piece and go on from one before it. */
function continuedSentences({ pieces }: Scan): number {
  const { distinct } = pieces;
  let continued = 0;
  let inSentence = false;
  for (let piece = 0; piece < pieces.count; piece++) {
    const bits = distinct[pieces.entry[piece] + FLAGS];
    if ((bits & fact.EVENT) === 0) continue;
    if (inSentence && (bits & fact.WORD_FIRST) !== 0) continued += 1;
    inSentence = (bits & fact.END_LAST) === 0;
  }
  return continued;
}
