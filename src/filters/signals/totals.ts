/** Sums of the facts of a text's pieces that several families of signals share: one pass over the pieces. */
import * as fact from '../scan/piece-facts.js';
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
  const { pieces, records, vocabulary } = scan;
  const { count } = pieces;
  const places = pieces.record;
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
  let inSentence = false;
  let hashes = 0;
  let ellipses = 0;
  let parentheses = 0;
  let braces = 0;
  let backspaces = 0;
  let urlUnits = 0;
  let capitalWords = 0;
  for (let piece = 0; piece < count; piece++) {
    const at = places[piece];
    const bits = records[at + fact.FLAGS];
    flags |= bits;
    pieceUnits += records[at + fact.UNITS];
    characters += records[at + fact.CHARACTERS];
    bytes += records[at + fact.BYTES];
    spokenWords += records[at + fact.SPOKEN_WORDS];
    spokenCharacters += records[at + fact.SPOKEN_CHARACTERS];
    alphabeticWords += records[at + fact.ALPHABETIC_WORDS];
    if ((bits & fact.BEGINS_WORD) !== 0) beginningWords += 1;
    if ((bits & fact.HAS_LETTER) !== 0) withLetter += 1;
    if ((bits & fact.IS_STOP_WORD) !== 0) wholeStopWords += 1;
    rawWords += records[at + fact.RAW_WORDS];
    rawAlphabetic += records[at + fact.RAW_ALPHABETIC];
    alphanumerics += records[at + fact.ALPHANUMERICS];
    lettersAndMarks += records[at + fact.LETTERS_AND_MARKS];
    uppers += records[at + fact.UPPERS];
    digits += records[at + fact.DIGITS];
    plainCharacters += records[at + fact.PLAIN_CHARACTERS];
    sentences += records[at + fact.SENTENCES];
    if ((bits & fact.EVENT) !== 0) {
      if (inSentence && (bits & fact.WORD_FIRST) !== 0) sentences -= 1;
      inSentence = (bits & fact.END_LAST) === 0;
    }
    if (records[at + fact.LANGUAGE] !== language) languageFacts(vocabulary, at, language);
    stopWords += records[at + fact.STOP_WORDS];
    languageFlags |= records[at + fact.LANGUAGE_FLAGS];
    if ((bits & fact.RARE) === 0) continue;
    hashes += records[at + fact.HASHES];
    ellipses += records[at + fact.ELLIPSES];
    parentheses += records[at + fact.PARENTHESES];
    braces += records[at + fact.BRACES];
    backspaces += records[at + fact.BACKSPACES];
    urlUnits += records[at + fact.URL_UNITS];
    capitalWords += records[at + fact.CAPITAL_WORDS];
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
  totals.piecesWithoutLetter = count - withLetter;
  totals.wholeStopWords = wholeStopWords;
  totals.rawWords = rawWords;
  totals.rawAlphabetic = rawAlphabetic;
  totals.stopWords = stopWords;
  totals.alphanumerics = alphanumerics;
  totals.lettersAndMarks = lettersAndMarks;
  totals.uppers = uppers;
  totals.digits = digits;
  totals.plainCharacters = plainCharacters;
  totals.sentences = sentences;
  totals.hashes = hashes;
  totals.ellipses = ellipses;
  totals.parentheses = parentheses;
  totals.braces = braces;
  totals.backspaces = backspaces;
  totals.urlUnits = urlUnits;
  totals.capitalWords = capitalWords;
}
