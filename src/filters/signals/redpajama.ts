/**
 * RedPajama-v2's quality signals that need no model, by their names. Those of lines are lists there; here they are the
 * mean over the lines (the sum, for the counts of `javascript` and of words).
 *
 * Raw words are runs of letters, numbers and underscores, or of other characters that are no white space (NLTK's
 * WordPunctTokenizer); normal words are pieces without ASCII punctuation, in lower case and NFD.
 */
import { NgramFigures, REPEATED_NGRAMS, TOP_NGRAMS } from '../scan/ngram-figures.js';
import { HAS_JAVASCRIPT, HAS_LOREM } from '../scan/piece-facts.js';
import type { Scan } from '../scan/scan.js';
import type { WordSequence } from '../scan/word-sequence.js';
import {
  ratio,
  REDPAJAMA,
  signal,
  type Signal,
  type SignalContext,
  type SignalFamily,
  type SignalValues,
} from './signal.js';
import { totalsOf } from './totals.js';
import { countObsceneSequences, countPhrase, MAY_BE_OBSCENE } from './word-lists.js';

const FULL_STOP = 0x2e;
const ELLIPSIS = 0x2026;
const LINE_FEED = 0x0a;
const bullets = new Uint8Array(0x1_0000);
for (const bullet of '•‣▶◀◦■□▪▫–') bullets[bullet.charCodeAt(0)] = 1;
const terminalMarks = new Uint8Array(0x1_0000);
for (const mark of '.!?”') terminalMarks[mark.charCodeAt(0)] = 1;

const ngrams = new NgramFigures();

const doc = (name: string, unit: string, text: string, type: Signal['type'] = 'DOUBLE'): Signal =>
  signal(name, type, unit, text, REDPAJAMA);
const NORMAL = 'normal words: pieces between white space without ASCII punctuation, in lower case and NFD';

export const redpajamaSignals: SignalFamily = {
  signals: [
    doc('ccnet_length', 'characters', 'code points of the text', 'BIGINT'),
    doc('ccnet_nlines', 'lines', 'lines between line feeds, nothing behind the last of them', 'BIGINT'),
    doc('rps_doc_word_count', 'words', `number of ${NORMAL}`, 'BIGINT'),
    doc('rps_doc_mean_word_length', 'characters', `mean length of ${NORMAL}`),
    doc('rps_doc_frac_unique_words', 'share of words', `different ones among ${NORMAL}`),
    doc('rps_doc_unigram_entropy', 'nats', `entropy of the distribution of ${NORMAL}`),
    ...TOP_NGRAMS.map((n) =>
      doc(
        `rps_doc_frac_chars_top_${n}gram`,
        'share of characters',
        `characters of the most frequent ${n}-gram of ${NORMAL} (of equals, the first) times its occurrences; 0 where none repeats`,
      ),
    ),
    ...REPEATED_NGRAMS.map((n) =>
      doc(
        `rps_doc_frac_chars_dupe_${n}grams`,
        'share of characters',
        `characters of the words in a ${n}-gram that occurs more than once, every copy counted and each word once, of ${NORMAL}`,
      ),
    ),
    doc('rps_doc_symbol_to_word_ratio', 'per word', '`#`, `...` and `…` per raw word'),
    doc('rps_doc_frac_no_alph_words', 'share of words', 'raw words without one of a to z in either case'),
    doc(
      'rps_doc_frac_all_caps_words',
      'share of words',
      'raw words with an upper-case and without a lower-case letter',
    ),
    doc(
      'rps_doc_stop_word_fraction',
      'share of words',
      "raw words that are in the list of stop words of the document's language; case matters",
    ),
    doc('rps_doc_num_sentences', 'sentences', 'matches of \\b[^.!?]+[.!?]*', 'BIGINT'),
    doc(
      'rps_doc_lorem_ipsum',
      'per character',
      '`lorem ipsum` among the normal words, per character of the text that they make joined by single spaces',
    ),
    doc('rps_doc_curly_bracket', 'share of characters', '`{` and `}`'),
    doc(
      'rps_doc_ldnoobw_words',
      'words',
      'sequences of normal words that are in the list of obscene words (LDNOOBW); for English, German, Spanish, French and Italian',
      'BIGINT',
    ),
    doc(
      'rps_doc_frac_lines_end_with_ellipsis',
      'share of lines',
      'lines that end with `...` or `…`, white space at the end aside',
    ),
    doc(
      'rps_lines_ending_with_terminal_punctution_mark',
      'share of lines',
      'lines that end with `.`, `!`, `?` or `”`, white space at the end aside',
    ),
    doc(
      'rps_lines_start_with_bulletpoint',
      'share of lines',
      'lines that begin with one of `•‣▶◀◦■□▪▫–`, white space aside',
    ),
    doc(
      'rps_lines_uppercase_letter_fraction',
      'share of characters',
      'mean over the lines of the share of upper-case letters, the line feed counted as a character',
    ),
    doc(
      'rps_lines_numerical_chars_fraction',
      'share of characters',
      'mean over the lines of the share of numerical characters, in lower case, without ASCII punctuation, white space runs made one space',
    ),
    doc('rps_lines_num_words', 'words', 'mean number of normal words of a line'),
    doc('rps_lines_javascript_counts', 'words', 'normal words that are `javascript`', 'BIGINT'),
  ],
  measure(scan: Scan, values: SignalValues, { language }: SignalContext): void {
    const { normalWords: words } = scan;
    const totals = totalsOf(scan, language);
    const lines = measureLines(scan);
    values.push(totals.characters, lines.count);
    measureNormalWords(scan, values);
    const { rawWords } = totals;
    values.push(
      ratio(totals.hashes + totals.ellipses, rawWords),
      rawWords === 0 ? 0 : 1 - totals.rawAlphabetic / rawWords,
      ratio(totals.capitalWords, rawWords),
      ratio(totals.stopWords, rawWords),
      totals.sentences,
    );
    const joined = words.between(0, words.count) + Math.max(words.count - 1, 0);
    const has = (flag: number): boolean => (totals.flags & flag) !== 0;
    values.push(has(HAS_LOREM) ? ratio(countPhrase(scan, 'lorem ipsum'), joined) : 0);
    values.push(ratio(totals.braces, totals.characters));
    values.push((totals.languageFlags & MAY_BE_OBSCENE) === 0 ? 0 : countObsceneSequences(scan, language));
    values.push(ratio(lines.ellipses, lines.count), ratio(lines.ended, lines.count));
    values.push(ratio(lines.bullets, lines.count), ratio(lines.upper, lines.count));
    values.push(ratio(lines.numerical, lines.count), ratio(words.count, lines.count));
    values.push(has(HAS_JAVASCRIPT) ? countPhrase(scan, 'javascript') : 0);
  },
};

function measureNormalWords(scan: Scan, values: SignalValues): void {
  const { normalWords: words } = scan;
  const limit = scan.pieces.numberCount;
  ngrams.measure(words, limit, 'covering');
  const all = words.between(0, words.count);
  const { distinctWords } = ngrams;
  values.push(words.count, ratio(all, words.count), ratio(distinctWords, words.count));
  values.push(entropy(ngrams.repeatedWords(words, limit), words.count, distinctWords));
  for (const n of TOP_NGRAMS) values.push(ratio(topCharacters(words, n), all));
  for (const n of REPEATED_NGRAMS) values.push(ratio(ngrams.repeatedCharacters(n), all));
}

/** Over all words, those that occur once included. In nats. */
function entropy(repeated: Int32Array, words: number, distinctWords: number): number {
  if (words === 0) return 0;
  let sum = 0;
  for (const count of repeated) {
    const share = count / words;
    sum -= share * Math.log(share);
  }
  return sum + ((distinctWords - repeated.length) / words) * Math.log(words);
}

function topCharacters(words: WordSequence, n: number): number {
  const top = ngrams.topCount(n);
  const position = ngrams.topPosition(n);
  return top < 2 ? 0 : words.between(position, position + n) * top;
}

interface LineSums {
  count: number;
  ellipses: number;
  ended: number;
  bullets: number;
  /** Sums over the lines of each line's share. */
  upper: number;
  numerical: number;
}

function measureLines({ units, length, lines, pieces }: Scan): LineSums {
  const result = { count: 0, ellipses: 0, ended: 0, bullets: 0, upper: 0, numerical: 0 };
  let firstPiece = 0;
  for (let line = 0; line < lines.count; line++) {
    const end = lines.end[line];
    if (line === lines.count - 1 && lines.start[line] === end) break;
    result.count += 1;
    const lastPiece = lines.pieceEnd[line];
    const normal = lines.normalCharacters[line];
    if (normal > 0) result.numerical += lines.numerical[line] / normal;
    const withFeed = lines.characters[line] + (end < length && units[end] === LINE_FEED ? 1 : 0);
    result.upper += lines.upperUnits[line] / withFeed;
    if (lastPiece > firstPiece) {
      const start = pieces.start[firstPiece];
      const last = pieces.end[lastPiece - 1] - 1;
      if (bullets[units[start]] === 1) result.bullets += 1;
      if (terminalMarks[units[last]] === 1) result.ended += 1;
      if (units[last] === ELLIPSIS || endsWithDots(units, start, last)) result.ellipses += 1;
    }
    firstPiece = lastPiece;
  }
  return result;
}

/** Whether the units from `start` to `last`, that one included, end with three full stops. */
function endsWithDots(units: Uint16Array, start: number, last: number): boolean {
  if (units[last] !== FULL_STOP || last - start < 2) return false;
  return units[last - 1] === FULL_STOP && units[last - 2] === FULL_STOP;
}
