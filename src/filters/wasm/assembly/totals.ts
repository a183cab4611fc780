/** Sums of the facts of a text's pieces: `scan/piece-sums.ts`. */
import * as fact from '../../scan/piece-facts';
import {
  ENTRY,
  FLAGS,
  HEAD_LANGUAGE,
  HEAD_LANGUAGE_FLAGS,
  HEAD_NORMAL,
  HEAD_STOP_WORDS,
  HEAD_UNITS,
  OCCURRENCES,
  PAIRS,
  PIECE,
} from '../../scan/piece-layout';
import { UPPER } from '../../scan/property-bits';
import { WORD_UNIT } from '../../scan/unit-kinds';
import {
  CLASSES_AT,
  DISTINCT_AT,
  ENTRY_AT,
  FILTER_BYTES,
  HEADS_AT,
  KINDS_AT,
  NUMBER_LOW_AT,
  PAIRS_AT,
  PIECE_COUNTS_AT,
  TOTALS_AT,
} from '../layout';
import { distinct, pieces } from './pieces';
import { unitsOf } from './vocabulary';

/**
 * Lists the different pieces whose facts are not those of the language, but for those that its filters say nothing of: the
 * facts of these are written. Without filters (0) all are listed. Returns how many.
 */
export function listForeign(language: i32, filters: i32): i32 {
  let out = PAIRS_AT;
  for (let row = DISTINCT_AT, end = DISTINCT_AT + distinct * (4 * ENTRY); row < end; row += 4 * ENTRY) {
    const head = HEADS_AT + (load<i32>(row, 4 * PIECE) << 2);
    if (load<i32>(head, 4 * HEAD_LANGUAGE) === language) continue;
    if (filters !== 0 && isUnlisted(head, filters)) {
      store<i32>(head, language, 4 * HEAD_LANGUAGE);
      store<i32>(head, 0, 4 * HEAD_STOP_WORDS);
      store<i32>(head, 0, 4 * HEAD_LANGUAGE_FLAGS);
    } else {
      store<i32>(out, load<i32>(row, 4 * PIECE));
      out += 4;
    }
  }
  return <i32>((out - PAIRS_AT) >> 2);
}

// @ts-ignore: decorator
@inline
function isIn(filter: i32, hash: i32): bool {
  return ((load<u8>(filter + ((hash & 0xffff) >> 3)) >> (hash & 7)) & 1) !== 0;
}

// @ts-ignore: decorator
@inline
function lower(unit: i32): i32 {
  return (load<u16>(CLASSES_AT + (unit << 1)) & UPPER) === 0 ? unit : unit | 0x20;
}

/** Whether no list can have anything of a piece; false where it is not of ASCII alone. */
function isUnlisted(head: i32, filters: i32): bool {
  const length = load<i32>(head, 4 * HEAD_UNITS);
  const normal = load<i32>(head, 4 * HEAD_NORMAL);
  if (normal >= 0 && isIn(filters + 2 * FILTER_BYTES, load<i32>(NUMBER_LOW_AT + (normal << 2)))) return false;
  const start = unitsOf(head, length);
  const end = start + (length << 1);
  let hash: i32 = 0x811c9dc5;
  let inWord = false;
  for (let at = start; at < end; at += 2) {
    const unit = <i32>load<u16>(at);
    if (unit >= 0x80) return false;
    if (!inWord) {
      const second = at + 2 < end ? <i32>load<u16>(at, 2) : 0;
      const third = at + 4 < end ? <i32>load<u16>(at, 4) : 0;
      if ((second | third) >= 0x80) return false;
      if (isIn(filters, lower(unit) ^ (lower(second) * 0x9e35) ^ (lower(third) * 0x6a7b))) return false;
      hash = 0x811c9dc5;
    }
    const isWord = (load<u16>(KINDS_AT + (unit << 1)) & WORD_UNIT) !== 0;
    if (isWord) hash = (hash ^ unit) * 0x01000193;
    else if (inWord && isIn(filters + FILTER_BYTES, hash)) return false;
    inWord = isWord;
  }
  return !(inWord && isIn(filters + FILTER_BYTES, hash));
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
