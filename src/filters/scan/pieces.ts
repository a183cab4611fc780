/**
 * Pieces of a text: what white space separates, punctuation included. Beside each stands its normal form as
 * RedPajama-v2 defines it: ASCII punctuation taken out, lower case, canonically decomposed (NFD).
 *
 * Positions are UTF-16 code units, lengths code points.
 */
import { classOf, LETTER, LOWER, MARK, NUMERIC, SPACE, UNIT_CLASSES, UPPER } from './character-classes.js';

/** A column each; reused from text to text, grows as needed. */
export class PieceTable {
  count = 0;
  start = new Uint32Array(1024);
  end = new Uint32Array(1024);
  characters = new Uint32Array(1024);
  /** Classes of its characters or-ed together. */
  classes = new Uint16Array(1024);
  /** Classes of its first character. */
  first = new Uint16Array(1024);
  /** Up to four characters in lower case, 8 bits each, where all are ASCII; else 0. */
  packed = new Uint32Array(1024);

  /** Pieces whose normal form is not empty; the columns below have one entry for each of those. */
  normalCount = 0;
  normalCharacters = new Uint32Array(1024);
  /** Hash of the normal form in two halves that are independent of each other. */
  normalLow = new Uint32Array(1024);
  normalHigh = new Uint32Array(1024);

  grow(): void {
    const size = this.start.length * 2;
    for (const name of [
      'start',
      'end',
      'characters',
      'packed',
      'normalCharacters',
      'normalLow',
      'normalHigh',
    ] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
    for (const name of ['classes', 'first'] as const) {
      const larger = new Uint16Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/** Splits `units[0, length)` at white space. */
export function splitPieces(units: Uint16Array, length: number, pieces: PieceTable): void {
  pieces.count = 0;
  pieces.normalCount = 0;
  let i = 0;
  while (i < length) {
    if ((UNIT_CLASSES[units[i]] & SPACE) !== 0) {
      i += 1;
      continue;
    }
    i = takePiece(units, i, length, pieces);
  }
}

function takePiece(units: Uint16Array, start: number, length: number, pieces: PieceTable): number {
  if (pieces.count === pieces.start.length) pieces.grow();
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let classes = 0;
  let packed = 0;
  let punctuation = 0;
  let i = start;
  for (; i < length; i++) {
    const unit = units[i];
    if (unit >= 0x80) break;
    const bits = UNIT_CLASSES[unit];
    if ((bits & SPACE) !== 0) break;
    classes |= bits;
    const lower = (bits & UPPER) === 0 ? unit : unit | 0x20;
    packed = (packed << 8) | lower;
    if ((bits & (LETTER | NUMERIC)) === 0 && isAsciiPunctuation(unit)) {
      punctuation += 1;
      continue;
    }
    low = Math.imul(low ^ lower, 0x01000193);
    high = Math.imul(high ^ lower, 0x5bd1e995);
  }
  const index = pieces.count++;
  pieces.start[index] = start;
  pieces.first[index] = classAt(units, start, length);
  if (i >= length || (UNIT_CLASSES[units[i]] & SPACE) !== 0) {
    const characters = i - start;
    pieces.end[index] = i;
    pieces.characters[index] = characters;
    pieces.classes[index] = classes;
    pieces.packed[index] = characters <= 4 ? packed >>> 0 : 0;
    if (punctuation < characters) pushNormal(pieces, characters - punctuation, low, high);
    return i;
  }
  return takeWidePiece(units, start, length, pieces, index);
}

/** A piece with a character beyond ASCII: its normal form is made of table entries, or of a string where order matters. */
function takeWidePiece(
  units: Uint16Array,
  start: number,
  length: number,
  pieces: PieceTable,
  index: number,
): number {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let classes = 0;
  let characters = 0;
  let normal = 0;
  let previous = 0;
  let needsString = false;
  let i = start;
  for (; i < length; i++) {
    const unit = units[i];
    let bits = UNIT_CLASSES[unit];
    if ((bits & SPACE) !== 0) break;
    characters += 1;
    if ((unit & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00) {
      bits = classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[++i] & 0x3ff));
      if ((bits & (MARK | LETTER)) !== 0) needsString = true;
      low = Math.imul(Math.imul(low ^ unit, 0x01000193) ^ units[i], 0x01000193);
      high = Math.imul(Math.imul(high ^ unit, 0x5bd1e995) ^ units[i], 0x5bd1e995);
      classes |= bits;
      normal += 1;
      previous = bits;
      continue;
    }
    classes |= bits;
    if (unit < 0x80 && isAsciiPunctuation(unit)) continue;
    // Two marks in a row may change places; a final sigma depends on what follows.
    if (unit === 0x3a3 || ((bits & MARK) !== 0 && (previous & MARK) !== 0)) needsString = true;
    previous = bits;
    const form = normalForm(unit);
    if (typeof form === 'number') {
      normal += 1;
      low = Math.imul(low ^ form, 0x01000193);
      high = Math.imul(high ^ form, 0x5bd1e995);
    } else {
      normal += form.length;
      for (const each of form) {
        low = Math.imul(low ^ each, 0x01000193);
        high = Math.imul(high ^ each, 0x5bd1e995);
      }
      previous = MARK;
    }
  }
  pieces.end[index] = i;
  pieces.characters[index] = characters;
  pieces.classes[index] = classes;
  pieces.packed[index] = 0;
  if (needsString) pushNormalString(units.subarray(start, i), pieces);
  else if (normal > 0) pushNormal(pieces, normal, low, high);
  return i;
}

function pushNormal(pieces: PieceTable, characters: number, low: number, high: number): void {
  const index = pieces.normalCount++;
  pieces.normalCharacters[index] = characters;
  pieces.normalLow[index] = low;
  pieces.normalHigh[index] = high;
}

/** Code units that are turned into one argument list at a time. */
const CHUNK = 4096;

function pushNormalString(units: Uint16Array, pieces: PieceTable): void {
  let text = '';
  for (let i = 0; i < units.length; i += CHUNK) text += String.fromCharCode(...units.subarray(i, i + CHUNK));
  const form = text
    .replaceAll(/[!-/:-@[-`{-~]/g, '')
    .toLowerCase()
    .normalize('NFD');
  if (form === '') return;
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let pairs = 0;
  for (let i = 0; i < form.length; i++) {
    const unit = form.charCodeAt(i);
    if ((unit & 0xfc00) === 0xdc00) pairs += 1;
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
  }
  pushNormal(pieces, form.length - pairs, low, high);
}

/** Python's string.punctuation. */
function isAsciiPunctuation(unit: number): boolean {
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

function normalForm(unit: number): number | Uint16Array {
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

function classAt(units: Uint16Array, i: number, length: number): number {
  const unit = units[i];
  if ((unit & 0xfc00) !== 0xd800 || i + 1 >= length || (units[i + 1] & 0xfc00) !== 0xdc00)
    return UNIT_CLASSES[unit];
  return classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[i + 1] & 0x3ff));
}
