/** ELD's scores of a short text: `language/classify.ts`, from the prepared units on. */
import {
  BEGINS,
  CUT_AFTER,
  ENDS,
  ENFORCE_CUT_AFTER,
  GRAM,
  KIND_BITS,
  LENGTH_SHIFT,
  MAX_WORD_BYTES,
  SCORE_BITS,
  STRIDE,
} from '../../language/limits';
import {
  GRAM_ENTRIES_AT,
  GRAM_SLOTS_AT,
  SAMPLE_AT,
  SCORES_AT,
  SEEN_GRAM_BITS,
  SEEN_GRAMS_AT,
  WORD_BYTES_AT,
} from '../layout';

const SPACE: i32 = 0x20;
const KIND_MASK: i32 = (1 << KIND_BITS) - 1;
const SCORE_MASK: i32 = (1 << SCORE_BITS) - 1;
/** A key of the n-grams of a text: bytes, kind, and above them the number of the text. */
const KIND_SHIFT: u64 = 32;
const TEXT_SHIFT: u64 = 44;
const MAX_TEXT: u64 = (1 << 20) - 1;
const SEEN_MASK: i32 = ((1 << SEEN_GRAM_BITS) - 1) << 3;

let mask: i32 = 0;
let languages: i32 = 0;
let text: u64 = 0;
let ngrams: i32 = 0;

/** Says how many slots the tables have, less one, and how many languages there are. */
export function configureLanguages(slotMask: i32, count: i32): void {
  mask = slotMask;
  languages = count;
}

/** Adds up the scores of the `length` prepared units; returns how many different n-grams they have. */
export function sumScores(length: i32): i32 {
  if (text === MAX_TEXT) {
    text = 0;
    memory.fill(SEEN_GRAMS_AT, 0, 8 << SEEN_GRAM_BITS);
  }
  text += 1;
  ngrams = 0;
  memory.fill(SCORES_AT, 0, languages << 2);
  let bytes: i32 = 0;
  let word: i32 = WORD_BYTES_AT;
  for (let at: i32 = SAMPLE_AT, end = SAMPLE_AT + (length << 1); at < end; at += 2) {
    const unit = <i32>load<u16>(at);
    if (unit === SPACE) {
      if (word > WORD_BYTES_AT) addWord(word - WORD_BYTES_AT);
      word = WORD_BYTES_AT;
      if (bytes > CUT_AFTER) break;
      bytes += 1;
    } else if (unit < 0x80) {
      store<u8>(word, <u8>unit);
      word += 1;
      bytes += 1;
    } else if (unit < 0x800) {
      store<u8>(word, <u8>(0xc0 | (unit >> 6)));
      store<u8>(word, <u8>(0x80 | (unit & 0x3f)), 1);
      word += 2;
      bytes += 2;
    } else {
      store<u8>(word, <u8>(0xe0 | (unit >> 12)));
      store<u8>(word, <u8>(0x80 | ((unit >> 6) & 0x3f)), 1);
      store<u8>(word, <u8>(0x80 | (unit & 0x3f)), 2);
      word += 3;
      bytes += 3;
    }
    if (bytes > ENFORCE_CUT_AFTER) break;
  }
  if (word > WORD_BYTES_AT) addWord(word - WORD_BYTES_AT);
  return ngrams;
}

function addWord(size: i32): void {
  const end = min(size, MAX_WORD_BYTES);
  let j: i32 = 0;
  for (; j + GRAM < end; j += STRIDE) {
    addGram(bswap<u32>(load<u32>(WORD_BYTES_AT + j)), (j === 0 ? BEGINS : 0) | (GRAM << LENGTH_SHIFT));
  }
  const start = max(end - GRAM, 0);
  const kind = (j === 0 ? BEGINS : 0) | ENDS;
  // Of a word that is longer the last n-gram has all the rest, which no table knows; it counts all the same.
  if (size > MAX_WORD_BYTES) addGram(hashRest(start, size), kind | ((size - start) << LENGTH_SHIFT));
  else {
    const packed = bswap<u32>(load<u32>(WORD_BYTES_AT + start)) >>> ((GRAM - (end - start)) << 3);
    addGram(packed, kind | ((end - start) << LENGTH_SHIFT));
  }
}

function hashRest(start: i32, end: i32): u32 {
  let hash: i32 = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = (hash ^ <i32>load<u8>(WORD_BYTES_AT + i)) * 0x01000193;
  return <u32>hash;
}

// @ts-ignore: decorator
@inline
function hashOf(bytes: u32, kind: i32): i32 {
  let h = <i32>bytes ^ (kind * 0x9e3779b1);
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

function addGram(bytes: u32, kind: i32): void {
  const hash = hashOf(bytes, kind);
  const key = <u64>bytes | ((<u64>kind) << KIND_SHIFT) | (text << TEXT_SHIFT);
  let seen = (hash << 3) & SEEN_MASK;
  for (;;) {
    const other = load<u64>(SEEN_GRAMS_AT + seen);
    if (other === key) return;
    if (other >> TEXT_SHIFT !== text) break;
    seen = (seen + 8) & SEEN_MASK;
  }
  store<u64>(SEEN_GRAMS_AT + seen, key);
  ngrams += 1;
  let slot = hash & mask;
  for (;;) {
    const at = GRAM_SLOTS_AT + (slot << 3);
    const value = load<i32>(at, 4);
    if (value === 0) return;
    if (load<u32>(at) === bytes && (value & KIND_MASK) === kind) {
      const first = GRAM_ENTRIES_AT + ((value >> KIND_BITS) << 2);
      for (let entry = first + 4, end = entry + (load<i32>(first) << 2); entry < end; entry += 4) {
        const languageScore = load<i32>(entry);
        const sum = SCORES_AT + ((languageScore >> SCORE_BITS) << 2);
        store<i32>(sum, load<i32>(sum) + (languageScore & SCORE_MASK));
      }
      return;
    }
    slot = (slot + 1) & mask;
  }
}
