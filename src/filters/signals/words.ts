/** Signals of words: Gopher's quality rules. What a word is, `scan/words.ts` says. */
import { GOPHER_STOP_WORDS } from '../scan/piece-facts.js';
import type { Scan } from '../scan/scan.js';
import { STOP_WORDS } from '../scan/stop-words.js';
import { DATATROVE, ratio, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';
import { totalsOf } from './totals.js';

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
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const totals = totalsOf(scan, language);
    const { wordCount: words } = scan.pieces;
    values.push(
      totals.spokenWords,
      ratio(totals.spokenCharacters, totals.spokenWords),
      ratio(totals.hashes, words),
      ratio(totals.ellipses, words),
      ratio(totals.alphabeticWords, words),
      countBits(totals.flags & GOPHER_STOP_WORDS),
    );
  },
};

function countBits(value: number): number {
  let bits = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) bits += 1;
  return bits;
}
