import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { repairMojibake } from '../../../src/ingest/formats/mojibake.js';
import { NORMALIZATIONS, normalizeText } from '../../../src/ingest/formats/normalize.js';

describe('control', () => {
  it.each([
    ['a\r\nb\rc\nd\fe', 'a\nb\nc\nd\ne'],
    ['a\u0000b\u0007c\u001bd\u007fe\u0085f', 'abcdef'],
    ['tab\tstays', 'tab\tstays'],
    ['\uFEFFa\uFEFFb', 'a\uFEFFb'],
    ['e\u0301 is not composed', 'e\u0301 is not composed'],
    ['', ''],
  ])('%j -> %j', (text, normalized) => {
    expect(normalizeText(text, ['control'])).toBe(normalized);
    expect(normalizeText(text, [])).toBe(text);
  });
});

describe('whatever the steps', () => {
  it('a text is valid Unicode', () => {
    const text = 'lone \ud800 and \udc00, paired \ud83d\ude00';
    for (const steps of [[], NORMALIZATIONS])
      expect(normalizeText(text, steps)).toBe('lone \uFFFD and \uFFFD, paired \ud83d\ude00');
  });

  it('doing them again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const step of ['control', 'nfc', 'whitespace'] as const) {
          const once = normalizeText(text, [step]);
          expect(normalizeText(once, [step])).toBe(once);
        }
      }),
    );
  });
});

describe('nfc', () => {
  // UAX #15, tables 4 and 5: composed, decomposed and singleton characters.
  it.each([
    ['e\u0301', 'é'],
    ['\u212B', '\u00C5'],
    ['\u1100\u1161', '가'],
    ['\uFB01', '\uFB01'],
    ['\u1E9B\u0323', '\u1E9B\u0323'],
  ])('%j -> %j', (text, normalized) => {
    expect(normalizeText(text, ['nfc'])).toBe(normalized);
    expect(normalizeText(text, ['control', 'whitespace'])).toBe(text);
  });
});

describe('whitespace', () => {
  it.each([
    ['a\u00a0b\u2003c\u3000d', 'a b c d'],
    ['a  b\t\tc  ', 'a b c'],
    ['\n\na\n\n\n\nb\n', 'a\n\nb'],
    ['a\u2028b\u2029c', 'a\nb\nc'],
    ['if x:\n    y()\n', 'if x:\n    y()'],
    ['e\u0301', 'e\u0301'],
  ])('%j -> %j', (text, normalized) => {
    expect(normalizeText(text, ['whitespace'])).toBe(normalized);
  });
});

describe('mojibake', () => {
  /** The same character a byte that Windows-1252 has, and control characters where it has none. */
  const spoil = (text: string): string => {
    const bytes = Buffer.from(text);
    return Array.from(bytes, (byte) =>
      [0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte)
        ? String.fromCharCode(byte)
        : iconv.decode(Buffer.of(byte), 'windows-1252'),
    ).join('');
  };

  it.each([
    'café',
    'it’s “quoted” – yes…',
    'Привет, и мир',
    '日本語のテキスト',
    'naïve façade à la carte',
    '😀 smile',
    'Γειά σου',
    'mañana será él',
    'שלום עולם',
    '«Élan»',
    '50 € – £20',
    'the ﬁrst',
    'München, Straße',
  ])('%s is put right, also where it was spoilt twice', (text) => {
    expect(repairMojibake(spoil(text))).toBe(text);
    expect(repairMojibake(spoil(spoil(text)))).toBe(text);
  });

  it('is the first of the steps, so that none takes a half of a letter away', () => {
    expect(normalizeText(spoil('à “it”'), ['mojibake', 'control', 'whitespace'])).toBe('à “it”');
  });

  it.each([
    'café, naïve, 日本語, Привет',
    '« UN CAFÉ»',
    'AMANHÃ”, disse',
    'un café”…',
    'SÃO PAULO',
    'É® x',
    'Ð° by itself',
    'Â',
    'plain',
  ])('%s is left alone', (text) => {
    expect(repairMojibake(text)).toBe(text);
  });

  it('never fails, and leaves ASCII alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ maxLength: 60 }),
        (any, ascii) => {
          repairMojibake(spoil(any));
          expect(repairMojibake(ascii)).toBe(ascii);
        },
      ),
    );
  });
});
