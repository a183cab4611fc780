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

/** What ELD adds to each entry of its data. */
const BASE_SCORE = 53;
/** Kinds of an n-gram beside its bytes: it begins a word, it ends one; its length is above these bits. */
export const BEGINS = 1;
export const ENDS = 2;
export const LENGTH_SHIFT = 2;

export interface LanguageTables {
  /** ISO 639-1 codes. */
  readonly languages: readonly string[];
  /** Open addressing by `slotOf`: bytes of the n-gram, its kind, and where its entries begin (0: free slot). */
  readonly bytes: Uint32Array;
  readonly kinds: Uint8Array;
  readonly first: Uint32Array;
  readonly mask: number;
  /** Entries: language and score; the first entry of an n-gram says how many it has. */
  readonly entryCounts: Uint8Array;
  readonly entryLanguages: Uint8Array;
  readonly entryScores: Uint16Array;
  /** 1 for each code unit that separates words: all but letters. */
  readonly separates: Uint8Array;
}

export function slotOf(bytes: number, kind: number, mask: number): number {
  return mix(bytes ^ Math.imul(kind, 0x9e3779b1)) & mask;
}

const ENTRY = /(?:'((?:[^'\\]|\\')+)'|"([^"]+)"|([^\s{},:'"]+)):\{(\d[\d:,]*)\}/gu;
const LANGUAGE = /(\d+):'([a-z]{2,3})'/gu;

/** Reads the tables. @throws TokenmillError INTERNAL where the package's files are not as they were in eld 2.1 */
export function loadTables(): LanguageTables {
  const read = (name: string): string => readFileSync(join(packageFolder(), 'src', name), 'utf8');
  const text = read('ngrams/medium.js');
  const split = text.indexOf('ngrams:{');
  const languages = [...text.slice(0, split).matchAll(LANGUAGE)].map(([, , code]) => code);
  const ngrams = [...text.slice(split + 'ngrams:'.length).matchAll(ENTRY)];
  const letters = /'L':\s*\{[^}]*'bmp': '([^']+)'/.exec(read('regexPatterns.js'))?.[1];
  const dictionary = [...read('dictionary.js').matchAll(/'(\\?[^'\\]|\\['\\])'/g)].map(([, character]) =>
    character.slice(-1),
  );
  if (
    split < 0 ||
    languages.length < 50 ||
    ngrams.length < 100_000 ||
    letters === undefined ||
    dictionary.length < 246
  ) {
    throw new TokenmillError('INTERNAL', 'the files of the package eld are not as they are known', {
      hint: 'install the version of eld that package-lock.json names',
    });
  }
  return { languages, ...fill(ngrams, dictionary), separates: separatorTable(letters) };
}

/** Folder of the package, which exports only its detector. */
function packageFolder(): string {
  const folders = createRequire(import.meta.url).resolve.paths('eld') ?? [];
  const folder = folders.map((path) => join(path, 'eld')).find((path) => existsSync(path));
  if (folder === undefined) throw new TokenmillError('INTERNAL', 'the package eld is not installed');
  return folder;
}

function fill(
  ngrams: readonly RegExpMatchArray[],
  dictionary: readonly string[],
): Omit<LanguageTables, 'languages' | 'separates'> {
  const byteOf = new Map<string, number>();
  for (let byte = 0x80; byte < dictionary.length; byte++) {
    if (dictionary[byte] !== ' ') byteOf.set(dictionary[byte], byte);
  }
  for (const letter of "abcdefghijklmnopqrstuvwxyz'`") byteOf.set(letter, letter.charCodeAt(0));
  const size = 2 ** Math.ceil(Math.log2(ngrams.length * 2));
  const mask = size - 1;
  const bytes = new Uint32Array(size);
  const kinds = new Uint8Array(size);
  const first = new Uint32Array(size);
  const total = ngrams.reduce((sum, match) => sum + match[4].split(',').length, 0);
  const entryCounts = new Uint8Array(total + 1);
  const entryLanguages = new Uint8Array(total + 1);
  const entryScores = new Uint16Array(total + 1);
  // Entry 0 is not used, so that 0 can mean a free slot.
  let next = 1;
  for (const [, single, double, bare, entries] of ngrams) {
    const key = (single ?? double ?? bare).replaceAll("\\'", "'");
    const core = key.trim();
    let packed = 0;
    for (const character of core) packed = ((packed << 8) | (byteOf.get(character) ?? 0)) >>> 0;
    const kind =
      (key.startsWith(' ') ? BEGINS : 0) | (key.endsWith(' ') ? ENDS : 0) | (core.length << LENGTH_SHIFT);
    let slot = slotOf(packed, kind, mask);
    while (first[slot] !== 0) slot = (slot + 1) & mask;
    bytes[slot] = packed;
    kinds[slot] = kind;
    first[slot] = next;
    const parts = entries.split(',');
    entryCounts[next] = parts.length;
    for (const part of parts) {
      const [language, score] = part.split(':');
      entryLanguages[next] = Number(language);
      entryScores[next++] = Number(score) + BASE_SCORE;
    }
  }
  return { bytes, kinds, first, mask, entryCounts, entryLanguages, entryScores };
}

/** @param letters the inside of a character class */
function separatorTable(letters: string): Uint8Array {
  const other = new RegExp(`[^${letters}]`, 'u');
  return Uint8Array.from({ length: 0x1_0000 }, (_, unit) => (other.test(String.fromCharCode(unit)) ? 1 : 0));
}
