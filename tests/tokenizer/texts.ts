/** Texts that are hard to cut into pre-tokens, made of pieces that stand where the patterns decide; by seed. */
import { Random } from '../../src/core/random.js';

/** Each alphabet is one that some alternative of some pattern tells apart. */
const ALPHABETS: readonly (readonly string[])[] = [
  [...'abcdefghijklmnopqrstuvwxyz'],
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  [...'0123456789٣४৫Ⅷ½²㊿𝟗'],
  [...' \t\n\r\v\f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000'],
  [...' \n'],
  // No white space by Unicode, though JavaScript's \s, or an eye, may think otherwise.
  [...'\ufeff\u180e\u200b\u2060\u200d'],
  [...'!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'],
  [...'ǅǈǋᾈᾼ'],
  [...'ªʰˀ々ーﾞ'],
  [...'漢字かなカナ한국어กขفعאבデ'],
  [...'\u0301\u0308\u093e\u0e31\u20dd\ufe0f\u{1e8d0}'],
  [...'ßéñøžđΩωЖжẞſK'],
  [...'😀👍🏽👩‍💻🇩🇪'],
];

const CONTRACTIONS = [
  "'s",
  "'t",
  "'re",
  "'ve",
  "'m",
  "'ll",
  "'d",
  "'S",
  "'LL",
  "'Ve",
  "'rE",
  "'ſ",
  "'ſt",
  "'l",
  "'",
  "''s",
];

/** The first two sentences of article 1 of the Universal Declaration of Human Rights, and code. */
export const SAMPLES: Readonly<Record<string, string>> = {
  english:
    'All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience.',
  german:
    'Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt.',
  french:
    'Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience.',
  russian:
    'Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью.',
  greek: 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.',
  arabic: 'يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً.',
  hindi: 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।',
  chinese: '人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。',
  japanese: 'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。',
  korean: '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.',
  thai: 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ',
  vietnamese: 'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.',
  code: "export function add(a: number, b: number): number {\n\tif (a === 0x1F) {\r\n        return b;\n    }\n\n\n    return a + b; // it's 12345678 $HOME/bin\n}\n",
  markup: '<p class="x">&nbsp;&lt;b&gt; 3.14159 &#8217;</p>\n\n\n   \n<!-- IT\'S -->',
};

function character(random: Random): string {
  const codePoint = random.below(random.next() < 0.5 ? 0x3000 : 0x110000);
  // A surrogate stands for U+FFFD, which other implementations may not be asked for.
  return String.fromCodePoint((codePoint & 0x1ff800) === 0xd800 ? 0xfffd : codePoint);
}

/** A text of up to `pieces` pieces. */
export function hardText(random: Random, pieces: number): string {
  let text = '';
  for (let piece = random.below(pieces) + 1; piece > 0; piece--) {
    const kind = random.next();
    const alphabet = random.pick(ALPHABETS);
    if (kind < 0.15) text += random.pick(CONTRACTIONS);
    else if (kind < 0.25) text += character(random);
    else if (kind < 0.3)
      text += [...random.pick(Object.values(SAMPLES))]
        .slice(random.below(40), 40 + random.below(60))
        .join('');
    else if (kind < 0.33) text += random.pick(alphabet).repeat(1 + random.below(40));
    else for (let length = 1 + random.below(4); length > 0; length--) text += random.pick(alphabet);
  }
  return text;
}
