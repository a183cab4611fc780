/**
 * Scanner of the pattern of cl100k_base, of Llama 3 (the same), and of Qwen 2 to 3 (numbers one digit at a time):
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * Later versions of tiktoken also take white space at the end of the text as one pre-token. That changes no id of
 * cl100k_base: no token of it goes on behind a line break with other white space.
 */
import { characterAt, firstByteTable, MULTIBYTE } from './classes.js';
import { anyContraction } from './contraction.js';
import { LOOKAHEAD, type Scanner } from './scanner.js';
import { whiteSpaceEnd } from './white-space.js';

const SYMBOL = 0;
const LETTER = 1;
const DIGIT = 2;
const BLANK = 3;
const LINE_BREAK = 4;
const NOTHING = 5;

/** Group of each class: other, upper, lower, uncased, mark, number, space, newline, end. */
const GROUPS = Uint8Array.of(SYMBOL, LETTER, LETTER, LETTER, SYMBOL, DIGIT, BLANK, LINE_BREAK, NOTHING);
const GROUP_OF_BYTE = firstByteTable([...GROUPS]);

const SPACE_BYTE = 0x20;

/** A scanner that takes at most `maxDigits` numbers in one pre-token. */
function makeScanner(maxDigits: number): Scanner {
  return (bytes, start, end, final, ends) => {
    const limit = final ? end : end - LOOKAHEAD;
    let count = 0;
    let position = start;
    while (position < limit) {
      let at = position + 1;
      let group = GROUP_OF_BYTE[bytes[position]];
      if (group === MULTIBYTE) {
        const character = characterAt(bytes, position, end);
        group = GROUPS[character & 15];
        at = position + (character >> 4);
      }
      // What is neither letter, number nor line break joins the letters that follow it.
      if (group === SYMBOL || group === BLANK) {
        const contraction = anyContraction(bytes, position);
        if (contraction > 0) {
          at = position + contraction;
          if (at > limit) break;
          ends[count++] = at;
          position = at;
          continue;
        }
        let next = GROUP_OF_BYTE[bytes[at]];
        if (next === MULTIBYTE) next = GROUPS[characterAt(bytes, at, end) & 15];
        if (next === LETTER) group = LETTER;
        else if (next === SYMBOL && bytes[position] === SPACE_BYTE) group = SYMBOL;
      }
      if (group === LETTER || group === SYMBOL) {
        for (;;) {
          while (GROUP_OF_BYTE[bytes[at]] === group) at += 1;
          if (bytes[at] < 0x80) break;
          const character = characterAt(bytes, at, end);
          if (GROUPS[character & 15] !== group) break;
          at += character >> 4;
        }
        if (group === SYMBOL) {
          while (GROUP_OF_BYTE[bytes[at]] === LINE_BREAK) at += 1;
        }
        if (at > limit) break;
      } else if (group === DIGIT) {
        for (let digits = 1; digits < maxDigits; digits++) {
          const character = characterAt(bytes, at, end);
          if (GROUPS[character & 15] !== DIGIT) break;
          at += character >> 4;
        }
        if (at > limit) break;
      } else {
        at = whiteSpaceEnd(bytes, position, end, limit);
        if (at < 0) break;
      }
      ends[count++] = at;
      position = at;
    }
    return count;
  };
}

export const scanCl100k = makeScanner(3);
export const scanQwen = makeScanner(1);
