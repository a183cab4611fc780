/**
 * The n-gram tables of ELD's medium data set in typed arrays.
 *
 * They are read from the package's data file as text: loading them as the package does makes 100,000 small objects,
 * which take half a second and 100 MB in every thread; here they take some 4 MB. What the package itself would say of
 * a text is what the tests compare with.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { mix } from '../scan/key-table.js';
import {
  BEGINS,
  ENDS,
  KIND_BITS,
  LENGTH_SHIFT,
  MAX_ENTRIES,
  MAX_NGRAMS,
  MIN_NGRAMS,
  SCORE_BITS,
} from './limits.js';

/** What ELD adds to each entry of its data. */
const BASE_SCORE = 53;
export interface LanguageTables {
  /**
   * Open addressing by `slotOf`, two integers a slot: bytes of the n-gram, and its kind with the place of its entries
   * above `KIND_BITS` (0: free slot). Side by side, because a look-up costs what it misses in the processor's caches.
   */
  readonly slots: Int32Array;
  readonly mask: number;
  /** At the place of an n-gram how many entries it has, then the entries: score, and language above `SCORE_BITS`. */
  readonly entries: Int32Array;
  /** 1 for each code unit that separates words: all but letters. */
  readonly separates: Uint8Array;
}

export function slotOf(bytes: number, kind: number, mask: number): number {
  return mix(bytes ^ Math.imul(kind, 0x9e3779b1)) & mask;
}

/** File of the n-grams, and what stands before them in it. */
const NGRAMS_FILE = 'ngrams/medium.js';
const START = 'ngrams:{';
const LANGUAGE = /(\d+):'([a-z]{2,3})'/gu;
const SPACE = 0x20;
const DOUBLE = 0x22;
const SINGLE = 0x27;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** ISO 639-1 codes of the languages, in the order in which entries number them. @throws TokenmillError as `loadTables` */
export function readLanguages(): string[] {
  const text = read(NGRAMS_FILE);
  const languages = [...text.slice(0, text.indexOf(START)).matchAll(LANGUAGE)].map(([, , code]) => code);
  if (languages.length < 50) throw unknown();
  return languages;
}

/** Reads the tables. @throws TokenmillError INTERNAL where the package's files are not as they were in eld 2.1 */
export function loadTables(): LanguageTables {
  const text = read(NGRAMS_FILE);
  const start = text.indexOf(START);
  const letters = /'L':\s*\{[^}]*'bmp': '([^']+)'/.exec(read('regexPatterns.js'))?.[1];
  const dictionary = [...read('dictionary.js').matchAll(/'(\\?[^'\\]|\\['\\])'/g)].map(([, character]) =>
    character.slice(-1),
  );
  if (start < 0 || letters === undefined || dictionary.length < 246) throw unknown();
  return {
    ...parseNgrams(text, start + START.length, dictionary),
    separates: separatorTable(letters),
  };
}

function read(name: string): string {
  return readFileSync(join(packageFolder(), 'src', name), 'utf8');
}

function unknown(): TokenmillError {
  return new TokenmillError('INTERNAL', 'the files of the package eld are not as they are known', {
    hint: 'install the version of eld that package-lock.json names',
  });
}

/** Folder of the package, which exports only its detector. */
function packageFolder(): string {
  const folders = createRequire(import.meta.url).resolve.paths('eld') ?? [];
  const folder = folders.map((path) => join(path, 'eld')).find((path) => existsSync(path));
  if (folder === undefined) throw new TokenmillError('INTERNAL', 'the package eld is not installed');
  return folder;
}

/**
 * Reads `key:{language:score,...},...}` from `at` on, a key bare or in quotes. By hand, because a regular expression
 * makes an object for each of the 100,000 matches, in every thread.
 */
function parseNgrams(
  text: string,
  at: number,
  dictionary: readonly string[],
): Omit<LanguageTables, 'separates'> {
  const byteOf = new Uint8Array(0x1_0000);
  for (let byte = 0x80; byte < dictionary.length; byte++) {
    if (dictionary[byte] !== ' ') byteOf[dictionary[byte].charCodeAt(0)] = byte;
  }
  for (const letter of "abcdefghijklmnopqrstuvwxyz'`") byteOf[letter.charCodeAt(0)] = letter.charCodeAt(0);

  const keys = new Uint32Array(MAX_NGRAMS);
  const keyKinds = new Uint8Array(MAX_NGRAMS);
  const keyFirst = new Uint32Array(MAX_NGRAMS);
  const entries = new Int32Array(MAX_ENTRIES);
  let ngrams = 0;
  // Entry 0 is not used, so that 0 can mean a free slot.
  let next = 1;
  let position = at;
  const number = (): number => {
    let value = 0;
    let digits = 0;
    for (; ; position++, digits++) {
      const digit = text.charCodeAt(position) - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    if (digits === 0) throw unknown();
    return value;
  };
  const expect = (unit: number): void => {
    if (text.charCodeAt(position++) !== unit) throw unknown();
  };
  while (text.charCodeAt(position) !== CLOSE) {
    if (ngrams === MAX_NGRAMS) throw unknown();
    const quote = text.charCodeAt(position);
    const quoted = quote === SINGLE || quote === DOUBLE;
    const end = quoted ? quote : COLON;
    if (quoted) position += 1;
    let packed = 0;
    let length = 0;
    let kind = 0;
    let spaceBehind = 0;
    for (; text.charCodeAt(position) !== end; position++) {
      if (position >= text.length) throw unknown();
      if (text.charCodeAt(position) === BACKSLASH) position += 1;
      const unit = text.charCodeAt(position);
      if (unit === SPACE) {
        if (length === 0) kind |= BEGINS;
        spaceBehind = ENDS;
        continue;
      }
      spaceBehind = 0;
      packed = ((packed << 8) | byteOf[unit]) >>> 0;
      length += 1;
    }
    kind |= spaceBehind | (length << LENGTH_SHIFT);
    if (quoted) position += 1;
    expect(COLON);
    expect(OPEN);
    keys[ngrams] = packed;
    keyKinds[ngrams] = kind;
    keyFirst[ngrams++] = next;
    const first = next++;
    do {
      if (next >= MAX_ENTRIES) throw unknown();
      const language = number();
      expect(COLON);
      entries[next++] = (language << SCORE_BITS) | (number() + BASE_SCORE);
    } while (text.charCodeAt(position++) === COMMA);
    entries[first] = next - first - 1;
    if (text.charCodeAt(position - 1) !== CLOSE) throw unknown();
    if (text.charCodeAt(position) === COMMA) position += 1;
  }
  if (ngrams < MIN_NGRAMS) throw unknown();

  const size = 2 ** Math.ceil(Math.log2(ngrams * 2));
  const mask = size - 1;
  const slots = new Int32Array(size * 2);
  for (let ngram = 0; ngram < ngrams; ngram++) {
    let slot = slotOf(keys[ngram], keyKinds[ngram], mask);
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = keys[ngram];
    slots[slot * 2 + 1] = (keyFirst[ngram] << KIND_BITS) | keyKinds[ngram];
  }
  return { slots, mask, entries: entries.slice(0, next) };
}

/** @param letters the inside of a character class */
function separatorTable(letters: string): Uint8Array {
  const other = new RegExp(`[^${letters}]`, 'u');
  return Uint8Array.from({ length: 0x1_0000 }, (_, unit) => (other.test(String.fromCharCode(unit)) ? 1 : 0));
}
