/** Numbers of words, equal for equal ones, and in each text numbers from 0 on: `scan/word-numbers.ts`. */
import {
  FIRST_NUMBER_SLOT_BITS,
  NUMBER_HIGH_AT,
  NUMBER_LOW_AT,
  NUMBER_SLOTS_AT,
  NUMBER_TEXTS_AT,
} from '../layout';

export let numbered: i32 = 0;
let bits: i32 = FIRST_NUMBER_SLOT_BITS;

export function clearNumbers(): void {
  numbered = 0;
  last = -1;
  bits = FIRST_NUMBER_SLOT_BITS;
  memory.fill(NUMBER_SLOTS_AT, 0, 4 << bits);
}

// @ts-ignore: decorator
@inline
export function slotHash(low: i32, high: i32): i32 {
  return low ^ (low >>> 15) ^ (high * 0x9e3779b1);
}

/** The last word that a number was asked for: by most definitions the words of a piece are the same. */
let lastLow: i32 = 0;
let lastHigh: i32 = 0;
let last: i32 = -1;

/** The number of the word with this hash, a new one where it has none. */
export function numberOf(low: i32, high: i32): i32 {
  if (low === lastLow && high === lastHigh && last >= 0) return last;
  lastLow = low;
  lastHigh = high;
  last = findNumber(low, high);
  return last;
}

function findNumber(low: i32, high: i32): i32 {
  const mask = (1 << bits) - 1;
  let slot = slotHash(low, high) & mask;
  for (;;) {
    const number = load<i32>(NUMBER_SLOTS_AT + (slot << 2));
    if (number === 0) break;
    const at = (number - 1) << 2;
    if (load<i32>(NUMBER_LOW_AT + at) === low && load<i32>(NUMBER_HIGH_AT + at) === high) return number - 1;
    slot = (slot + 1) & mask;
  }
  const number = numbered++;
  store<i32>(NUMBER_LOW_AT + (number << 2), low);
  store<i32>(NUMBER_HIGH_AT + (number << 2), high);
  store<i32>(NUMBER_SLOTS_AT + (slot << 2), number + 1);
  if (numbered << 1 > 1 << bits) spread();
  return number;
}

/** Doubles the slots. */
function spread(): void {
  bits += 1;
  memory.fill(NUMBER_SLOTS_AT, 0, 4 << bits);
  const mask = (1 << bits) - 1;
  for (let number: i32 = 0; number < numbered; number++) {
    let slot =
      slotHash(load<i32>(NUMBER_LOW_AT + (number << 2)), load<i32>(NUMBER_HIGH_AT + (number << 2))) & mask;
    while (load<i32>(NUMBER_SLOTS_AT + (slot << 2)) !== 0) slot = (slot + 1) & mask;
    store<i32>(NUMBER_SLOTS_AT + (slot << 2), number + 1);
  }
}

let textNumbers: i32 = 0;
let text: i32 = 0;

/** Begins a text, by its number. */
export function beginText(textNumber: i32): void {
  text = textNumber;
  textNumbers = 0;
}

/** Different words of the text so far. */
export function textNumberCount(): i32 {
  return textNumbers;
}

/** Number of a word in the text. */
export function textNumberOf(word: i32): i32 {
  const at = NUMBER_TEXTS_AT + (word << 3);
  if (load<i32>(at) === text) return load<i32>(at, 4);
  store<i32>(at, text);
  store<i32>(at, textNumbers, 4);
  return textNumbers++;
}
