/**
 * Scanner of the pattern of cl100k_base, of Llama 3 (the same), and of Qwen 2 to 3 (numbers one digit at a time):
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * Later versions of tiktoken also take white space at the end of the text as one pre-token. That changes no id of
 * cl100k_base: no token of it goes on behind a line break with other white space.
 */
import { lettersEnd } from './ascii-runs.js';
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
const APOSTROPHE = 0x27;

/** Of ASCII: 1 for a letter, 2 for what joins the letters behind it, 0 for the rest, and for the apostrophe. */
const WORD_START = Uint8Array.from(GROUP_OF_BYTE, (group, byte) =>
  group === LETTER ? 1 : (group === SYMBOL || group === BLANK) && byte !== APOSTROPHE ? 2 : 0,
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

/** End of `[^\s\p{L}\p{N}]*[\r\n]*` at `at`. */
function symbolsEnd(bytes: Uint8Array, at: number, end: number): number {
  let behind = runEnd(bytes, at, end, SYMBOL);
  while (GROUP_OF_BYTE[bytes[behind]] === LINE_BREAK) behind += 1;
  return behind;
}

/** A scanner that takes at most `maxDigits` numbers in one pre-token. */
function makeScanner(maxDigits: number): Scanner {
  function digitsEnd(bytes: Uint8Array, position: number, end: number): number {
    let at = position;
    for (let digits = 0; digits < maxDigits; digits++) {
      const character = characterAt(bytes, at, end);
      if (GROUPS[character & 15] !== DIGIT) break;
      at += character >> 4;
    }
    return at;
  }

  /** End of the pre-token at `position`; -1 where more text may change it, though it is not beyond `limit`. */
  function generalEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
    const character = characterAt(bytes, position, end);
    const group = GROUPS[character & 15];
    if (group === LETTER) return runEnd(bytes, position, end, LETTER);
    if (group === DIGIT) return digitsEnd(bytes, position, end);
    if (group === SYMBOL || group === BLANK) {
      const contraction = anyContraction(bytes, position);
      if (contraction > 0) return position + contraction;
      const at = position + (character >> 4);
      const next = GROUPS[characterAt(bytes, at, end) & 15];
      if (next === LETTER) return runEnd(bytes, at, end, LETTER);
      if (group === SYMBOL || (next === SYMBOL && bytes[position] === SPACE_BYTE))
        return symbolsEnd(bytes, at, end);
    }
    return whiteSpaceEnd(bytes, position, end, limit);
  }

  /** The same where a character and the next are ASCII and no word, which is a pre-token in five. */
  function asciiEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
    const first = bytes[position];
    const group = GROUP_OF_BYTE[first];
    const next = GROUP_OF_BYTE[bytes[position + 1]];
    if (group === MULTIBYTE || next === MULTIBYTE || first === APOSTROPHE)
      return generalEnd(bytes, position, end, limit);
    if (group === SYMBOL || (next === SYMBOL && first === SPACE_BYTE))
      return symbolsEnd(bytes, position + 1, end);
    if (group === DIGIT) return digitsEnd(bytes, position, end);
    return next === BLANK || next === LINE_BREAK ? whiteSpaceEnd(bytes, position, end, limit) : position + 1;
  }

  return ({ bytes, view }, end, final, ends) => {
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
}

export const scanCl100k = makeScanner(3);
export const scanQwen = makeScanner(1);
