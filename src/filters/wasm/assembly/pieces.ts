/** Splitting a text into pieces and lines, and the tables of what is in it: `scan/pieces.ts`. */
import * as fact from '../../scan/piece-facts';
import {
  C4_SENTENCES,
  DIGIT_UNITS,
  ENTRY,
  FLAGS,
  HEAD_COUNTS,
  HEAD_FLAGS,
  HEAD_HIGH,
  HEAD_INDEX,
  HEAD_LOW,
  HEAD_NORMAL,
  HEAD_RECORD,
  HEAD_TEXT,
  HEAD_UNITS,
  HEAD_WORD_CHARACTERS,
  HEAD_WORDS,
  HIGH,
  LOW,
  NORMAL_CHARACTERS,
  NORMAL_WORD,
  NUMERICAL,
  OCCURRENCES,
  PAIRS,
  PIECE,
  UNICODE_WORDS,
  UPPER_UNITS,
  VISIBLE,
  WORDS,
  WORDS_AT,
} from '../../scan/piece-layout';
import {
  BATCH,
  BATCH_AT,
  DISTINCT_AT,
  END_OF_AT,
  ENTRY_AT,
  FOUND_AT,
  FOUND_COMMON_SPACES,
  FOUND_DISTINCT,
  FOUND_EXTRA_SPACE_BYTES,
  FOUND_LINES,
  FOUND_NUMBERS,
  FOUND_PHYSICAL_LINES,
  FOUND_PIECES,
  FOUND_SEQUENCES,
  FOUND_UNICODE_WORDS,
  FOUND_WORDS,
  HEADS_AT,
  LINE_BYTES,
  LINES_AT,
  NUMBERS_AT,
  NUMBERS_BYTES,
  PHYSICAL_LINES_AT,
  PIECE_COUNTS_AT,
  RECORDS_AT,
  SEPARATORS_AT,
  START_AT,
  SUMS_AT,
  SUMS_BYTES,
  TEXT_WORDS_AT,
  UNITS_AT,
} from '../layout';
import { beginText, textNumberCount, textNumberOf } from './numbers';
import { candidateOf, findPiece, makeRoom } from './vocabulary';

const CARRIAGE_RETURN: i32 = 0x0d;
const LINE_FEED: i32 = 0x0a;
const TAB: i32 = 0x09;
const SPACE: i32 = 0x20;
const SEED_LOW: i32 = 0x811c9dc5;
const SEED_HIGH: i32 = 0x9747b28c;

let text: i32 = 0;
export let pieces: i32 = 0;
export let distinct: i32 = 0;
let wordsUsed: i32 = 0;
export let lines: i32 = 0;
export let physicalLines: i32 = 0;

// @ts-ignore: decorator
@inline
function found(what: i32, value: i32): void {
  store<i32>(FOUND_AT + (what << 2), value);
}

/** Splits the text of `length` code units. */
export function splitPieces(length: i32): void {
  makeRoom();
  text += 1;
  beginText(text);
  pieces = 0;
  distinct = 0;
  wordsUsed = 0;
  lines = 0;
  physicalLines = 0;
  let commonSpaces: i32 = 0;
  let extraSpaceBytes: i32 = 0;
  let lineStart: i32 = 0;
  let physicalStart: i32 = 0;
  let at: i32 = UNITS_AT;
  const end = UNITS_AT + (length << 1);
  while (at < end) {
    let unit = <i32>load<u16>(at);
    const separator = load<u8>(SEPARATORS_AT + unit);
    if (separator !== 0) {
      if (unit === SPACE || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === TAB) commonSpaces += 1;
      else if (unit >= 0x80) extraSpaceBytes += unit < 0x800 ? 1 : 2;
      if (separator === 2) {
        const i = (at - UNITS_AT) >> 1;
        // A line feed behind a carriage return ends no second line.
        if (unit !== LINE_FEED || i === 0 || <i32>load<u16>(at - 2) !== CARRIAGE_RETURN) {
          pushLine(PHYSICAL_LINES_AT + (physicalLines++ << 2), physicalStart, i);
        }
        physicalStart = i + 1;
        if (unit === LINE_FEED) {
          pushLine(LINES_AT + (lines++ << 2), lineStart, i);
          lineStart = i + 1;
        }
      }
      at += 2;
      continue;
    }
    const start = at;
    let low = SEED_LOW;
    let high = SEED_HIGH;
    let all: i32 = 0;
    do {
      low = (low ^ unit) * 0x01000193;
      high = (high ^ unit) * 0x5bd1e995;
      all |= unit;
      at += 2;
      unit = <i32>load<u16>(at);
    } while (load<u8>(SEPARATORS_AT + unit) === 0);
    const index = pieces++;
    store<i32>(START_AT + (index << 2), (start - UNITS_AT) >> 1);
    store<i32>(END_OF_AT + (index << 2), (at - UNITS_AT) >> 1);
    const row = BATCH_AT + (waiting << 4);
    store<i32>(row, low);
    store<i32>(row, high, 4);
    store<i32>(row, i32(all < 0x80), 8);
    waiting += 1;
    if (waiting === BATCH) findBatch();
  }
  findBatch();
  pushLine(LINES_AT + (lines++ << 2), lineStart, length);
  if (physicalStart < length) pushLine(PHYSICAL_LINES_AT + (physicalLines++ << 2), physicalStart, length);
  found(FOUND_PIECES, pieces);
  found(FOUND_DISTINCT, distinct);
  found(FOUND_NUMBERS, textNumberCount());
  found(FOUND_COMMON_SPACES, commonSpaces);
  found(FOUND_EXTRA_SPACE_BYTES, extraSpaceBytes);
  found(FOUND_LINES, lines);
  found(FOUND_PHYSICAL_LINES, physicalLines);
  countWords();
}

// @ts-ignore: decorator
@inline
function pushLine(at: i32, start: i32, end: i32): void {
  store<i32>(at, start);
  store<i32>(at + LINE_BYTES, end);
  store<i32>(at + 2 * LINE_BYTES, pieces);
}

let waiting: i32 = 0;
/** Keeps the loads that only bring heads nearer from being left out. */
export let touched: i32 = 0;

/**
 * Finds the last pieces, which wait. What each of them misses in the caches, slot and head, is asked for all of them first, so
 * that the processor waits for many lines at once.
 */
function findBatch(): void {
  const end = BATCH_AT + (waiting << 4);
  for (let row: i32 = BATCH_AT; row < end; row += 16) {
    store<i32>(row, candidateOf(load<i32>(row), load<i32>(row, 4)), 12);
  }
  let sum: i32 = 0;
  for (let row: i32 = BATCH_AT; row < end; row += 16) {
    const head = load<i32>(row, 12);
    sum ^= load<i32>(head) ^ load<i32>(head, 64);
  }
  touched = sum;
  let at = (pieces - waiting) << 2;
  for (let row: i32 = BATCH_AT; row < end; row += 16) {
    const start = UNITS_AT + (load<i32>(START_AT + at) << 1);
    const behind = UNITS_AT + (load<i32>(END_OF_AT + at) << 1);
    const head = findPiece(start, behind, load<i32>(row), load<i32>(row, 4), load<i32>(row, 8) !== 0);
    let entry: i32;
    if (load<i32>(head, 4 * HEAD_TEXT) === text) entry = load<i32>(head, 4 * HEAD_INDEX);
    else {
      entry = addEntry(head);
      store<i32>(head, text, 4 * HEAD_TEXT);
      store<i32>(head, entry, 4 * HEAD_INDEX);
    }
    store<i32>(ENTRY_AT + at, entry);
    const distinctRow = DISTINCT_AT + (entry << 2);
    store<i32>(distinctRow, load<i32>(distinctRow, 4 * OCCURRENCES) + 1, 4 * OCCURRENCES);
    at += 4;
  }
  waiting = 0;
}

// @ts-ignore: decorator
@inline
function mix(value: i32): i32 {
  let h = value;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

// @ts-ignore: decorator
@inline
function head32(head: i32, what: i32): i32 {
  return load<i32>(head + (what << 2));
}

// @ts-ignore: decorator
@inline
function put(row: i32, what: i32, value: i32): void {
  store<i32>(row + (what << 2), value);
}

/** Adds the piece at `head` to the different ones of the text; returns the place of its entry. */
function addEntry(head: i32): i32 {
  const index = distinct++;
  const row = DISTINCT_AT + index * (4 * ENTRY);
  const counts = PIECE_COUNTS_AT + index * (4 * fact.COUNTS);
  const flags = head32(head, HEAD_FLAGS);
  const record = head32(head, HEAD_RECORD);
  if (record < 0) {
    const bytes = head + 4 * HEAD_COUNTS;
    // 28 bytes to 28 integers.
    for (let i: i32 = 0; i < fact.COUNTS; i += 4) {
      v128.store(
        counts + (i << 2),
        v128.extend_low<u16>(v128.extend_low<u8>(v128.load32_zero(bytes + i))),
      );
    }
  } else {
    memory.copy(counts, RECORDS_AT + (record << 2), 4 * fact.COUNTS);
  }
  const words = load<i32>(counts, 4 * fact.WORDS);
  const unicodeWords = load<i32>(counts, 4 * fact.UNICODE_WORDS);
  const normal = head32(head, HEAD_NORMAL);
  put(row, PIECE, (head - HEADS_AT) >> 2);
  put(row, OCCURRENCES, 0);
  put(row, FLAGS, flags);
  put(row, LOW, mix(head32(head, HEAD_LOW)));
  put(row, HIGH, mix(head32(head, HEAD_HIGH)));
  put(row, PAIRS, head32(head, HEAD_UNITS) - load<i32>(counts, 4 * fact.CHARACTERS));
  put(row, WORDS, words);
  put(row, UNICODE_WORDS, unicodeWords);
  put(row, WORDS_AT, wordsUsed);
  put(row, C4_SENTENCES, load<i32>(counts, 4 * fact.C4_SENTENCES));
  put(row, UPPER_UNITS, load<i32>(counts, 4 * fact.UPPER_UNITS));
  put(row, DIGIT_UNITS, load<i32>(counts, 4 * fact.DIGIT_UNITS));
  put(row, VISIBLE, load<i32>(counts, 4 * fact.VISIBLE));
  put(row, NUMERICAL, load<i32>(counts, 4 * fact.NUMERICAL));
  put(row, NORMAL_WORD, normal < 0 ? -1 : textNumberOf(normal));
  put(row, NORMAL_CHARACTERS, load<i32>(counts, 4 * fact.NORMAL_CHARACTERS));
  if (record < 0) {
    const numbers = head + 4 * HEAD_WORDS;
    const characters = head + 4 * HEAD_WORD_CHARACTERS;
    for (let i: i32 = 0; i < words; i++) addWord(load<i32>(numbers + (i << 2)), load<u8>(characters + i));
    if (unicodeWords > 0) addWord(load<i32>(numbers, 8), load<u8>(characters, 2));
  } else {
    const first = RECORDS_AT + ((record + fact.COUNTS) << 2);
    const behind = first + ((words + unicodeWords) << 3);
    for (let at = first; at < behind; at += 8) addWord(load<i32>(at), load<i32>(at, 4));
  }
  return index * ENTRY;
}

// @ts-ignore: decorator
@inline
function addWord(word: i32, characters: i32): void {
  const at = TEXT_WORDS_AT + (wordsUsed << 2);
  store<i32>(at, textNumberOf(word));
  store<i32>(at, characters, 4);
  wordsUsed += 2;
}

function countWords(): void {
  let words: i32 = 0;
  let unicodeWords: i32 = 0;
  for (let row = DISTINCT_AT, end = DISTINCT_AT + distinct * (4 * ENTRY); row < end; row += 4 * ENTRY) {
    const times = load<i32>(row, 4 * OCCURRENCES);
    words += times * load<i32>(row, 4 * WORDS);
    unicodeWords += times * load<i32>(row, 4 * UNICODE_WORDS);
  }
  found(FOUND_WORDS, words);
  found(FOUND_UNICODE_WORDS, unicodeWords);
}

/** Writes the three sequences of words: those of `words.ts`, those by Unicode's boundaries, normal forms. */
export function fillSequences(): void {
  let words = NUMBERS_AT;
  let wordSums = SUMS_AT;
  let unicode = NUMBERS_AT + NUMBERS_BYTES;
  let unicodeSums = SUMS_AT + SUMS_BYTES;
  let normals = NUMBERS_AT + 2 * NUMBERS_BYTES;
  let normalSums = SUMS_AT + 2 * SUMS_BYTES;
  let wordSum: i32 = 0;
  let unicodeSum: i32 = 0;
  let normalSum: i32 = 0;
  store<i32>(wordSums, 0);
  store<i32>(unicodeSums, 0);
  store<i32>(normalSums, 0);
  for (let at = ENTRY_AT, end = ENTRY_AT + (pieces << 2); at < end; at += 4) {
    const row = DISTINCT_AT + (load<i32>(at) << 2);
    let word = TEXT_WORDS_AT + (load<i32>(row, 4 * WORDS_AT) << 2);
    for (let behind = word + (load<i32>(row, 4 * WORDS) << 3); word < behind; word += 8) {
      store<i32>(words, load<i32>(word));
      wordSum += load<i32>(word, 4);
      words += 4;
      wordSums += 4;
      store<i32>(wordSums, wordSum);
    }
    for (let behind = word + (load<i32>(row, 4 * UNICODE_WORDS) << 3); word < behind; word += 8) {
      store<i32>(unicode, load<i32>(word));
      unicodeSum += load<i32>(word, 4);
      unicode += 4;
      unicodeSums += 4;
      store<i32>(unicodeSums, unicodeSum);
    }
    const normal = load<i32>(row, 4 * NORMAL_WORD);
    if (normal < 0) continue;
    store<i32>(normals, normal);
    normalSum += load<i32>(row, 4 * NORMAL_CHARACTERS);
    normals += 4;
    normalSums += 4;
    store<i32>(normalSums, normalSum);
  }
  found(FOUND_SEQUENCES, (words - NUMBERS_AT) >> 2);
  found(FOUND_SEQUENCES + 1, (unicode - NUMBERS_AT - NUMBERS_BYTES) >> 2);
  found(FOUND_SEQUENCES + 2, (normals - NUMBERS_AT - 2 * NUMBERS_BYTES) >> 2);
}
