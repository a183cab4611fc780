/**
 * Guesses the encoding of a text that has no usable label and is not UTF-8.
 *
 * Each candidate decodes a sample, and the characters beyond ASCII that come out are scored: frequent letters of its
 * script in the neighbourhood where a text has them count for it, characters that a text hardly has and bytes that
 * do not decode count against it. The mean is compared, so that one-byte and two-byte encodings are on one scale.
 */
import { decodeStart } from './encodings.js';

const SAMPLE_BYTES = 16_384;
/** In order of preference where scores are equal. */
const CANDIDATES = [
  'windows-1252',
  'windows-1251',
  'koi8-r',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'gbk',
  'big5',
  'windows-1250',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'windows-874',
] as const;

type Candidate = (typeof CANDIDATES)[number];

/** The frequent characters of the texts that are in this encoding. Tested on single characters beyond ASCII. */
const TYPICAL: Record<Candidate, RegExp> = {
  'windows-1252': /[àáâãäåæçèéêëìíîïñòóôõöøùúûüßœÀÁÂÄÅÇÈÉÊÍÑÓÔÖØÚÜ]/,
  'windows-1251': /[оеаинтсрвлкмдпуяыьгзбй]/,
  'koi8-r': /[оеаинтсрвлкмдпуяыьгзбй]/,
  shift_jis: /[ぁ-んァ-ヶー、。]/,
  'euc-jp': /[ぁ-んァ-ヶー、。]/,
  'euc-kr':
    /[이다는가의에을를은고하한지로도인사기자리어그대나시라서있수해정전과일들만아여부것보장제스주상으니면조게성원구유안동문우국비오적선모든간존권행]/,
  gbk: /[的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实、。]/,
  big5: /[的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作里用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實、。]/,
  'windows-1250': /[ąćęłńśźżčďěňřšťůžőűăâîşţ]/,
  'windows-1253': /[α-ωάέήίόύώς]/,
  'windows-1254': /[ğışİçöü]/,
  'windows-1255': /[א-ת]/,
  'windows-1256': /[اليمنرتوبعدسقحفكهجةأشصطى]/,
  'windows-874': /[านรอกเงมยลวดทสตะปบคหแจใไ]|[\u0E31\u0E34\u0E35\u0E38\u0E39\u0E47-\u0E49]/,
};

/** Punctuation beyond ASCII that any text may have: a weak sign that it decoded well. */
const NEUTRAL = /[\u00A0«»‘’“”–—…•·°©®™§、。，：？！「」（）\u3000-\u303F\uFF00-\uFF60]/;
const CJK = new Set<Candidate>(['shift_jis', 'euc-jp', 'euc-kr', 'gbk', 'big5']);
const SCORE = {
  typical: 1,
  ideograph: 0.4,
  plausible: 0.2,
  neutral: 0.3,
  strange: -0.6,
  undecodable: -3,
} as const;
const IDEOGRAPH = /[\u4E00-\u9FFF]/;
const LETTER = /\p{L}/u;

export function guessEncoding(bytes: Uint8Array): string {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  let best: { name: string; score: number } = { name: 'windows-1252', score: -Infinity };
  for (const name of CANDIDATES) {
    const text = decodeStart(sample, name);
    const score = scoreOf(text, name);
    if (score > best.score) best = { name, score };
  }
  return best.name;
}

/** Mean score of the characters beyond ASCII. */
function scoreOf(text: string, name: Candidate): number {
  const typical = TYPICAL[name];
  let sum = 0;
  let count = 0;
  let previous = '';
  for (const character of text) {
    if (character > '\u007F') {
      count += 1;
      const before = previous;
      if (character === '\uFFFD') sum += SCORE.undecodable;
      else if (/[\u0080-\u009F]/.test(character)) sum += SCORE.undecodable;
      else if (NEUTRAL.test(character)) sum += SCORE.neutral;
      else if (typical.test(character))
        sum += isOddNeighbour(before, character, name) ? SCORE.strange : SCORE.typical;
      else if (CJK.has(name) && IDEOGRAPH.test(character)) sum += SCORE.ideograph;
      // An upper-case letter behind a lower-case one is what a wrong single-byte encoding looks like.
      else if (LETTER.test(character) && !/\p{Ll}/u.test(before)) sum += SCORE.plausible;
      else sum += SCORE.strange;
    }
    previous = character;
  }
  return count === 0 ? 0 : sum / count;
}

const THAI_MARK = /[\u0E31\u0E34-\u0E3A\u0E47-\u0E4E]/;
const THAI_CONSONANT = /[\u0E01-\u0E2E]/;

/** Whether a letter stands behind one that it hardly follows in this script: the sign of another script misread. */
function isOddNeighbour(before: string, character: string, name: Candidate): boolean {
  switch (name) {
    case 'windows-1252':
    case 'windows-1250':
    case 'windows-1254':
      // Latin letters with marks stand among plain ones.
      return before > '\u007F' && LETTER.test(before);
    case 'windows-874':
      return (
        before === character ||
        (THAI_MARK.test(character) && !THAI_CONSONANT.test(before) && !THAI_MARK.test(before))
      );
    default:
      return !CJK.has(name) && /[A-Za-z]/.test(before);
  }
}
