/** Signals of words: Gopher's quality rules. What a word is, `scan/words.ts` says. */
import { LETTER, LOWER } from '../scan/character-classes.js';
import { scanText, type Scan } from '../scan/scan.js';
import { DATATROVE, ratio, type SignalFamily, type SignalValues } from './signal.js';

/** Gopher's stop words; case matters. */
export const STOP_WORDS = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'] as const;

const HASH = 0x23;
const FULL_STOP = 0x2e;
const ELLIPSIS = 0x2026;
const LONGEST_STOP_WORD = 4;
/** Classes of a word of lower-case letters only. */
const LOWER_CASE_WORD = LETTER | LOWER;

/** Bit and second half of the hash of each stop word, by the first half: no strings are made to look words up. */
const stopWords = new Map(
  STOP_WORDS.map((word, index) => {
    const { words } = scanText(word);
    return [words.low[0], { high: words.high[0], bit: 1 << index }];
  }),
);

/** 1 where a stop word has these low bits of its hash: asking it saves asking the map for most words. */
const FILTER_MASK = 0x3ff;
const stopWordFilter = new Uint8Array(FILTER_MASK + 1);
for (const low of stopWords.keys()) stopWordFilter[low & FILTER_MASK] = 1;

export const wordSignals: SignalFamily = {
  signals: [
    {
      name: 'word_count',
      type: 'BIGINT',
      unit: 'words',
      doc: 'words that are not made of punctuation alone',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'mean_word_length',
      type: 'DOUBLE',
      unit: 'characters',
      doc: 'mean length of the words that are not made of punctuation alone',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'hash_word_ratio',
      type: 'DOUBLE',
      unit: 'per word',
      doc: '`#` characters per word, punctuation counted as words',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'ellipsis_word_ratio',
      type: 'DOUBLE',
      unit: 'per word',
      doc: '`...` (without overlap) and `…` per word, punctuation counted as words',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'alphabetic_word_ratio',
      type: 'DOUBLE',
      unit: 'share of words',
      doc: 'words with a letter, of all words, punctuation counted as words',
      source: DATATROVE.gopherQuality,
    },
    {
      name: 'stop_word_count',
      type: 'BIGINT',
      unit: 'distinct words',
      doc: `how many of ${STOP_WORDS.join(', ')} occur; case matters`,
      source: DATATROVE.gopherQuality,
    },
  ],
  measure(scan: Scan, values: SignalValues): void {
    const { words } = scan;
    let nonSymbol = 0;
    let characters = 0;
    let alphabetic = 0;
    let found = 0;
    for (let i = 0; i < words.count; i++) {
      if (words.isSymbol[i] === 0) {
        nonSymbol += 1;
        characters += words.characters[i];
      }
      if ((words.classes[i] & LETTER) !== 0) alphabetic += 1;
      if (words.characters[i] <= LONGEST_STOP_WORD && words.classes[i] === LOWER_CASE_WORD) {
        const low = words.low[i];
        if (stopWordFilter[low & FILTER_MASK] === 0) continue;
        const stopWord = stopWords.get(low);
        if (stopWord?.high === words.high[i]) found |= stopWord.bit;
      }
    }
    const { hashes, ellipses } = countSymbols(scan);
    values.push(
      nonSymbol,
      ratio(characters, nonSymbol),
      ratio(hashes, words.count),
      ratio(ellipses, words.count),
      ratio(alphabetic, words.count),
      countBits(found),
    );
  },
};

function countSymbols({ units, length }: Scan): { hashes: number; ellipses: number } {
  let hashes = 0;
  let ellipses = 0;
  let stops = 0;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if (unit === FULL_STOP) {
      stops += 1;
      if (stops === 3) {
        ellipses += 1;
        stops = 0;
      }
      continue;
    }
    stops = 0;
    if (unit === HASH) hashes += 1;
    else if (unit === ELLIPSIS) ellipses += 1;
  }
  return { hashes, ellipses };
}

function countBits(value: number): number {
  let bits = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) bits += 1;
  return bits;
}
