/**
 * Scanner of GPT-2's pattern (Radford et al., 2019, encoder.py):
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
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

export const scanGpt2: Scanner = (bytes, start, end, final, ends) => {
  const limit = final ? end : end - LOOKAHEAD;
  let count = 0;
  let position = start;
  while (position < limit) {
    let at = position;
    const first = bytes[at];
    if (first === SPACE_BYTE) at += 1;
    let group = GROUP_OF_BYTE[bytes[at]];
    if (group === MULTIBYTE) {
      const character = characterAt(bytes, at, end);
      group = GROUPS[character & 15];
      at += character >> 4;
    } else {
      at += 1;
    }
    if (group >= BLANK) {
      // White space: all of it before the end of the text, else all but its last character; one alone is a pre-token.
      let last = position;
      at = position;
      for (;;) {
        const character = characterAt(bytes, at, end);
        if (GROUPS[character & 15] !== BLANK) break;
        last = at;
        at += character >> 4;
      }
      if (at > limit) break;
      if (at < end && last > position) at = last;
    } else {
      const contraction = first === APOSTROPHE ? lowerContraction(bytes, position) : 0;
      if (contraction > 0) {
        at = position + contraction;
      } else {
        for (;;) {
          while (GROUP_OF_BYTE[bytes[at]] === group) at += 1;
          if (bytes[at] < 0x80) break;
          const character = characterAt(bytes, at, end);
          if (GROUPS[character & 15] !== group) break;
          at += character >> 4;
        }
      }
      if (at > limit) break;
    }
    ends[count++] = at;
    position = at;
  }
  return count;
};
