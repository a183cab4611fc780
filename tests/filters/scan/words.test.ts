import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyTable } from '../../../src/filters/scan/key-table.js';
import { scanText } from '../../../src/filters/scan/scan.js';

/** Words of a text joined by `|`. */
function split(text: string): string {
  const { words } = scanText(text);
  return Array.from({ length: words.count }, (_, i) => text.slice(words.start[i], words.end[i])).join('|');
}

describe("words as spaCy's English tokenizer splits them", () => {
  test.each([
    ['Hello, world!', 'Hello|,|world|!'],
    ['3.14 1,000 10:30 1/2', '3.14|1,000|10:30|1/2'],
    ['me@example.com a_b AT&T', 'me@example.com|a_b|AT&T'],
    ['well-known covid-19 CO2-free', 'well|-|known|covid-19|CO2|-|free'],
    ['10-20 3+4 2*3', '10|-|20|3|+|4|2|*|3'],
    ['red,green 1,a', 'red|,|green|1,a'],
    ['key=value key=1', 'key|=|value|key=1'],
    ['end.Start e.g. U.S. a.b', 'end|.|Start|e.g.|U.S.|a.b'],
    ['pre- -fix /usr and/ a/b', 'pre-|-fix|/usr|and/|a|/|b'],
    ['+49 + 49 a+', '+49|+|49|a|+'],
    ["can't won't it's we'll they've I'm o'clock", "ca|n't|wo|n't|it|'s|we|'ll|they|'ve|I|'m|o'clock"],
    ['don’t it’s', 'do|n’t|it|’s'],
    ["'quoted' dogs' 't", "'|quoted|'|dogs|'|'|t"],
    ['https://example.com/a/b?c=d. (http://x.org/)', 'https://example.com/a/b?c=d|.|(|http://x.org/|)'],
    ['wait... what…', 'wait|...|what|…'],
    ['one -- two—three', 'one|--|two|—|three'],
    ['$100 50% #tag', '$|100|50|%|#|tag'],
    ['👍🎉 ok', '👍|🎉|ok'],
    ['naïve cafe\u0301 Straße', 'naïve|cafe\u0301|Straße'],
    ['  \t\n ', ''],
  ])('%j', (text, words) => {
    expect(split(text)).toBe(words);
  });
});

describe('scripts without spaces', () => {
  test.each([
    ['a letter a word', '日本語です', '日|本|語|で|す'],
    ['marks stay with their letter', 'สวัสดี', 'ส|วั|ส|ดี'],
    ['katakana and hangul run together', 'カタカナ 한국어', 'カタカナ|한국어'],
    ['Latin words end where they begin', 'GPU搭載PC', 'GPU|搭|載|PC'],
    ['letters of another plane', '\u{20000}\u{20001}', '\u{20000}|\u{20001}'],
  ])('%s', (_, text, words) => {
    expect(split(text)).toBe(words);
  });
});

test('symbols are words of punctuation only', () => {
  const { words } = scanText('a , ... -- € 。 b.');
  expect([...words.isSymbol.subarray(0, words.count)]).toEqual([0, 1, 1, 1, 0, 1, 0]);
});

// Members and non-members of PUNCTUATION_SET in datatrove/utils/text.py.
test.each([
  ['”', 1],
  ['»', 1],
  ['।', 1],
  ['？', 1],
  ['\u0007', 1],
  ['៖', 1],
  ['𑅃', 1],
  ['•', 0],
  ['€', 0],
  ['©', 0],
  ['👍', 0],
  ['7', 0],
])('%j is punctuation: %i', (text, expected) => {
  const { words } = scanText(text);
  expect([words.count, words.isSymbol[0]]).toEqual([1, expected]);
});

test('words cover every character that is no white space, in order and without overlap', () => {
  const alphabet = fc.constantFrom(...Array.from(`ab1.,'’-/:+ \n#日ส\u0301👍𐐔_("n't`));
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 80 }), (characters) => {
      const text = characters.join('');
      const { words } = scanText(text);
      let end = 0;
      let covered = '';
      for (let i = 0; i < words.count; i++) {
        expect(words.start[i]).toBeGreaterThanOrEqual(end);
        expect(words.end[i]).toBeGreaterThan(words.start[i]);
        end = words.end[i];
        const word = text.slice(words.start[i], end);
        expect(words.characters[i]).toBe(Array.from(word).length);
        covered += word;
      }
      expect(covered).toBe(text.replaceAll(/\s/g, ''));
    }),
    { seed: 4 },
  );
});

test('equal words have equal hashes and different words different ones', () => {
  const { words } = scanText('one two one TWO onE tow \u{1f600} \u{1f601}');
  const keys = Array.from({ length: words.count }, (_, i) => `${words.low[i]} ${words.high[i]}`);
  expect(keys[0]).toBe(keys[2]);
  expect(new Set(keys).size).toBe(7);
});

test('a table of keys counts like a map', () => {
  const key = fc.tuple(fc.nat(3), fc.constantFrom(0, 1, 0xffffffff, -1));
  const table = new KeyTable();
  fc.assert(
    fc.property(fc.array(key, { maxLength: 200 }), (keys) => {
      table.reset(keys.length);
      const counts = new Map<string, number>();
      const nameOf = (low: number, high: number): string => `${low >>> 0} ${high >>> 0}`;
      for (const [low, high] of keys) {
        const name = nameOf(low, high);
        counts.set(name, (counts.get(name) ?? 0) + 1);
        expect(table.add(low, high)).toBe(counts.get(name));
      }
      for (const [low, high] of keys) expect(table.countOf(low, high)).toBe(counts.get(nameOf(low, high)));
      expect(table.countOf(77, 77)).toBe(0);
    }),
    { seed: 5 },
  );
});
