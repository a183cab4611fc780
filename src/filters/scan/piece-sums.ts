/**
 * Sums of the facts of a text's pieces, each as often as it occurs, in TypeScript; the kernel does the same. What a language's
 * lists say of the pieces has to be there.
 */
import * as fact from './piece-facts.js';
import {
  ENTRY,
  FLAGS,
  HEAD_LANGUAGE,
  HEAD_LANGUAGE_FLAGS,
  HEAD_STOP_WORDS,
  OCCURRENCES,
  PAIRS,
  PIECE,
} from './piece-layout.js';
import type { Pieces } from './pieces.js';
import type { KnownPieces } from './vocabulary.js';

/** What is summed, in the order in which the kernel writes it. Flags are or-ed together. */
export const PIECE_SUMS = [
  'characters',
  'bytes',
  'pieceUnits',
  'flags',
  'languageFlags',
  'spokenWords',
  'spokenCharacters',
  'alphabeticWords',
  'beginningWords',
  'withLetter',
  'wholeStopWords',
  'rawWords',
  'rawAlphabetic',
  'stopWords',
  'alphanumerics',
  'lettersAndMarks',
  'uppers',
  'digits',
  'plainCharacters',
  'sentences',
  'hashes',
  'ellipses',
  'parentheses',
  'braces',
  'backspaces',
  'urlUnits',
  'capitalWords',
  'continuedSentences',
] as const;

/**
 * `withLetter`: pieces with a letter; `sentences`: as if none went on from one piece to the next; `continuedSentences`: those
 * that seem to begin with a piece and go on from one before it.
 */
export type PieceSums = Record<(typeof PIECE_SUMS)[number], number>;

/**
 * Filters of a language's lists, by the last 16 bits of a hash: what they say 0 of is in no list. `beginnings` is of three
 * units of ASCII, in lower case, with which an obscene word that stands between other characters may begin, 0 for those
 * behind the piece; `stopWords` of the hashes of stop words; `sequences` of those of first words of sequences.
 */
export interface LanguageFilters {
  readonly beginnings: Uint8Array;
  readonly stopWords: Uint8Array;
  readonly sequences: Uint8Array;
}

/** The last bits of a hash that filters are asked by. */
export const FILTER_MASK = 0xffff;

export function beginningHash(first: number, second: number, third: number): number {
  return (first ^ Math.imul(second, 0x9e35) ^ Math.imul(third, 0x6a7b)) & FILTER_MASK;
}

/** Heads of the different pieces whose language facts are not those of a language. */
export function foreignPieces(pieces: Pieces, { heads }: KnownPieces, language: number): number[] {
  const foreign: number[] = [];
  for (let piece = 0; piece < pieces.distinctCount; piece++) {
    const head = pieces.distinct[piece * ENTRY + PIECE];
    if (heads[head + HEAD_LANGUAGE] !== language) foreign.push(head);
  }
  return foreign;
}

export function sumPieces(pieces: Pieces, { heads }: KnownPieces): PieceSums {
  const { distinct, counts } = pieces;
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
  return {
    characters,
    bytes,
    pieceUnits,
    flags,
    languageFlags,
    spokenWords,
    spokenCharacters,
    alphabeticWords,
    beginningWords,
    withLetter,
    wholeStopWords,
    rawWords,
    rawAlphabetic,
    stopWords,
    alphanumerics,
    lettersAndMarks,
    uppers,
    digits,
    plainCharacters,
    sentences,
    hashes,
    ellipses,
    parentheses,
    braces,
    backspaces,
    urlUnits,
    capitalWords,
    continuedSentences: continuedSentences(pieces),
  };
}

/** Sentences that seem to begin with a piece and go on from one before it. */
function continuedSentences(pieces: Pieces): number {
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
