/** Every piece that was met, described once: `scan/vocabulary.ts`. A piece is known by the address of its head. */
import * as fact from '../../scan/piece-facts';
import {
  HEAD_COUNTS,
  HEAD_FLAGS,
  HEAD_HIGH,
  HEAD_LANGUAGE,
  HEAD_LOW,
  HEAD_NORMAL,
  HEAD_RECORD,
  HEAD_START,
  HEAD_TEXT,
  HEAD_UNITS,
  HEAD_WORD_CHARACTERS,
  HEAD_WORDS,
  SHORT,
} from '../../scan/piece-layout';
import {
  DESCRIBED_AT,
  DESCRIBED_FLAGS,
  DESCRIBED_NORMAL_HIGH,
  DESCRIBED_NORMAL_LOW,
  DESCRIBED_UNICODE_WORDS_AT,
  DESCRIBED_WORD_BYTES,
  DESCRIBED_WORDS_AT,
  FIRST_PIECE_SLOT_BITS,
  HEADS_AT,
  LONG_UNITS_AT,
  MAX_PIECES,
  MAX_RECORDS,
  MAX_UNITS,
  MAX_WORDS_KEPT,
  PIECE_SLOTS_AT,
  RECORDS_AT,
} from '../layout';
import { describePiece } from './describe';
import { clearNumbers, numbered, numberOf, slotHash } from './numbers';

let pieces: i32 = 0;
let recordsUsed: i32 = 0;
let unitsUsed: i32 = 0;
let bits: i32 = FIRST_PIECE_SLOT_BITS;

/** Forgets everything where more is held than is to be kept. */
export function makeRoom(): void {
  const isFull =
    pieces > MAX_PIECES ||
    numbered > MAX_WORDS_KEPT ||
    unitsUsed > MAX_UNITS ||
    recordsUsed > MAX_RECORDS;
  if (!isFull) return;
  pieces = 0;
  recordsUsed = 0;
  unitsUsed = 0;
  bits = FIRST_PIECE_SLOT_BITS;
  memory.fill(PIECE_SLOTS_AT, 0, 8 << bits);
  clearNumbers();
}

/** Where the head of a piece with this hash would be by the first slot; the first head where there is none. */
// @ts-ignore: decorator
@inline
export function candidateOf(low: i32, high: i32): i32 {
  const slot = slotHash(low, high) & ((1 << bits) - 1);
  return HEADS_AT + (max(load<i32>(PIECE_SLOTS_AT + (slot << 3), 4) - 1, 0) << 7);
}

/** Head of the piece of the code units `[start, end)`, whose hash is given. */
export function findPiece(start: i32, end: i32, low: i32, high: i32, isAscii: bool): i32 {
  const mask = (1 << bits) - 1;
  const length = (end - start) >> 1;
  let slot = slotHash(low, high) & mask;
  for (;;) {
    const at = PIECE_SLOTS_AT + (slot << 3);
    const number = load<i32>(at, 4);
    if (number === 0) break;
    if (load<i32>(at) === low) {
      const head = HEADS_AT + ((number - 1) << 7);
      if (
        load<i32>(head, 4 * HEAD_HIGH) === high &&
        load<i32>(head, 4 * HEAD_UNITS) === length &&
        equals(unitsOf(head, length), start, end - start)
      )
        return head;
    }
    slot = (slot + 1) & mask;
  }
  return add(start, end, low, high, isAscii, slot);
}

// @ts-ignore: decorator
@inline
export function unitsOf(head: i32, length: i32): i32 {
  return length <= SHORT
    ? head + 4 * HEAD_START
    : LONG_UNITS_AT + (load<i32>(head, 4 * HEAD_START) << 1);
}

/** Whether `size` bytes are equal. What is read beyond them is in the memory. */
// @ts-ignore: decorator
@inline
function equals(known: i32, start: i32, size: i32): bool {
  let i: i32 = 0;
  for (; i + 8 <= size; i += 8) if (load<u64>(known + i) !== load<u64>(start + i)) return false;
  const rest = (size - i) << 3;
  if (rest === 0) return true;
  return ((load<u64>(known + i) ^ load<u64>(start + i)) & (((<u64>1) << rest) - 1)) === 0;
}

function add(start: i32, end: i32, low: i32, high: i32, isAscii: bool, slot: i32): i32 {
  describePiece(start, end, isAscii);
  const length = (end - start) >> 1;
  const head = HEADS_AT + (pieces << 7);
  store<i32>(head, low, 4 * HEAD_LOW);
  store<i32>(head, high, 4 * HEAD_HIGH);
  store<i32>(head, length, 4 * HEAD_UNITS);
  store<i32>(head, 0, 4 * HEAD_TEXT);
  store<i32>(head, load<i32>(DESCRIBED_AT, 4 * DESCRIBED_FLAGS), 4 * HEAD_FLAGS);
  const normal = load<i32>(DESCRIBED_AT, 4 * fact.NORMAL_CHARACTERS);
  store<i32>(
    head,
    normal === 0
      ? -1
      : numberOf(
          load<i32>(DESCRIBED_AT, 4 * DESCRIBED_NORMAL_LOW),
          load<i32>(DESCRIBED_AT, 4 * DESCRIBED_NORMAL_HIGH),
        ),
    4 * HEAD_NORMAL,
  );
  store<i32>(head, 0, 4 * HEAD_LANGUAGE);
  if (length > SHORT) {
    store<i32>(head, unitsUsed, 4 * HEAD_START);
    unitsUsed += length;
  }
  memory.copy(unitsOf(head, length), start, end - start);
  const words = load<i32>(DESCRIBED_AT, 4 * fact.WORDS);
  const unicodeWords = load<i32>(DESCRIBED_AT, 4 * fact.UNICODE_WORDS);
  if (length <= SHORT && words <= 2 && unicodeWords <= 1) keepShort(head, words, unicodeWords);
  else keepRecord(head, words, unicodeWords);
  pieces += 1;
  const at = PIECE_SLOTS_AT + (slot << 3);
  store<i32>(at, low);
  store<i32>(at, pieces, 4);
  if (pieces * 3 > 2 << bits) spread();
  return head;
}

/** Puts the facts of the piece that was described last into its head. */
function keepShort(head: i32, words: i32, unicodeWords: i32): void {
  store<i32>(head, -1, 4 * HEAD_RECORD);
  for (let i: i32 = 0; i < fact.COUNTS; i++) {
    store<u8>(head + 4 * HEAD_COUNTS + i, <u8>load<i32>(DESCRIBED_AT + (i << 2)));
  }
  for (let i: i32 = 0; i < words; i++) {
    const word = DESCRIBED_WORDS_AT + i * DESCRIBED_WORD_BYTES;
    store<i32>(head + 4 * HEAD_WORDS + (i << 2), numberOf(load<i32>(word), load<i32>(word, 4)));
    store<u8>(head + 4 * HEAD_WORD_CHARACTERS + i, load<u8>(word, 8));
  }
  if (unicodeWords === 0) return;
  const word = DESCRIBED_UNICODE_WORDS_AT;
  store<i32>(head, numberOf(load<i32>(word), load<i32>(word, 4)), 4 * HEAD_WORDS + 8);
  store<u8>(head, load<u8>(word, 8), 4 * HEAD_WORD_CHARACTERS + 2);
}

/** Puts them into a record. */
function keepRecord(head: i32, words: i32, unicodeWords: i32): void {
  store<i32>(head, recordsUsed, 4 * HEAD_RECORD);
  let out = RECORDS_AT + (recordsUsed << 2);
  recordsUsed += fact.COUNTS + 2 * (words + unicodeWords);
  memory.copy(out, DESCRIBED_AT, 4 * fact.COUNTS);
  out = keepWords(out + 4 * fact.COUNTS, DESCRIBED_WORDS_AT, words);
  keepWords(out, DESCRIBED_UNICODE_WORDS_AT, unicodeWords);
}

function keepWords(out: i32, described: i32, words: i32): i32 {
  let at = out;
  for (let i: i32 = 0; i < words; i++, at += 8) {
    const word = described + i * DESCRIBED_WORD_BYTES;
    store<i32>(at, numberOf(load<i32>(word), load<i32>(word, 4)));
    store<i32>(at, load<i32>(word, 8), 4);
  }
  return at;
}

/** Doubles the slots. */
function spread(): void {
  bits += 1;
  memory.fill(PIECE_SLOTS_AT, 0, 8 << bits);
  const mask = (1 << bits) - 1;
  for (let piece: i32 = 0; piece < pieces; piece++) {
    const head = HEADS_AT + (piece << 7);
    const low = load<i32>(head, 4 * HEAD_LOW);
    let slot = slotHash(low, load<i32>(head, 4 * HEAD_HIGH)) & mask;
    while (load<i32>(PIECE_SLOTS_AT + (slot << 3), 4) !== 0) slot = (slot + 1) & mask;
    store<i32>(PIECE_SLOTS_AT + (slot << 3), low);
    store<i32>(PIECE_SLOTS_AT + (slot << 3), piece + 1, 4);
  }
}
