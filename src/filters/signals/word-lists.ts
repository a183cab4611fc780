/**
 * Lists of words out of packages: stop words (`stopwords-json`) and obscene words (`naughty-words`, which is the list
 * LDNOOBW that C4 uses), by language. A list is prepared when a document first needs it.
 */
import { createRequire } from 'node:module';
import type { PieceTable } from '../scan/pieces.js';
import { LETTER, LOWER_CASE_UNITS, NUMERIC, UNIT_CLASSES } from '../scan/character-classes.js';
import type { Scan } from '../scan/scan.js';

const require = createRequire(import.meta.url);
const allStopWords = require('stopwords-json') as Record<string, string[]>;
const allBadWords = require('naughty-words') as Record<string, string[]>;

/** Languages whose list of obscene words RedPajama-v2 uses. */
const REDPAJAMA_LANGUAGES = new Set(['en', 'de', 'es', 'fr', 'it']);
/** Words that C4 allows: they are common parts of words in languages without spaces. */
const ALLOWED = new Set(['sm', 'グロ', '女の子', '性']);
/** Languages without spaces, whose words are found anywhere in the text. */
const ANYWHERE = new Set(['ja', 'th', 'zh']);

/** Languages that have a list of obscene words. */
export const BAD_WORD_LANGUAGES: readonly string[] = Object.keys(allBadWords).sort();

/** A set of words that is asked with ranges of code units, so that no strings are made. */
export class WordSet {
  /** Code units of the longest word. */
  readonly longest: number;
  /** Hash of each word, and one more than its number, by open addressing; 0 is a free slot. */
  private readonly hashes: Int32Array;
  private readonly numbers: Uint16Array;
  private readonly words: readonly string[];
  private readonly mask: number;

  constructor(words: readonly string[]) {
    this.words = words;
    this.longest = Math.max(...words.map((word) => word.length));
    const size = 2 ** Math.ceil(Math.log2(words.length * 4));
    this.mask = size - 1;
    this.hashes = new Int32Array(size);
    this.numbers = new Uint16Array(size);
    words.forEach((word, index) => {
      const [hash] = hashOf(word);
      let slot = (hash ^ (hash >>> 15)) & this.mask;
      while (this.numbers[slot] !== 0) slot = (slot + 1) & this.mask;
      this.hashes[slot] = hash;
      this.numbers[slot] = index + 1;
    });
  }

  /** Whether `units[start, end)`, whose hash is given, is one of the words. */
  has(hash: number, units: Uint16Array, start: number, end: number): boolean {
    let slot = (hash ^ (hash >>> 15)) & this.mask;
    while (this.numbers[slot] !== 0) {
      if (this.hashes[slot] === hash && this.equals(this.words[this.numbers[slot] - 1], units, start, end))
        return true;
      slot = (slot + 1) & this.mask;
    }
    return false;
  }

  private equals(word: string, units: Uint16Array, start: number, end: number): boolean {
    if (word.length !== end - start) return false;
    for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) !== units[start + i]) return false;
    return true;
  }
}

const stopWords = new Map<string, WordSet | undefined>();

/** Stop words of a language; undefined where it has no list. */
export function stopWordsOf(language: string): WordSet | undefined {
  if (!stopWords.has(language)) {
    const list = Object.hasOwn(allStopWords, language) ? allStopWords[language] : undefined;
    stopWords.set(language, list && new WordSet([...new Set(list)]));
  }
  return stopWords.get(language);
}

/** Both halves of the hash that the scanner gives a word. */
function hashOf(word: string): [low: number, high: number] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < word.length; i++) {
    low = Math.imul(low ^ word.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ word.charCodeAt(i), 0x5bd1e995);
  }
  return [low, high];
}

/** Sequences of words by the first half of the hash of their first word. */
interface Sequences {
  readonly byFirst: ReadonlyMap<number, readonly (readonly (readonly [number, number])[])[]>;
  /** 1 where a first word has these low bits: asking it saves asking the map for most words. */
  readonly filter: Uint8Array;
}

const FILTER_MASK = 0x3fff;

const sequences = new Map<string, Sequences>();

function sequencesOf(key: string, phrases: () => readonly string[]): Sequences {
  const known = sequences.get(key);
  if (known !== undefined) return known;
  const made = new Map<number, (readonly [number, number])[][]>();
  for (const phrase of phrases()) {
    // The table of pieces has unsigned halves.
    const words = phrase
      .trim()
      .split(' ')
      .map(hashOf)
      .map(([low, high]) => [low >>> 0, high >>> 0] as const);
    made.set(words[0][0], [...(made.get(words[0][0]) ?? []), words]);
  }
  const filter = new Uint8Array(FILTER_MASK + 1);
  for (const low of made.keys()) filter[low & FILTER_MASK] = 1;
  const result = { byFirst: made, filter };
  sequences.set(key, result);
  return result;
}

/** How often a phrase of lower-case words occurs among the normal words. */
export function countPhrase(pieces: PieceTable, phrase: string): number {
  return countSequences(
    pieces,
    sequencesOf(phrase, () => [phrase]),
  );
}

/** How often RedPajama-v2 finds obscene words of the language among the normal words: it has lists for five. */
export function countObsceneSequences(pieces: PieceTable, language: string): number {
  if (!REDPAJAMA_LANGUAGES.has(language)) return 0;
  return countSequences(
    pieces,
    sequencesOf(`list ${language}`, () => [...new Set(allBadWords[language])]),
  );
}

function countSequences(pieces: PieceTable, listed: Sequences): number {
  let found = 0;
  for (let i = 0; i < pieces.normalCount; i++) {
    const first = pieces.normalLow[i];
    if (listed.filter[first & FILTER_MASK] === 0) continue;
    const candidates = listed.byFirst.get(first);
    if (candidates === undefined) continue;
    for (const words of candidates) {
      const fits = words.every(
        ([low, high], offset) =>
          i + offset < pieces.normalCount &&
          pieces.normalLow[i + offset] === low &&
          pieces.normalHigh[i + offset] === high,
      );
      if (fits) found += 1;
    }
  }
  return found;
}

interface Node {
  readonly children: Map<number, Node>;
  isEnd: boolean;
}

interface Trie extends Node {
  /** 1 for each code unit that a word begins with, in either case. */
  readonly begins: Uint8Array;
  /** 1 for the low bits of each two code units that a word begins with; all are 1 behind a word of one unit. */
  readonly pairs: Uint8Array;
}

const PAIR_BITS = 7;
const PAIR_MASK = (1 << PAIR_BITS) - 1;

const tries = new Map<string, Trie | undefined>();

function trieOf(language: string): Trie | undefined {
  if (!tries.has(language)) {
    const list = Object.hasOwn(allBadWords, language) ? allBadWords[language] : undefined;
    tries.set(language, list && makeTrie(list));
  }
  return tries.get(language);
}

function makeTrie(words: readonly string[]): Trie {
  const root: Trie = {
    children: new Map(),
    isEnd: false,
    begins: new Uint8Array(0x1_0000),
    pairs: new Uint8Array(1 << (2 * PAIR_BITS)),
  };
  for (const raw of words) {
    const word = raw.trim();
    if (word === '' || ALLOWED.has(word)) continue;
    let node: Node = root;
    for (let i = 0; i < word.length; i++) {
      let child = node.children.get(word.charCodeAt(i));
      if (child === undefined) {
        child = { children: new Map(), isEnd: false };
        node.children.set(word.charCodeAt(i), child);
      }
      node = child;
    }
    node.isEnd = true;
  }
  for (const [first, child] of root.children) {
    const row = (first & PAIR_MASK) << PAIR_BITS;
    if (child.isEnd) root.pairs.fill(1, row, row + PAIR_MASK + 1);
    for (const second of child.children.keys()) root.pairs[row | (second & PAIR_MASK)] = 1;
  }
  for (let unit = 0; unit < 0x1_0000; unit++) {
    if (root.children.has(LOWER_CASE_UNITS[unit])) root.begins[unit] = 1;
  }
  return root;
}

/**
 * Obscene words of the language in a text, each place counted once: C4's rule. They must stand between characters that
 * are no letters, numbers or underscores, except in Chinese, Japanese and Thai. Linear: a word is at most as long as
 * the longest of the list.
 */
export function countBadWords(scan: Scan, language: string): number {
  const root = trieOf(language);
  if (root === undefined) return 0;
  const anywhere = ANYWHERE.has(language);
  const { units, length } = scan;
  const { begins, pairs } = root;
  const isWord = (i: number): boolean =>
    i >= 0 && i < length && ((UNIT_CLASSES[units[i]] & (LETTER | NUMERIC)) !== 0 || units[i] === UNDERSCORE);
  let found = 0;
  for (let start = 0; start < length; start++) {
    if (begins[units[start]] === 0 || (!anywhere && isWord(start - 1))) continue;
    const first = LOWER_CASE_UNITS[units[start]];
    const second = start + 1 < length ? LOWER_CASE_UNITS[units[start + 1]] : 0;
    if (pairs[((first & PAIR_MASK) << PAIR_BITS) | (second & PAIR_MASK)] === 0) continue;
    let node = root.children.get(first);
    for (let i = start + 1; node !== undefined; i++) {
      if (node.isEnd && (anywhere || !isWord(i))) {
        found += 1;
        break;
      }
      node = i < length ? node.children.get(LOWER_CASE_UNITS[units[i]]) : undefined;
    }
  }
  return found;
}

const UNDERSCORE = 0x5f;
