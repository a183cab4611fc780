import { eld } from 'eld/medium';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classify, LANGUAGES } from '../../../src/filters/language/classify.js';

/** Language and scores of a text by our tables. */
function ours(text: string): { language: string; scores: Record<string, number> } {
  const sums = new Float64Array(LANGUAGES.length);
  const best = classify(text, sums);
  return {
    language: best < 0 ? '' : LANGUAGES[best],
    scores: Object.fromEntries(LANGUAGES.map((language, index) => [language, sums[index]])),
  };
}

/** The same by the package itself. */
function theirs(text: string): ReturnType<typeof ours> {
  const result = eld.detect(text);
  const scores = result.getScores() as Record<string, number>;
  return {
    language: result.language,
    scores: Object.fromEntries(LANGUAGES.map((language) => [language, scores[language] ?? 0])),
  };
}

describe('scores are those of the package eld', () => {
  test.each([
    'The old harbour was quiet that morning, and the boats lay still.',
    "I can't say it's wrong; 'tis ’twas `so` ''b '' c",
    'ΟΔΟΣ ΣΑΣ, Ο ΓΙΑΝΝΗΣ και ο Γιώργος',
    'İstanbul, ŐŰ Ǆungla ß ŉ',
    'सभी मनुष्यों को गौरव और अधिकारों के मामले में',
    'すべての人間は、生まれながらにして自由であり',
    '人人生而自由，在尊严和权利上一律平等。',
    `${'a'.repeat(69)} ${'a'.repeat(70)} ${'a'.repeat(71)} ${'a'.repeat(300)}`,
    'word '.repeat(120),
    'ü'.repeat(400),
    '\ud800 abc 𝒳 def \udc00',
    '',
    '12345 !!',
  ])('%j', (text) => expect(ours(text)).toEqual(theirs(text)));

  test('any text of letters, apostrophes and spaces', () => {
    const unit = fc.constantFrom(..."aeinrstAS '’`-é, ñßжщΣσ中あ");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 500 }), (text) => {
        expect(ours(text)).toEqual(theirs(text));
      }),
    );
  });
});
