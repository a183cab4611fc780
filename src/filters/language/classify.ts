/**
 * ELD's classification of a short text (Nito T. M., efficient language detector 2.1): n-grams of up to four bytes of
 * its words, each counted once, add up to a score for each language. Same words, n-grams and scores as the package
 * has, from typed arrays instead of objects, in the kernel or here with the same results.
 */
import { LOWER_CASE_UNITS } from '../scan/character-classes.js';
import { scanKernel, type Kernel } from '../wasm/kernel.js';
import { GRAM_ENTRIES_AT, GRAM_SLOTS_AT, SAMPLE_AT, SCORES_AT } from '../wasm/layout.js';
import {
  BEGINS,
  CUT_AFTER,
  ENDS,
  ENFORCE_CUT_AFTER,
  GRAM,
  KIND_BITS,
  LENGTH_SHIFT,
  MAX_UNITS,
  MAX_WORD_BYTES,
  SCORE_BITS,
  STRIDE,
} from './limits.js';
import { loadTables, readLanguages, slotOf, type LanguageTables } from './tables.js';

const KIND_MASK = (1 << KIND_BITS) - 1;
const SCORE_MASK = (1 << SCORE_BITS) - 1;

/** Languages that can be found. */
export const LANGUAGES: readonly string[] = readLanguages();

/** What tables and room a text is classified with: in the kernel's memory, or here. */
interface Classifier {
  readonly units: Uint16Array;
  readonly sums: Int32Array;
  readonly separates: Uint8Array;
  /** Adds up the scores of the prepared units; returns how many different n-grams they have. */
  readonly sum: (length: number) => number;
}

/** Made when the first text comes: many programs that know the signals by name measure nothing. */
let inKernel: Classifier | undefined;
let here: Classifier | undefined;

function classifier(): Classifier {
  const kernel = scanKernel();
  return kernel === null ? (here ??= classifierHere()) : (inKernel ??= classifierIn(kernel));
}

function classifierIn({ memory, configureLanguages, sumScores }: Kernel): Classifier {
  const { slots, mask, entries, separates } = loadTables();
  new Int32Array(memory, GRAM_SLOTS_AT, slots.length).set(slots);
  new Int32Array(memory, GRAM_ENTRIES_AT, entries.length).set(entries);
  configureLanguages(mask, LANGUAGES.length);
  return {
    units: new Uint16Array(memory, SAMPLE_AT, MAX_UNITS * 3),
    sums: new Int32Array(memory, SCORES_AT, LANGUAGES.length),
    separates,
    sum: sumScores,
  };
}

function classifierHere(): Classifier {
  const loaded = loadTables();
  return { units, sums, separates: loaded.separates, sum: (length) => sumScores(length, loaded) };
}

/** Scale of ELD's scores. */
const SCALE = 25;

const SPACE = 0x20;
const CAPITAL_SIGMA = 0x3a3;

const units = new Uint16Array(MAX_UNITS * 3);
const word = new Uint8Array(ENFORCE_CUT_AFTER + 8);
const sums = new Int32Array(LANGUAGES.length);
/** N-grams of the text so far; a slot is free where its stamp is not that of the text. */
const SEEN = 1024;
const seenBytes = new Uint32Array(SEEN);
const seenKinds = new Uint32Array(SEEN);
const seenStamps = new Uint32Array(SEEN);
let stamp = 0;
let ngrams = 0;

/** Whether a lower-case form is made of several units, or depends on its neighbours. */
const needsString = new Uint8Array(0x1_0000);
for (let unit = 0x80; unit < 0x1_0000; unit++) {
  const isSurrogate = (unit & 0xf800) === 0xd800;
  if (!isSurrogate && String.fromCharCode(unit).toLowerCase().length !== 1) needsString[unit] = 1;
}
needsString[CAPITAL_SIGMA] = 1;

/**
 * Adds the scores of a text, 0 to 1 each, to `scores`, which has a place for each of `LANGUAGES`.
 * @returns the index of the language with the highest score, the first of equals; -1 where there is none
 */
export function classify(text: string, scores: Float64Array): number {
  const used = classifier();
  const grams = sumOf(text, used);
  const { sums: found } = used;
  for (let language = 0; language < found.length; language++) {
    if (found[language] === 0) continue;
    const mean = found[language] / grams;
    scores[language] += mean / (mean + SCALE);
  }
  return highest(found);
}

/** Index of the language of a text; -1 where there is none. */
export function languageIndex(text: string): number {
  const used = classifier();
  sumOf(text, used);
  return highest(used.sums);
}

function sumOf(text: string, { units: out, separates, sum }: Classifier): number {
  return sum(prepare(text, separates, out));
}

function sumScores(length: number, loaded: LanguageTables): number {
  stamp += 1;
  ngrams = 0;
  sums.fill(0);
  let bytes = 0;
  let size = 0;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if (unit === SPACE) {
      if (size > 0) addWord(size, loaded);
      size = 0;
      if (bytes > CUT_AFTER) break;
      bytes += 1;
    } else if (unit < 0x80) {
      word[size++] = unit;
      bytes += 1;
    } else if (unit < 0x800) {
      word[size++] = 0xc0 | (unit >> 6);
      word[size++] = 0x80 | (unit & 0x3f);
      bytes += 2;
    } else {
      word[size++] = 0xe0 | (unit >> 12);
      word[size++] = 0x80 | ((unit >> 6) & 0x3f);
      word[size++] = 0x80 | (unit & 0x3f);
      bytes += 3;
    }
    if (bytes > ENFORCE_CUT_AFTER) break;
  }
  if (size > 0) addWord(size, loaded);
  return ngrams;
}

/** Index of the highest sum, the first of equals; -1 where there is none. */
function highest(found: Int32Array): number {
  let best = -1;
  let most = 0;
  for (let language = 0; language < found.length; language++) {
    if (found[language] > most) {
      most = found[language];
      best = language;
    }
  }
  return best;
}

/** Writes the text into `out`: lower case, what separates words as single spaces. Returns its length. */
function prepare(text: string, separates: Uint8Array, out: Uint16Array): number {
  const length = Math.min(text.length, MAX_UNITS);
  let size = 0;
  let i = 0;
  let exact = true;
  while (i < length) {
    const unit = text.charCodeAt(i);
    if (separates[unit] === 0) {
      if (needsString[unit] === 1) exact = false;
      out[size++] = LOWER_CASE_UNITS[unit];
      i += 1;
      continue;
    }
    // Apostrophes at the end of a run of separators belong to the word behind it.
    let end = i;
    while (end < length && separates[text.charCodeAt(end)] === 1) end += 1;
    let kept = end;
    while (kept > i && isApostrophe(text.charCodeAt(kept - 1))) kept -= 1;
    if (kept > i && size > 0) out[size++] = SPACE;
    for (let k = kept; k < end; k++) out[size++] = text.charCodeAt(k);
    i = end;
  }
  return exact ? size : lowerByString(text.slice(0, length), separates, out);
}

/** The same by string operations, where lower case is not a matter of single units. */
function lowerByString(text: string, separates: Uint8Array, out: Uint16Array): number {
  let cleaned = '';
  let i = 0;
  while (i < text.length) {
    const unit = text.charCodeAt(i);
    if (separates[unit] === 0) {
      cleaned += text[i++];
      continue;
    }
    let end = i;
    while (end < text.length && separates[text.charCodeAt(end)] === 1) end += 1;
    let kept = end;
    while (kept > i && isApostrophe(text.charCodeAt(kept - 1))) kept -= 1;
    if (kept > i && cleaned !== '') cleaned += ' ';
    cleaned += text.slice(kept, end);
    i = end;
  }
  const lower = cleaned.trim().toLowerCase();
  for (let k = 0; k < lower.length; k++) out[k] = lower.charCodeAt(k);
  return lower.length;
}

function isApostrophe(unit: number): boolean {
  return unit === 0x27 || unit === 0x60 || unit === 0x2019;
}

function addWord(size: number, loaded: LanguageTables): void {
  const end = Math.min(size, MAX_WORD_BYTES);
  let j = 0;
  for (; j + GRAM < end; j += STRIDE)
    addGram(pack(j, j + GRAM), (j === 0 ? BEGINS : 0) | (GRAM << LENGTH_SHIFT), loaded);
  const start = Math.max(end - GRAM, 0);
  const kind = (j === 0 ? BEGINS : 0) | ENDS;
  // Of a word that is longer the last n-gram has all the rest, which no table knows; it counts all the same.
  if (size > MAX_WORD_BYTES) addGram(hashRest(start, size), kind | ((size - start) << LENGTH_SHIFT), loaded);
  else addGram(pack(start, end), kind | ((end - start) << LENGTH_SHIFT), loaded);
}

function pack(start: number, end: number): number {
  let packed = 0;
  for (let i = start; i < end; i++) packed = (packed << 8) | word[i];
  return packed >>> 0;
}

function hashRest(start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ word[i], 0x01000193);
  return hash >>> 0;
}

function addGram(bytes: number, kind: number, loaded: LanguageTables): void {
  let seen = slotOf(bytes, kind, SEEN - 1);
  while (seenStamps[seen] === stamp) {
    if (seenBytes[seen] === bytes && seenKinds[seen] === kind) return;
    seen = (seen + 1) & (SEEN - 1);
  }
  seenStamps[seen] = stamp;
  seenBytes[seen] = bytes;
  seenKinds[seen] = kind;
  ngrams += 1;
  const { slots, entries, mask } = loaded;
  let slot = slotOf(bytes, kind, mask);
  for (let value = slots[slot * 2 + 1]; value !== 0; value = slots[slot * 2 + 1]) {
    if (slots[slot * 2] === (bytes | 0) && (value & KIND_MASK) === kind) {
      const first = value >> KIND_BITS;
      for (let entry = first + 1, end = entry + entries[first]; entry < end; entry++) {
        sums[entries[entry] >> SCORE_BITS] += entries[entry] & SCORE_MASK;
      }
      return;
    }
    slot = (slot + 1) & mask;
  }
}
