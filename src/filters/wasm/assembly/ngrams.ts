/**
 * The n-grams of a sequence of words that occur more than once, as `scan/repeated-ngrams.ts` has them, and what is measured
 * of them. Two n-grams are equal where both (n-1)-grams in them are: equality is exact.
 */
import {
  COUNTS_AT,
  FIGURES_AT,
  IDS_AT,
  NGRAM_SLOTS_AT,
  NUMBERS_AT,
  NUMBERS_BYTES,
  PAIRS_AT,
  POSITIONS_AT,
  SEEN_AT,
  SUMS_AT,
  SUMS_BYTES,
} from '../layout';

const LAST_TOP: i32 = 4;
const LAST: i32 = 10;

/** Length of the n-grams at hand, their occurrences, how many there are, and how often the most frequent one occurs. */
let n: i32 = 1;
let size: i32 = 0;
let idCount: i32 = 0;
let top: i32 = 0;
let sums: i32 = SUMS_AT;

/**
 * Measures the sequence `sequence` of `count` words whose numbers are below `limit`; writes the figures. Repeats are counted
 * by covering, or by skipping (see `ngram-figures.ts`).
 */
export function measureNgrams(sequence: i32, count: i32, limit: i32, skips: bool): void {
  sums = SUMS_AT + sequence * SUMS_BYTES;
  store<i32>(FIGURES_AT, begin(NUMBERS_AT + sequence * NUMBERS_BYTES, count, limit));
  let out = FIGURES_AT + 4;
  while (n < LAST) {
    next();
    if (n <= LAST_TOP) {
      store<i32>(out, top);
      store<i32>(out, top > 1 ? firstTop() : -1, 4);
      store<i32>(out, top > 1 ? longestTop() : 0, 8);
      out += 12;
    } else {
      store<i32>(out, skips ? skippedCharacters() : coveredCharacters());
      out += 4;
    }
  }
}

/** Occurrences of the words of a sequence that occur more than once, in the order of their first ones; returns how many. */
export function repeatedWords(sequence: i32, count: i32, limit: i32): i32 {
  begin(NUMBERS_AT + sequence * NUMBERS_BYTES, count, limit);
  memory.fill(SEEN_AT, 0, limit);
  let out = PAIRS_AT;
  for (let at = IDS_AT, end = IDS_AT + (size << 2); at < end; at += 4) {
    const id = load<i32>(at);
    if (load<u8>(SEEN_AT + id) !== 0) continue;
    store<u8>(SEEN_AT + id, 1);
    store<i32>(out, load<i32>(COUNTS_AT + (id << 2)));
    out += 4;
  }
  return <i32>((out - PAIRS_AT) >> 2);
}

/** Starts with words; returns how many of them are different. */
function begin(numbers: i32, count: i32, limit: i32): i32 {
  n = 1;
  idCount = limit;
  memory.fill(COUNTS_AT, 0, limit << 2);
  const end = numbers + (count << 2);
  let distinct: i32 = 0;
  for (let at = numbers; at < end; at += 4) {
    const counted = COUNTS_AT + (load<i32>(at) << 2);
    const before = load<i32>(counted);
    distinct += i32(before === 0);
    store<i32>(counted, before + 1);
  }
  let out: i32 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const number = load<i32>(numbers + (i << 2));
    store<i32>(POSITIONS_AT + (out << 2), i);
    store<i32>(IDS_AT + (out << 2), number);
    out += i32(load<i32>(COUNTS_AT + (number << 2)) > 1);
  }
  size = out;
  return distinct;
}

/** Goes on to n-grams that are one word longer. */
function next(): void {
  n += 1;
  top = 0;
  if (size < 2) {
    size = 0;
    idCount = 0;
    return;
  }
  let bits: i32 = 4;
  while (1 << bits < size * 2) bits += 1;
  const mask = ((1 << bits) - 1) << 2;
  memory.fill(NGRAM_SLOTS_AT, 0, 4 << bits);
  let ids: i32 = 0;
  // Positions whose successor is there too are written over what has been read.
  let out: i32 = 0;
  let position = load<i32>(POSITIONS_AT);
  let first = load<u32>(IDS_AT);
  const end = size << 2;
  for (let k: i32 = 4; k < end; k += 4) {
    const following = load<i32>(POSITIONS_AT + k);
    const second = load<u32>(IDS_AT + k);
    if (following === position + 1) {
      const pair = ((<u64>first) << 32) | (<u64>second);
      let hash = pair * 0x9e3779b97f4a7c15;
      hash = (hash ^ (hash >> 32)) * 0xc2b2ae3d27d4eb4f;
      let slot = <i32>(hash >> 40) & mask;
      let id: i32;
      for (;;) {
        id = load<i32>(NGRAM_SLOTS_AT + slot) - 1;
        if (id < 0) {
          store<u64>(PAIRS_AT + (ids << 3), pair);
          store<i32>(COUNTS_AT + (ids << 2), 1);
          id = ids++;
          store<i32>(NGRAM_SLOTS_AT + slot, ids);
          break;
        }
        if (load<u64>(PAIRS_AT + (id << 3)) === pair) {
          const counted = COUNTS_AT + (id << 2);
          store<i32>(counted, load<i32>(counted) + 1);
          break;
        }
        slot = (slot + 4) & mask;
      }
      store<i32>(POSITIONS_AT + (out << 2), position);
      store<i32>(IDS_AT + (out << 2), id);
      out += 1;
    }
    position = following;
    first = second;
  }
  idCount = ids;
  dropSingles(out);
}

/** Lets occurrences go whose n-gram has no other. */
function dropSingles(candidates: i32): void {
  let out: i32 = 0;
  for (let k: i32 = 0; k < candidates; k++) {
    const id = load<i32>(IDS_AT + (k << 2));
    const count = load<i32>(COUNTS_AT + (id << 2));
    store<i32>(POSITIONS_AT + (out << 2), load<i32>(POSITIONS_AT + (k << 2)));
    store<i32>(IDS_AT + (out << 2), id);
    out += i32(count > 1);
    top = max(top, count);
  }
  size = out;
}

// @ts-ignore: decorator
@inline
function between(start: i32, end: i32): i32 {
  return load<i32>(sums + (end << 2)) - load<i32>(sums + (start << 2));
}

/** Where the first of the most frequent n-grams begins. */
function firstTop(): i32 {
  let k: i32 = 0;
  while (load<i32>(COUNTS_AT + (load<i32>(IDS_AT + (k << 2)) << 2)) !== top) k += 1;
  return load<i32>(POSITIONS_AT + (k << 2));
}

/** Characters of the longest of the most frequent n-grams. */
function longestTop(): i32 {
  let longest: i32 = 0;
  for (let k: i32 = 0; k < size; k++) {
    if (load<i32>(COUNTS_AT + (load<i32>(IDS_AT + (k << 2)) << 2)) !== top) continue;
    const position = load<i32>(POSITIONS_AT + (k << 2));
    longest = max(longest, between(position, position + n));
  }
  return longest;
}

/** Characters of the n-grams that repeat an earlier one, a repeated one being skipped whole. */
function skippedCharacters(): i32 {
  memory.fill(SEEN_AT, 0, idCount);
  let characters: i32 = 0;
  let free: i32 = 0;
  for (let k: i32 = 0; k < size; k++) {
    const position = load<i32>(POSITIONS_AT + (k << 2));
    if (position < free) continue;
    const seen = SEEN_AT + load<i32>(IDS_AT + (k << 2));
    if (load<u8>(seen) === 0) {
      store<u8>(seen, 1);
      continue;
    }
    characters += between(position, position + n);
    free = position + n;
  }
  return characters;
}

/** Characters of the words that belong to an n-gram that occurs more than once. */
function coveredCharacters(): i32 {
  let characters: i32 = 0;
  let covered: i32 = 0;
  for (let k: i32 = 0; k < size; k++) {
    const position = load<i32>(POSITIONS_AT + (k << 2));
    const end = position + n;
    characters += between(max(position, covered), end);
    covered = end;
  }
  return characters;
}
