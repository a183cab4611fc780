/**
 * Language identification with the tables and scores of ELD (efficient language detector): byte n-grams, 60 languages.
 *
 * The cost is bounded whatever the length of the text: a few samples spread over it are classified, because web pages
 * often begin with a menu in another language, and the language with the highest mean score wins.
 */
import { classify, languageIndex, LANGUAGES } from './classify.js';

/** A few sentences: as much as ELD needs. It reads at most 380 bytes of what it is given. */
const SAMPLE_LENGTH = 200;
const SAMPLES = 3;
/** Language of a text without a letter of a known script. */
const UNKNOWN = 'und';

export interface DetectedLanguage {
  /** ISO 639-1 code, or `und` where there is no letter of a known script. */
  readonly language: string;
  /** ELD's score, mean over the samples, 0 to 1. It is no probability: clear prose of one language has about 0.8. */
  readonly score: number;
  /** The next best language and its score; empty and 0 where there is none. */
  readonly second: string;
  readonly secondScore: number;
}

const scores = new Float64Array(LANGUAGES.length);
let lastText: string | undefined;
let lastResult: DetectedLanguage | undefined;

/** Language of a text. Asking twice in a row for one text costs nothing. */
export function detectLanguage(text: string): DetectedLanguage {
  if (lastResult !== undefined && lastText === text) return lastResult;
  lastText = text;
  lastResult = detect(text);
  return lastResult;
}

function detect(text: string): DetectedLanguage {
  scores.fill(0);
  const samples = samplesOf(text);
  for (const sample of samples) classify(sample, scores);
  let best = -1;
  let second = -1;
  for (let language = 0; language < scores.length; language++) {
    if (scores[language] === 0) continue;
    if (best < 0 || scores[language] > scores[best]) {
      second = best;
      best = language;
    } else if (second < 0 || scores[language] > scores[second]) second = language;
  }
  return {
    language: best < 0 ? UNKNOWN : LANGUAGES[best],
    score: best < 0 ? 0 : scores[best] / samples.length,
    second: second < 0 ? '' : LANGUAGES[second],
    secondScore: second < 0 ? 0 : scores[second] / samples.length,
  };
}

/** Language of a short text by itself: ISO 639-1, or `und`. */
export function languageOf(text: string): string {
  const index = languageIndex(text);
  return index < 0 ? UNKNOWN : LANGUAGES[index];
}

function samplesOf(text: string): string[] {
  if (text.length <= SAMPLES * SAMPLE_LENGTH) return [text];
  return Array.from({ length: SAMPLES }, (_, index) => {
    const start = Math.floor((text.length / SAMPLES) * index);
    return text.slice(start, start + SAMPLE_LENGTH);
  });
}
