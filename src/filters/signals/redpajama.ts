/**
 * RedPajama-v2's quality signals that need no model, by their names. Those of lines are lists there; here they are the
 * mean over the lines (the sum, for the counts of `javascript` and of words).
 *
 * Raw words are runs of letters, numbers and underscores, or of other characters that are no white space (NLTK's
 * WordPunctTokenizer); normal words are pieces without ASCII punctuation, in lower case and NFD.
 */
import { asciiLower } from '../scan/ascii-lower.js';
import { LETTER, LOWER, NUMERIC, SPACE, UNIT_CLASSES, UPPER } from '../scan/character-classes.js';
import { RepeatedNgrams } from '../scan/repeated-ngrams.js';
import type { Scan } from '../scan/scan.js';
import { CharacterSums } from './character-sums.js';
import { countObsceneSequences, countPhrase, stopWordsOf } from './word-lists.js';
import { repeatedNgramCharacters } from './ngram-coverage.js';
import {
  ratio,
  REDPAJAMA,
  signal,
  type Signal,
  type SignalContext,
  type SignalFamily,
  type SignalValues,
} from './signal.js';

const HASH = 0x23;
const FULL_STOP = 0x2e;
const UNDERSCORE = 0x5f;
const ELLIPSIS = 0x2026;
const LINE_FEED = 0x0a;
const BULLETS = new Set('•‣▶◀◦■□▪▫–'.split('').map((bullet) => bullet.charCodeAt(0)));
const TERMINAL_MARKS = new Set('.!?”'.split('').map((mark) => mark.charCodeAt(0)));

const ngrams = new RepeatedNgrams();
const sums = new CharacterSums();

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
    ...[2, 3, 4].map((n) =>
      doc(
        `rps_doc_frac_chars_top_${n}gram`,
        'share of characters',
        `characters of the most frequent ${n}-gram of ${NORMAL} (of equals, the first) times its occurrences; 0 where none repeats`,
      ),
    ),
    ...[5, 6, 7, 8, 9, 10].map((n) =>
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
  measure(scan: Scan, values: SignalValues, context: SignalContext): void {
    const { pieces } = scan;
    const lower = asciiLower(scan);
    const lines = measureLines(scan);
    values.push(scan.characters, lines.count);
    measureNormalWords(scan, values);
    measureRawWords(scan, values, context.language);
    values.push(countSentences(scan));
    const joined = sums.between(0, pieces.normalCount) + Math.max(pieces.normalCount - 1, 0);
    values.push(lower.includes('lorem') ? ratio(countPhrase(pieces, 'lorem ipsum'), joined) : 0);
    values.push(ratio(lines.brackets, scan.characters));
    values.push(countObsceneSequences(pieces, context.language));
    values.push(ratio(lines.ellipses, lines.count), ratio(lines.ended, lines.count));
    values.push(ratio(lines.bullets, lines.count), ratio(lines.upper, lines.count));
    values.push(ratio(lines.numerical, lines.count), ratio(pieces.normalCount, lines.count));
    values.push(lower.includes('javascript') ? countPhrase(pieces, 'javascript') : 0);
  },
};

function measureNormalWords({ pieces }: Scan, values: SignalValues): void {
  const words = pieces.normalCount;
  ngrams.begin(pieces.normalLow, pieces.normalHigh, words);
  sums.fill(pieces.normalCharacters, words);
  const all = sums.between(0, words);
  values.push(words, ratio(all, words), ratio(ngrams.distinctWords, words), entropy());
  for (let n = 2; n <= 10; n++) {
    ngrams.next();
    values.push(ratio(n <= 4 ? topCharacters(n) : repeatedNgramCharacters(ngrams, sums), all));
  }
}

/** Over all words, those that occur once included. In nats. */
function entropy(): number {
  const { words, size, counts, ids, distinctWords } = ngrams;
  if (words === 0) return 0;
  let sum = 0;
  let repeated = 0;
  ngrams.resetSeen();
  for (let k = 0; k < size; k++) {
    if (!ngrams.firstTime(ids[k])) continue;
    const share = counts[ids[k]] / words;
    sum -= share * Math.log(share);
    repeated += 1;
  }
  return sum + ((distinctWords - repeated) / words) * Math.log(words);
}

function topCharacters(n: number): number {
  const top = ngrams.topCount();
  if (top < 2) return 0;
  let first = 0;
  while (ngrams.counts[ngrams.ids[first]] !== top) first += 1;
  return sums.between(ngrams.positions[first], ngrams.positions[first] + n) * top;
}

/** Kinds of code units for the passes over the text; 0 for lower-case letters and others that need no look. */
const WORD_KIND = 1;
const SPACE_KIND = 2;
const UPPER_KIND = 4;
const NUMBER_KIND = 8;
const ASCII_PUNCTUATION_KIND = 16;
const BRACKET_KIND = 32;
const PAIR_KIND = 64;
const PLAIN_WORD = WORD_KIND;

const kinds = new Uint8Array(0x1_0000);
for (let unit = 0; unit < 0x1_0000; unit++) {
  const bits = UNIT_CLASSES[unit];
  const isWord = (bits & (LETTER | NUMERIC)) !== 0 || unit === UNDERSCORE;
  kinds[unit] =
    (isWord ? WORD_KIND : 0) |
    ((bits & SPACE) !== 0 ? SPACE_KIND : 0) |
    ((bits & UPPER) !== 0 ? UPPER_KIND : 0) |
    ((bits & NUMERIC) !== 0 ? NUMBER_KIND : 0) |
    (unit > 0x20 && unit < 0x7f && (bits & (LETTER | NUMERIC)) === 0 ? ASCII_PUNCTUATION_KIND : 0) |
    (unit === 0x7b || unit === 0x7d ? BRACKET_KIND : 0) |
    ((unit & 0xfc00) === 0xdc00 ? PAIR_KIND : 0);
}

function measureRawWords({ units, length }: Scan, values: SignalValues, language: string): void {
  const stopWords = stopWordsOf(language);
  let words = 0;
  let alphabetic = 0;
  let capitals = 0;
  let stops = 0;
  let symbols = 0;
  let i = 0;
  while (i < length) {
    const kind = kinds[units[i]];
    if ((kind & SPACE_KIND) !== 0) {
      i += 1;
      continue;
    }
    words += 1;
    if ((kind & WORD_KIND) === 0) {
      let dots = 0;
      do {
        const unit = units[i++];
        dots = unit === FULL_STOP ? dots + 1 : 0;
        if (dots === 3 || unit === HASH || unit === ELLIPSIS) {
          symbols += 1;
          dots = 0;
        }
      } while (i < length && (kinds[units[i]] & (SPACE_KIND | WORD_KIND)) === 0);
      continue;
    }
    const start = i;
    let hash = 0x811c9dc5;
    let classes = 0;
    let ascii = 0x80;
    do {
      const unit = units[i++];
      hash = Math.imul(hash ^ unit, 0x01000193);
      classes |= UNIT_CLASSES[unit];
      if (unit > 0x40 && unit < 0x80 && unit !== UNDERSCORE) ascii = 0;
    } while (i < length && (kinds[units[i]] & WORD_KIND) !== 0);
    if (ascii === 0) alphabetic += 1;
    if ((classes & (UPPER | LOWER)) === UPPER) capitals += 1;
    if (stopWords !== undefined && i - start <= stopWords.longest && stopWords.has(hash, units, start, i))
      stops += 1;
  }
  values.push(
    ratio(symbols, words),
    words === 0 ? 0 : 1 - alphabetic / words,
    ratio(capitals, words),
    ratio(stops, words),
  );
}

/** Matches of `\b[^.!?]+[.!?]*`: each begins at a word boundary, runs to a mark that ends a sentence, and over those. */
function countSentences({ units, length }: Scan): number {
  let sentences = 0;
  let i = 0;
  let before = 0;
  while (i < length) {
    const unit = units[i];
    const isWord = kinds[unit] & WORD_KIND;
    if (before === isWord || isEnd(unit)) {
      before = isWord;
      i += 1;
      continue;
    }
    sentences += 1;
    while (i < length && !isEnd(units[i])) i += 1;
    while (i < length && isEnd(units[i])) i += 1;
    before = kinds[units[i - 1]] & WORD_KIND;
  }
  return sentences;
}

function isEnd(unit: number): boolean {
  return unit === FULL_STOP || unit === 0x21 || unit === 0x3f;
}

interface LineSums {
  count: number;
  ellipses: number;
  ended: number;
  bullets: number;
  /** Sums over the lines of each line's share. */
  upper: number;
  numerical: number;
  brackets: number;
}

function measureLines({ units, lines, length }: Scan): LineSums {
  const result = { count: 0, ellipses: 0, ended: 0, bullets: 0, upper: 0, numerical: 0, brackets: 0 };
  for (let line = 0; line < lines.count; line++) {
    const start = lines.start[line];
    const end = lines.end[line];
    if (line === lines.count - 1 && start === end) break;
    result.count += 1;
    let upper = 0;
    let numerical = 0;
    /** Characters of the normal form, spaces between its words included. */
    let normal = 0;
    let pending = 0;
    for (let i = start; i < end; i++) {
      const kind = kinds[units[i]];
      if (kind === PLAIN_WORD) {
        normal += 1 + pending;
        pending = 0;
        continue;
      }
      if ((kind & SPACE_KIND) !== 0) {
        if (normal > 0) pending = 1;
        continue;
      }
      if ((kind & UPPER_KIND) !== 0) upper += 1;
      if ((kind & BRACKET_KIND) !== 0) result.brackets += 1;
      if ((kind & (ASCII_PUNCTUATION_KIND | PAIR_KIND)) !== 0) continue;
      normal += 1 + pending;
      pending = 0;
      if ((kind & NUMBER_KIND) !== 0) numerical += 1;
    }
    let first = start;
    while (first < end && (kinds[units[first]] & SPACE_KIND) !== 0) first += 1;
    let last = end - 1;
    while (last > first && (kinds[units[last]] & SPACE_KIND) !== 0) last -= 1;
    if (normal > 0) result.numerical += numerical / normal;
    const withFeed = lines.characters[line] + (end < length && units[end] === LINE_FEED ? 1 : 0);
    result.upper += upper / withFeed;
    if (first === end) continue;
    if (BULLETS.has(units[first])) result.bullets += 1;
    if (TERMINAL_MARKS.has(units[last])) result.ended += 1;
    const isDots = (back: number): boolean => last - back >= start && units[last - back] === 0x2e;
    if (units[last] === 0x2026 || (isDots(0) && isDots(1) && isDots(2))) result.ellipses += 1;
  }
  return result;
}
