/**
 * The normal form of a piece as RedPajama-v2 defines it: ASCII punctuation taken out, lower case, canonically
 * decomposed (NFD).
 */
import { classOf, LETTER, LOWER, MARK, NUMERIC, UNIT_CLASSES, UPPER } from './character-classes.js';

/** Code points of the form that `normalize` made last, 0 where it is empty, and both halves of its hash. */
export const normal = { characters: 0, low: 0, high: 0 };

/** Makes the normal form of the piece `units[start, end)`. */
export function normalize(units: Uint16Array, start: number, end: number): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let characters = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if (unit >= 0x80) {
      normalizeWide(units, start, end);
      return;
    }
    const bits = UNIT_CLASSES[unit];
    if ((bits & (LETTER | NUMERIC)) === 0 && isAsciiPunctuation(unit)) continue;
    const lower = (bits & UPPER) === 0 ? unit : unit | 0x20;
    low = Math.imul(low ^ lower, 0x01000193);
    high = Math.imul(high ^ lower, 0x5bd1e995);
    characters += 1;
  }
  normal.characters = characters;
  normal.low = low;
  normal.high = high;
}

/** A piece with a character beyond ASCII: its form is made of table entries, or of a string where order matters. */
function normalizeWide(units: Uint16Array, start: number, end: number): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let characters = 0;
  let previous = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    let bits = UNIT_CLASSES[unit];
    if ((unit & 0xfc00) === 0xd800 && i + 1 < end && (units[i + 1] & 0xfc00) === 0xdc00) {
      bits = classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[++i] & 0x3ff));
      if ((bits & (MARK | LETTER)) !== 0) {
        normalizeString(units.subarray(start, end));
        return;
      }
      low = Math.imul(Math.imul(low ^ unit, 0x01000193) ^ units[i], 0x01000193);
      high = Math.imul(Math.imul(high ^ unit, 0x5bd1e995) ^ units[i], 0x5bd1e995);
      characters += 1;
      previous = bits;
      continue;
    }
    if (unit < 0x80 && isAsciiPunctuation(unit)) continue;
    // Two marks in a row may change places; a final sigma depends on what follows.
    if (unit === 0x3a3 || ((bits & MARK) !== 0 && (previous & MARK) !== 0)) {
      normalizeString(units.subarray(start, end));
      return;
    }
    previous = bits;
    const form = formOf(unit);
    if (typeof form === 'number') {
      characters += 1;
      low = Math.imul(low ^ form, 0x01000193);
      high = Math.imul(high ^ form, 0x5bd1e995);
    } else {
      characters += form.length;
      for (const each of form) {
        low = Math.imul(low ^ each, 0x01000193);
        high = Math.imul(high ^ each, 0x5bd1e995);
      }
      previous = MARK;
    }
  }
  normal.characters = characters;
  normal.low = low;
  normal.high = high;
}

/** Code units that are turned into one argument list at a time. */
const CHUNK = 4096;

function normalizeString(units: Uint16Array): void {
  let text = '';
  for (let i = 0; i < units.length; i += CHUNK) text += String.fromCharCode(...units.subarray(i, i + CHUNK));
  const form = text
    .replaceAll(/[!-/:-@[-`{-~]/g, '')
    .toLowerCase()
    .normalize('NFD');
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let pairs = 0;
  for (let i = 0; i < form.length; i++) {
    const unit = form.charCodeAt(i);
    if ((unit & 0xfc00) === 0xdc00) pairs += 1;
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
  }
  normal.characters = form.length - pairs;
  normal.low = low;
  normal.high = high;
}

/** Python's string.punctuation. */
export function isAsciiPunctuation(unit: number): boolean {
  return (
    (unit > 0x20 && unit < 0x30) ||
    (unit > 0x39 && unit < 0x41) ||
    (unit > 0x5a && unit < 0x61) ||
    (unit > 0x7a && unit < 0x7f)
  );
}

/** Lower case and NFD of single units, made when a text first has one: -1 unknown, -2 in `expansions`. */
const forms = new Int32Array(0x1_0000).fill(-1);
const expansions = new Map<number, Uint16Array>();

function formOf(unit: number): number | Uint16Array {
  const known = forms[unit];
  if (known >= 0) return known;
  if (known === -2) return expansions.get(unit) as Uint16Array;
  const bits = UNIT_CLASSES[unit];
  const form =
    (bits & (LETTER | LOWER | MARK)) === 0 && unit < 0x80
      ? String.fromCharCode(unit)
      : String.fromCharCode(unit).toLowerCase().normalize('NFD');
  if (form.length === 1) return (forms[unit] = form.charCodeAt(0));
  forms[unit] = -2;
  const expansion = Uint16Array.from(form, (character) => character.charCodeAt(0));
  expansions.set(unit, expansion);
  return expansion;
}
