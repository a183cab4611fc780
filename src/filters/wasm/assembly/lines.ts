/** What is measured of each line from its pieces: `scan/line-sums.ts`. */
import * as fact from '../../scan/piece-facts';
import {
  C4_SENTENCES,
  DIGIT_UNITS,
  FLAGS,
  HIGH,
  LOW,
  NUMERICAL,
  PAIRS,
  UPPER_UNITS,
  VISIBLE,
  WORDS,
} from '../../scan/piece-layout';
import {
  DISTINCT_AT,
  END_OF_AT,
  ENTRY_AT,
  LINE_BYTES,
  LINES_AT,
  PHYSICAL_LINES_AT,
  START_AT,
  UNITS_AT,
} from '../layout';
import { lines, physicalLines } from './pieces';

const SEED_LOW: i32 = 0x811c9dc5;
const SEED_HIGH: i32 = 0x9747b28c;

// @ts-ignore: decorator
@inline
function rowOf(piece: i32): i32 {
  return DISTINCT_AT + (load<i32>(ENTRY_AT + (piece << 2)) << 2);
}

/** Fills the columns of the lines behind the first three. */
export function measureLines(): void {
  let piece = 0;
  for (let line = LINES_AT, end = LINES_AT + (lines << 2); line < end; line += 4) {
    const lineStart = load<i32>(line);
    const lineEnd = load<i32>(line + LINE_BYTES);
    const last = load<i32>(line + 2 * LINE_BYTES);
    let low = SEED_LOW;
    let high = SEED_HIGH;
    let characters = lineEnd - lineStart;
    let flags: i32 = 0;
    let upperUnits: i32 = 0;
    let digitUnits: i32 = 0;
    let numerical: i32 = 0;
    let normal: i32 = 0;
    let beginningWords: i32 = 0;
    let at = UNITS_AT + (lineStart << 1);
    for (; piece < last; piece++) {
      for (const from = UNITS_AT + (load<i32>(START_AT + (piece << 2)) << 1); at < from; at += 2) {
        const unit = <i32>load<u16>(at);
        low = (low ^ unit) * 0x01000193;
        high = (high ^ unit) * 0x5bd1e995;
      }
      const row = rowOf(piece);
      low = (low ^ load<i32>(row, 4 * LOW)) * 0x01000193;
      high = (high ^ load<i32>(row, 4 * HIGH)) * 0x5bd1e995;
      characters -= load<i32>(row, 4 * PAIRS);
      at = UNITS_AT + (load<i32>(END_OF_AT + (piece << 2)) << 1);
      const bits = load<i32>(row, 4 * FLAGS);
      flags |= bits;
      beginningWords += i32((bits & fact.BEGINS_WORD) !== 0);
      upperUnits += load<i32>(row, 4 * UPPER_UNITS);
      digitUnits += load<i32>(row, 4 * DIGIT_UNITS);
      numerical += load<i32>(row, 4 * NUMERICAL);
      const visible = load<i32>(row, 4 * VISIBLE);
      if (visible > 0) normal += visible + i32(normal > 0);
    }
    for (const behind = UNITS_AT + (lineEnd << 1); at < behind; at += 2) {
      const unit = <i32>load<u16>(at);
      low = (low ^ unit) * 0x01000193;
      high = (high ^ unit) * 0x5bd1e995;
    }
    store<i32>(line + 3 * LINE_BYTES, characters);
    store<i32>(line + 4 * LINE_BYTES, low);
    store<i32>(line + 5 * LINE_BYTES, high);
    store<i32>(line + 6 * LINE_BYTES, flags);
    store<i32>(line + 7 * LINE_BYTES, upperUnits);
    store<i32>(line + 8 * LINE_BYTES, digitUnits);
    store<i32>(line + 9 * LINE_BYTES, numerical);
    store<i32>(line + 10 * LINE_BYTES, normal);
    store<i32>(line + 11 * LINE_BYTES, beginningWords);
  }
}

/** The same of physical lines. */
export function measurePhysicalLines(): void {
  let piece = 0;
  const end = PHYSICAL_LINES_AT + (physicalLines << 2);
  for (let line = PHYSICAL_LINES_AT; line < end; line += 4) {
    const last = load<i32>(line + 2 * LINE_BYTES);
    let flags: i32 = 0;
    let words: i32 = 0;
    let sentences: i32 = 1;
    let ended = false;
    for (; piece < last; piece++) {
      const row = rowOf(piece);
      const bits = load<i32>(row, 4 * FLAGS);
      flags |= bits;
      words += load<i32>(row, 4 * WORDS);
      sentences += load<i32>(row, 4 * C4_SENTENCES);
      if ((bits & fact.C4_EVENT) === 0) continue;
      if (ended && (bits & fact.C4_WORD_FIRST) !== 0) sentences += 1;
      ended = (bits & fact.C4_END_LAST) !== 0;
    }
    store<i32>(line + 3 * LINE_BYTES, flags);
    store<i32>(line + 4 * LINE_BYTES, words);
    store<i32>(line + 5 * LINE_BYTES, sentences);
  }
}
