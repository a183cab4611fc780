/**
 * Lists of words out of packages: stop words (`stopwords-json`) and obscene words (`naughty-words`, which is the list
 * LDNOOBW that C4 uses), by language. A list is prepared when a document first needs it.
 */
import { createRequire } from 'node:module';
import { LETTER, LOWER_CASE_UNITS, NUMERIC, SPACE, UNIT_CLASSES } from '../scan/character-classes.js';
import {
  HEAD_LANGUAGE,
  HEAD_LANGUAGE_FLAGS,
  HEAD_NORMAL,
  HEAD_STOP_WORDS,
  HEAD_UNITS,
  PIECE,
} from '../scan/piece-layout.js';
import { beginningHash, FILTER_MASK, type LanguageFilters } from '../scan/piece-sums.js';
import type { Scan } from '../scan/scan.js';
import type { KnownPieces } from '../scan/vocabulary.js';

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

  /** First half of the hash of each word. */
  get wordHashes(): number[] {
    return this.words.map((word) => hashOf(word)[0]);
  }

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
function stopWordsOf(language: string): WordSet | undefined {
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

/** Sequences of words, each given by both halves of its hash, by the first half of their first word. */
type Sequences = ReadonlyMap<number, readonly (readonly (readonly [number, number])[])[]>;

const sequences = new Map<string, Sequences>();

function sequencesOf(key: string, phrases: () => readonly string[]): Sequences {
  const known = sequences.get(key);
  if (known !== undefined) return known;
  const made = new Map<number, (readonly [number, number])[][]>();
  for (const phrase of phrases()) {
    const words = phrase.trim().split(' ').map(hashOf);
    made.set(words[0][0], [...(made.get(words[0][0]) ?? []), words]);
  }
  sequences.set(key, made);
  return made;
}

/** How often a phrase of lower-case words occurs among the normal words. */
export function countPhrase(scan: Scan, phrase: string): number {
  const listed = sequencesOf(phrase, () => [phrase]);
  let found = 0;
  for (let piece = 0; piece < scan.pieces.count; piece++) found += sequencesAt(scan, piece, listed);
  return found;
}

/** The lists of obscene words that RedPajama-v2 has, which is for five languages. */
function obsceneSequences(language: string): Sequences | undefined {
  if (!REDPAJAMA_LANGUAGES.has(language)) return undefined;
  return sequencesOf(`list ${language}`, () => [...new Set(allBadWords[language])]);
}

/**
 * How often RedPajama-v2 finds obscene words of the language among the normal words. The language facts of the pieces
 * have to be those of the language.
 */
export function countObsceneSequences(scan: Scan, language: string): number {
  const listed = obsceneSequences(language);
  if (listed === undefined) return 0;
  const { pieces, vocabulary } = scan;
  let found = 0;
  for (let piece = 0; piece < pieces.count; piece++) {
    const flags = vocabulary.heads[pieces.distinct[pieces.entry[piece] + PIECE] + HEAD_LANGUAGE_FLAGS];
    if ((flags & MAY_BE_OBSCENE) !== 0) found += sequencesAt(scan, piece, listed);
  }
  return found;
}

/** Sequences that begin with the normal word of a piece, if it has one. */
function sequencesAt(scan: Scan, piece: number, listed: Sequences): number {
  const { numbers } = scan.vocabulary;
  const first = normalWord(scan, piece);
  const candidates = first < 0 ? undefined : listed.get(numbers.low[first]);
  if (candidates === undefined) return 0;
  let found = 0;
  for (const words of candidates) {
    let next = piece;
    const fits = words.every(([low, high]) => {
      while (next < scan.pieces.count && normalWord(scan, next) < 0) next += 1;
      if (next === scan.pieces.count) return false;
      const word = normalWord(scan, next++);
      return numbers.low[word] === low && numbers.high[word] === high;
    });
    if (fits) found += 1;
  }
  return found;
}

/** Number in the vocabulary of the normal form of a piece, -1 where it is empty. */
function normalWord({ pieces, vocabulary }: Scan, piece: number): number {
  return vocabulary.heads[pieces.distinct[pieces.entry[piece] + PIECE] + HEAD_NORMAL];
}

/** What the lists of a language are. */
interface LanguageLists {
  readonly trie: Node | undefined;
  /** 1 at the hash of three units of ASCII with which an obscene word may begin; null where one has a single unit. */
  readonly beginnings: Uint8Array | null;
  readonly anywhere: boolean;
  readonly stopWords: WordSet | undefined;
  readonly obscene: Sequences | undefined;
  /** Null where the lists are not asked by beginnings. */
  readonly filters: LanguageFilters | null;
}

/** Units of the beginning of a word that are looked at before the list is. */
const BEGINNING = 3;

function beginningsOf(language: string): Uint8Array | null {
  const filter = new Uint8Array(FILTER_MASK + 1);
  for (const word of badWordsOf(language)) {
    if (word.length < BEGINNING - 1) return null;
    const [first, second, third] = Array.from({ length: BEGINNING }, (_, i) => word.charCodeAt(i));
    if (word.length >= BEGINNING) filter[beginningHash(first, second, third)] = 1;
    else for (let any = 0; any < 0x80; any++) filter[beginningHash(first, second, any)] = 1;
    // A piece may end within the word, or with it.
    if ((UNIT_CLASSES[second] & SPACE) !== 0) filter[beginningHash(first, 0, 0)] = 1;
    if (word.length < BEGINNING || (UNIT_CLASSES[third] & SPACE) !== 0) {
      filter[beginningHash(first, second, 0)] = 1;
    }
  }
  return filter;
}

function filterOf(hashes: Iterable<number>): Uint8Array {
  const filter = new Uint8Array(FILTER_MASK + 1);
  for (const hash of hashes) filter[hash & FILTER_MASK] = 1;
  return filter;
}

const languageNumbers = new Map<string, number>();
const languages: LanguageLists[] = [];

/** Number of a language in the records of pieces, from 1. */
export function languageNumber(language: string): number {
  const known = languageNumbers.get(language);
  if (known !== undefined) return known;
  const obscene = obsceneSequences(language);
  const stopWordSet = stopWordsOf(language);
  const beginnings = beginningsOf(language);
  const anywhere = ANYWHERE.has(language);
  languages.push({
    trie: trieOf(language),
    beginnings,
    anywhere,
    stopWords: stopWordSet,
    obscene,
    filters:
      beginnings === null || anywhere
        ? null
        : {
            beginnings,
            stopWords: filterOf(stopWordSet?.wordHashes ?? []),
            sequences: filterOf(obscene?.keys() ?? []),
          },
  });
  languageNumbers.set(language, languages.length);
  return languages.length;
}

/** Filters of the lists of a language, by its number. */
export function languageFilters(number: number): LanguageFilters | null {
  return languages[number - 1].filters;
}

/** Language flags: an obscene word may begin in the piece; its normal form begins a sequence of obscene words. */
export const MAY_BE_BAD = 1;
export const MAY_BE_OBSCENE = 2;

/** Writes what the lists of a language say of the piece at `head` into its head. */
export function languageFacts(vocabulary: KnownPieces, head: number, number: number): void {
  const { heads, numbers } = vocabulary;
  const lists = languages[number - 1];
  const units = vocabulary.unitsOf(head);
  const start = vocabulary.textAt(head);
  const end = start + heads[head + HEAD_UNITS];
  let flags = mayBeBad(units, start, end, lists) ? MAY_BE_BAD : 0;
  const normal = heads[head + HEAD_NORMAL];
  if (normal >= 0 && lists.obscene?.has(numbers.low[normal])) flags |= MAY_BE_OBSCENE;
  heads[head + HEAD_LANGUAGE] = number;
  heads[head + HEAD_STOP_WORDS] = countStopWords(units, start, end, lists.stopWords);
  heads[head + HEAD_LANGUAGE_FLAGS] = flags;
}

/** Raw words of a piece that are in the list of stop words; case matters. */
function countStopWords(units: Uint16Array, start: number, end: number, listed: WordSet | undefined): number {
  if (listed === undefined) return 0;
  let found = 0;
  let i = start;
  while (i < end) {
    const first = i;
    let hash = 0x811c9dc5;
    while (i < end && isWordUnit(units[i])) hash = Math.imul(hash ^ units[i++], 0x01000193);
    if (i > first && i - first <= listed.longest && listed.has(hash, units, first, i)) found += 1;
    if (i === first) i += 1;
  }
  return found;
}

interface Node {
  readonly children: Map<number, Node>;
  isEnd: boolean;
  /** Whether a word goes on with white space. */
  hasSpace: boolean;
}

const tries = new Map<string, Node | undefined>();

function badWordsOf(language: string): string[] {
  const list = Object.hasOwn(allBadWords, language) ? allBadWords[language] : [];
  return list.map((word) => word.trim()).filter((word) => word !== '' && !ALLOWED.has(word));
}

function trieOf(language: string): Node | undefined {
  if (!tries.has(language)) {
    tries.set(language, Object.hasOwn(allBadWords, language) ? makeTrie(badWordsOf(language)) : undefined);
  }
  return tries.get(language);
}

function makeTrie(words: readonly string[]): Node {
  const root: Node = { children: new Map(), isEnd: false, hasSpace: false };
  for (const word of words) {
    let node: Node = root;
    for (let i = 0; i < word.length; i++) {
      let child = node.children.get(word.charCodeAt(i));
      if (child === undefined) {
        child = { children: new Map(), isEnd: false, hasSpace: false };
        node.children.set(word.charCodeAt(i), child);
        if ((UNIT_CLASSES[word.charCodeAt(i)] & SPACE) !== 0) node.hasSpace = true;
      }
      node = child;
    }
    node.isEnd = true;
  }
  return root;
}

function isWordUnit(unit: number): boolean {
  return (UNIT_CLASSES[unit] & (LETTER | NUMERIC)) !== 0 || unit === UNDERSCORE;
}

/** Whether no obscene word begins at `first`, by the filter. Units behind the piece count as 0. */
function canNotBegin(units: Uint16Array, first: number, end: number, beginnings: Uint8Array): boolean {
  const a = units[first];
  const b = first + 1 < end ? units[first + 1] : 0;
  const c = first + 2 < end ? units[first + 2] : 0;
  if ((a | b | c) >= 0x80) return false;
  return beginnings[beginningHash(LOWER_CASE_UNITS[a], LOWER_CASE_UNITS[b], LOWER_CASE_UNITS[c])] === 0;
}

/** Whether an obscene word of the language begins in a piece, or may go on behind it. */
function mayBeBad(
  units: Uint16Array,
  start: number,
  end: number,
  { trie, beginnings, anywhere }: LanguageLists,
): boolean {
  if (trie === undefined) return false;
  for (let first = start; first < end; first++) {
    if (!anywhere && first > start && isWordUnit(units[first - 1])) continue;
    if (beginnings !== null && canNotBegin(units, first, end, beginnings)) continue;
    let node: Node | undefined = trie;
    for (let i = first; node !== undefined; i++) {
      if (node.isEnd && (anywhere || i === end || !isWordUnit(units[i]))) return true;
      if (i === end && node.hasSpace) return true;
      node = i === end ? undefined : node.children.get(LOWER_CASE_UNITS[units[i]]);
    }
  }
  return false;
}

/**
 * Obscene words of the language in a text, each place counted once: C4's rule. They must stand between characters that
 * are no letters, numbers or underscores, except in Chinese, Japanese and Thai. Linear: a word is at most as long as
 * the longest of the list.
 */
export function countBadWords(scan: Scan, language: string): number {
  const root = trieOf(language);
  if (root === undefined) return 0;
  const { pieces, vocabulary } = scan;
  let found = 0;
  for (let piece = 0; piece < pieces.count; piece++) {
    const flags = vocabulary.heads[pieces.distinct[pieces.entry[piece] + PIECE] + HEAD_LANGUAGE_FLAGS];
    if ((flags & MAY_BE_BAD) === 0) continue;
    for (let start = pieces.start[piece]; start < pieces.end[piece]; start++) {
      if (isBadWordAt(scan, start, root, ANYWHERE.has(language))) found += 1;
    }
  }
  return found;
}

function isBadWordAt({ units, length }: Scan, start: number, root: Node, anywhere: boolean): boolean {
  if (!anywhere && start > 0 && isWordUnit(units[start - 1])) return false;
  let node: Node | undefined = root;
  for (let i = start; node !== undefined; i++) {
    if (node.isEnd && (anywhere || i >= length || !isWordUnit(units[i]))) return true;
    node = i < length ? node.children.get(LOWER_CASE_UNITS[units[i]]) : undefined;
  }
  return false;
}

const UNDERSCORE = 0x5f;
