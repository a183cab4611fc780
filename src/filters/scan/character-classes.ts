/**
 * What the scanner needs to know of a character, as bits looked up by code point.
 *
 * Properties are those of the Unicode version that `unicode-data.ts` names, whatever the JavaScript engine has.
 */
import { PROPERTY_RUNS, PROPERTY_SETS } from './unicode-data.js';
import { LETTER, LINE_BREAK, PUNCTUATION, SPACE } from './unicode-properties.js';

export * from './unicode-properties.js';

/** Characters of datatrove's PUNCTUATION string that are no controls (`datatrove/utils/text.py`). */
const DATATROVE_PUNCTUATION =
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~«´»—’“”„…、。《》【】％（），．１：；？！～〈〉∶━►–「」';

const CODE_POINTS = 0x11_0000;
const classes = new Uint16Array(CODE_POINTS);
let position = 0;
for (const [, length, letter] of PROPERTY_RUNS.matchAll(/([0-9a-z]+)([A-Z])/g)) {
  const end = position + Number.parseInt(length, 36);
  classes.fill(PROPERTY_SETS[letter.charCodeAt(0) - 0x41], position, end);
  position = end;
}
for (const character of DATATROVE_PUNCTUATION) classes[character.charCodeAt(0)] |= PUNCTUATION;
// The controls of that set: all but tab and line feed.
for (let code = 0; code < 160; code++) {
  if ((code < 32 && code !== 9 && code !== 10) || code >= 127) classes[code] |= PUNCTUATION;
}
// Python counts these four separators as white space; Unicode's property does not.
for (let code = 0x1c; code <= 0x1f; code++) classes[code] |= SPACE;
for (const code of [0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029])
  classes[code] |= LINE_BREAK;

/** Class bits of the Basic Multilingual Plane by UTF-16 code unit. A surrogate has none. */
export const UNIT_CLASSES: Uint16Array = classes.subarray(0, 0x1_0000);

/** Class bits of any code point. */
export function classOf(codePoint: number): number {
  return classes[codePoint];
}

/** The lower-case form of a code unit where that is one code unit, else the unit itself. */
export const LOWER_CASE_UNITS: Uint16Array = Uint16Array.from({ length: 0x1_0000 }, (_, unit) => {
  if ((UNIT_CLASSES[unit] & LETTER) === 0) return unit;
  const lower = String.fromCharCode(unit).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
});
