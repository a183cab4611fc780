/**
 * Scanner of GPT-2's pattern (Radford et al., 2019, encoder.py):
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
import { lettersEnd } from './ascii-runs.js';
import { characterAt, firstByteTable, MULTIBYTE } from './classes.js';
import { lowerContraction } from './contraction.js';
import { LOOKAHEAD, type Scanner } from './scanner.js';

const SYMBOL = 0;
const LETTER = 1;
const DIGIT = 2;
const BLANK = 3;
const NOTHING = 4;

/** Group of each class: other, upper, lower, uncased, mark, number, space, newline, end. */
const GROUPS = Uint8Array.of(SYMBOL, LETTER, LETTER, LETTER, SYMBOL, DIGIT, BLANK, BLANK, NOTHING);
const GROUP_OF_BYTE = firstByteTable([...GROUPS]);

const SPACE_BYTE = 0x20;
const APOSTROPHE = 0x27;

/** Of ASCII: 1 for a letter, 2 for the space, 0 for the rest. */
const WORD_START = Uint8Array.from(GROUP_OF_BYTE, (group, byte) =>
  group === LETTER ? 1 : byte === SPACE_BYTE ? 2 : 0,
);
/** Of ASCII: 3 for a letter, 1 for the rest. `WORD_START[first] & WORD_SECOND[second]` says whether a word begins. */
const WORD_SECOND = Uint8Array.from(GROUP_OF_BYTE, (group) => (group === LETTER ? 3 : 1));

/** Position behind the characters of a group from `at` on. */
function runEnd(bytes: Uint8Array, at: number, end: number, group: number): number {
  for (;;) {
    while (GROUP_OF_BYTE[bytes[at]] === group) at += 1;
    if (bytes[at] < 0x80) return at;
    const character = characterAt(bytes, at, end);
    if (GROUPS[character & 15] !== group) return at;
    at += character >> 4;
  }
}

/** All white space before the end of the text, else all but its last character; one alone is a pre-token. -1 as below. */
function blankEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  let at = position;
  let last = position;
  for (;;) {
    if (bytes[at] === SPACE_BYTE) {
      last = at;
      at += 1;
      continue;
    }
    const character = characterAt(bytes, at, end);
    if (GROUPS[character & 15] !== BLANK) break;
    last = at;
    at += character >> 4;
  }
  if (at > limit) return -1;
  return at < end && last > position ? last : at;
}

/** End of the pre-token at `position`; -1 where more text may change it, though it is not beyond `limit`. */
function generalEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  const first = bytes[position];
  if (first === APOSTROPHE) {
    const contraction = lowerContraction(bytes, position);
    if (contraction > 0) return position + contraction;
  }
  const at = first === SPACE_BYTE ? position + 1 : position;
  const character = characterAt(bytes, at, end);
  const group = GROUPS[character & 15];
  return group < BLANK
    ? runEnd(bytes, at + (character >> 4), end, group)
    : blankEnd(bytes, position, end, limit);
}

/** The same where a character and the next are ASCII and no word. */
function asciiEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  const first = bytes[position];
  const group = GROUP_OF_BYTE[first];
  const next = GROUP_OF_BYTE[bytes[position + 1]];
  if (group === MULTIBYTE || next === MULTIBYTE || first === APOSTROPHE) {
    return generalEnd(bytes, position, end, limit);
  }
  if (group < BLANK) return runEnd(bytes, position + 1, end, group);
  if (next === BLANK) return blankEnd(bytes, position, end, limit);
  return first === SPACE_BYTE ? runEnd(bytes, position + 2, end, next) : position + 1;
}

export const scanGpt2: Scanner = ({ bytes, view }, end, final, ends) => {
  const limit = final ? end : end - LOOKAHEAD;
  let count = 0;
  let position = 0;
  while (position < limit) {
    let at: number;
    if ((WORD_START[bytes[position]] & WORD_SECOND[bytes[position + 1]]) !== 0) {
      at = lettersEnd(view, position + 1);
      if (bytes[at] >= 0x80) at = runEnd(bytes, at, end, LETTER);
    } else {
      at = asciiEnd(bytes, position, end, limit);
      if (at < 0) break;
    }
    if (at > limit) break;
    ends[count++] = at;
    position = at;
  }
  return count;
};
