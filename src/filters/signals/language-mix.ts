/** Signals of language beside the document's own: the second candidate, and the languages of single lines. */
import { detectLanguage, languageOf } from '../language/detect.js';
import type { Scan } from '../scan/scan.js';
import { ratio, signal, type SignalContext, type SignalFamily, type SignalValues } from './signal.js';

/** Lines below this say too little. */
const MINIMUM_CHARACTERS = 40;
/** Lines that are looked at, spread evenly over those that are long enough. */
const MAXIMUM_LINES = 8;
/** Code units of a line that are looked at. */
const SAMPLE_LENGTH = 200;

const LINES = `up to ${MAXIMUM_LINES} lines between line feeds, spread evenly over those of at least ${MINIMUM_CHARACTERS} characters`;

export const languageMixSignals: SignalFamily = {
  signals: [
    signal(
      'second_language',
      'VARCHAR',
      'ISO 639-1',
      'language with the second highest score; empty where there is none',
      'ELD 2.1, medium',
    ),
    signal('second_language_score', 'DOUBLE', 'score', 'its score, as language_score', 'ELD 2.1, medium'),
    signal(
      'line_language_ratio',
      'DOUBLE',
      'share of lines',
      `lines in the language of the document, of ${LINES}; 1 where there is none`,
      'Tokenmill, after Data-Juicer and DCLM, by ELD 2.1, medium',
    ),
    signal(
      'line_language_count',
      'BIGINT',
      'languages',
      `different languages of ${LINES}`,
      'Tokenmill, by ELD 2.1, medium',
    ),
  ],
  measure(scan: Scan, values: SignalValues, context: SignalContext): void {
    const { second, secondScore } = detectLanguage(scan.text);
    const { lines } = scan;
    let eligible = 0;
    for (let line = 0; line < lines.count; line++) {
      if (lines.characters[line] >= MINIMUM_CHARACTERS) eligible += 1;
    }
    const wanted = Math.min(eligible, MAXIMUM_LINES);
    const languages = new Set<string>();
    let same = 0;
    let taken = 0;
    let rank = 0;
    for (let line = 0; line < lines.count && taken < wanted; line++) {
      if (lines.characters[line] < MINIMUM_CHARACTERS) continue;
      if (rank++ !== Math.floor((eligible * taken) / wanted)) continue;
      taken += 1;
      const start = lines.start[line];
      const language = languageOf(scan.text.slice(start, Math.min(lines.end[line], start + SAMPLE_LENGTH)));
      languages.add(language);
      if (language === context.language) same += 1;
    }
    values.push(second, secondScore, taken === 0 ? 1 : ratio(same, taken), languages.size);
  },
};
