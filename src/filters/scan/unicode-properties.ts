/** Properties of characters as Unicode defines them: what `unicode-data.ts` is made from and tested against. */
import {
  CONNECTOR,
  DIGIT,
  KATAKANA,
  LETTER,
  LOWER,
  MARK,
  NUMBER,
  PUNCTUATION,
  SENTENCE_END,
  SPACE,
  UNSPACED,
  UPPER,
} from './property-bits.js';

export * from './property-bits.js';

/** Which characters have which bits, by the engine's own Unicode data. */
export const PROPERTY_PATTERNS: readonly (readonly [RegExp, number])[] = [
  [/\p{White_Space}/u, SPACE],
  [/\p{L}/u, LETTER],
  [/[\p{M}\p{Cf}]/u, MARK],
  [/\p{Nd}/u, DIGIT],
  [/[\p{Nl}\p{No}]/u, NUMBER],
  [/\p{Lu}/u, UPPER],
  [/\p{Ll}/u, LOWER],
  [
    /(?=\p{L})[\p{Script=Han}\p{Script=Hiragana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u,
    UNSPACED,
  ],
  [/[\p{Pc}\u202f]/u, CONNECTOR],
  [/[\p{Script=Katakana}\u3031-\u3035\u309b\u309c\u30a0\u30fc\uff70]/u, KATAKANA],
  [/[\p{Sentence_Terminal}\u17d6\u17d9\u17da]/u, SENTENCE_END | PUNCTUATION],
];
