/** Sums of the facts of a text's pieces: `scan/piece-sums.ts`. */
import * as fact from '../../scan/piece-facts';
import {
  ENTRY,
  FLAGS,
  HEAD_LANGUAGE,
  HEAD_LANGUAGE_FLAGS,
  HEAD_STOP_WORDS,
  OCCURRENCES,
  PAIRS,
  PIECE,
} from '../../scan/piece-layout';
import { DISTINCT_AT, ENTRY_AT, HEADS_AT, PAIRS_AT, PIECE_COUNTS_AT, TOTALS_AT } from '../layout';
import { distinct, pieces } from './pieces';

/** Lists the different pieces whose facts are not those of the language; returns how many. */
export function listForeign(language: i32): i32 {
  let out = PAIRS_AT;
  for (let row = DISTINCT_AT, end = DISTINCT_AT + distinct * (4 * ENTRY); row < end; row += 4 * ENTRY) {
    const head = load<i32>(row, 4 * PIECE);
    store<i32>(out, head);
    if (load<i32>(HEADS_AT + (head << 2), 4 * HEAD_LANGUAGE) !== language) out += 4;
  }
  return <i32>((out - PAIRS_AT) >> 2);
}

let out: i32 = 0;

// @ts-ignore: decorator
@inline
function put(value: i32): void {
  store<i32>(out, value);
  out += 4;
}

/** Writes the sums, once the facts of the language are there. */
export function sumPieces(): void {
  let characters: i32 = 0;
  let bytes: i32 = 0;
  let pieceUnits: i32 = 0;
  let flags: i32 = 0;
  let languageFlags: i32 = 0;
  let spokenWords: i32 = 0;
  let spokenCharacters: i32 = 0;
  let alphabeticWords: i32 = 0;
  let beginningWords: i32 = 0;
  let withLetter: i32 = 0;
  let wholeStopWords: i32 = 0;
  let rawWords: i32 = 0;
  let rawAlphabetic: i32 = 0;
  let stopWords: i32 = 0;
  let alphanumerics: i32 = 0;
  let lettersAndMarks: i32 = 0;
  let uppers: i32 = 0;
  let digits: i32 = 0;
  let plainCharacters: i32 = 0;
  let sentences: i32 = 0;
  let hashes: i32 = 0;
  let ellipses: i32 = 0;
  let parentheses: i32 = 0;
  let braces: i32 = 0;
  let backspaces: i32 = 0;
  let urlUnits: i32 = 0;
  let capitalWords: i32 = 0;
  let counts: i32 = PIECE_COUNTS_AT;
  for (let row = DISTINCT_AT, end = DISTINCT_AT + distinct * (4 * ENTRY); row < end; row += 4 * ENTRY) {
    const head = HEADS_AT + (load<i32>(row, 4 * PIECE) << 2);
    const times = load<i32>(row, 4 * OCCURRENCES);
    const bits = load<i32>(row, 4 * FLAGS);
    flags |= bits;
    const length = load<i32>(counts, 4 * fact.CHARACTERS);
    pieceUnits += times * (length + load<i32>(row, 4 * PAIRS));
    characters += times * length;
    bytes += times * load<i32>(counts, 4 * fact.BYTES);
    spokenWords += times * load<i32>(counts, 4 * fact.SPOKEN_WORDS);
    spokenCharacters += times * load<i32>(counts, 4 * fact.SPOKEN_CHARACTERS);
    alphabeticWords += times * load<i32>(counts, 4 * fact.ALPHABETIC_WORDS);
    beginningWords += (bits & fact.BEGINS_WORD) !== 0 ? times : 0;
    withLetter += (bits & fact.HAS_LETTER) !== 0 ? times : 0;
    wholeStopWords += (bits & fact.IS_STOP_WORD) !== 0 ? times : 0;
    rawWords += times * load<i32>(counts, 4 * fact.RAW_WORDS);
    rawAlphabetic += times * load<i32>(counts, 4 * fact.RAW_ALPHABETIC);
    alphanumerics += times * load<i32>(counts, 4 * fact.ALPHANUMERICS);
    lettersAndMarks += times * load<i32>(counts, 4 * fact.LETTERS_AND_MARKS);
    uppers += times * load<i32>(counts, 4 * fact.UPPERS);
    digits += times * load<i32>(counts, 4 * fact.DIGITS);
    plainCharacters += times * load<i32>(counts, 4 * fact.PLAIN_CHARACTERS);
    sentences += times * load<i32>(counts, 4 * fact.SENTENCES);
    stopWords += times * load<i32>(head, 4 * HEAD_STOP_WORDS);
    languageFlags |= load<i32>(head, 4 * HEAD_LANGUAGE_FLAGS);
    if ((bits & fact.RARE) !== 0) {
      hashes += times * load<i32>(counts, 4 * fact.HASHES);
      ellipses += times * load<i32>(counts, 4 * fact.ELLIPSES);
      parentheses += times * load<i32>(counts, 4 * fact.PARENTHESES);
      braces += times * load<i32>(counts, 4 * fact.BRACES);
      backspaces += times * load<i32>(counts, 4 * fact.BACKSPACES);
      urlUnits += times * load<i32>(counts, 4 * fact.URL_UNITS);
      capitalWords += times * load<i32>(counts, 4 * fact.CAPITAL_WORDS);
    }
    counts += 4 * fact.COUNTS;
  }
  out = TOTALS_AT;
  put(characters);
  put(bytes);
  put(pieceUnits);
  put(flags);
  put(languageFlags);
  put(spokenWords);
  put(spokenCharacters);
  put(alphabeticWords);
  put(beginningWords);
  put(withLetter);
  put(wholeStopWords);
  put(rawWords);
  put(rawAlphabetic);
  put(stopWords);
  put(alphanumerics);
  put(lettersAndMarks);
  put(uppers);
  put(digits);
  put(plainCharacters);
  put(sentences);
  put(hashes);
  put(ellipses);
  put(parentheses);
  put(braces);
  put(backspaces);
  put(urlUnits);
  put(capitalWords);
  put(continuedSentences());
}

/** Sentences that seem to begin with a piece and go on from one before it. */
function continuedSentences(): i32 {
  let continued: i32 = 0;
  let inSentence = false;
  for (let at = ENTRY_AT, end = ENTRY_AT + (pieces << 2); at < end; at += 4) {
    const bits = load<i32>(DISTINCT_AT + (load<i32>(at) << 2), 4 * FLAGS);
    if ((bits & fact.EVENT) === 0) continue;
    if (inSentence && (bits & fact.WORD_FIRST) !== 0) continued += 1;
    inSentence = (bits & fact.END_LAST) === 0;
  }
  return continued;
}
