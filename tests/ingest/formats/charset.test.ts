/** Expected texts are strings; the bytes of each encoding come from iconv-lite, or are written out. */
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { detectEncoding } from '../../../src/ingest/formats/charset.js';
import { decodeAs, encodingOf } from '../../../src/ingest/formats/encodings.js';

/** Name and text as a page in these bytes is read. */
function read(bytes: Uint8Array, label?: string, isHtml = true): [string, string] {
  const encoding = detectEncoding(bytes, label, isHtml);
  return [encoding, decodeAs(bytes, encoding)];
}

const RUSSIAN =
  'Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. Съешь же ещё этих мягких французских булок, да выпей чаю.';

describe('the encoding of a page', () => {
  it('is what its byte order mark says, before any label; the mark is no text', () => {
    expect(read(Buffer.from('\uFEFFnaïve', 'utf8'), 'windows-1251')).toEqual(['utf-8', 'naïve']);
    expect(read(Buffer.from('\uFEFFnaïve', 'utf16le'), 'utf-8')).toEqual(['utf-16le', 'naïve']);
    expect(read(Buffer.from('\uFEFFnaïve', 'utf16le').swap16())).toEqual(['utf-16be', 'naïve']);
  });

  it('is what the HTTP header says, before the page', () => {
    const bytes = Buffer.concat([
      Buffer.from('<meta charset="koi8-r">'),
      iconv.encode(RUSSIAN, 'windows-1251'),
    ]);
    expect(read(bytes, 'windows-1251')).toEqual(['windows-1251', `<meta charset="koi8-r">${RUSSIAN}`]);
  });

  it.each([
    '<meta charset="windows-1251">',
    "<META http-equiv=Content-Type content='text/html; charset=windows-1251'>",
    '<meta name="x" charset=cp1251 />',
    '<?xml version="1.0" encoding="windows-1251"?>',
    `<script>${'x'.repeat(2000)}</script><meta charset="windows-1251">`,
  ])('is what the page says: %.50s', (declaration) => {
    const bytes = Buffer.concat([Buffer.from(declaration), iconv.encode(RUSSIAN, 'windows-1251')]);
    expect(read(bytes)).toEqual(['windows-1251', declaration + RUSSIAN]);
    expect(read(bytes, undefined, false)[0]).toBe('windows-1251');
  });

  it('is UTF-8 where the bytes are that beyond ASCII, whatever the label', () => {
    expect(read(Buffer.from('Grüße und “Zitate”'), 'iso-8859-1')).toEqual(['utf-8', 'Grüße und “Zitate”']);
  });

  it('is not UTF-8 where most of the bytes beyond ASCII are not', () => {
    expect(read(iconv.encode('Größe, Übermut, Straße, naïve façade', 'windows-1252'), 'utf-8')).toEqual([
      'windows-1252',
      'Größe, Übermut, Straße, naïve façade',
    ]);
  });

  it('is UTF-8 with a few broken sequences', () => {
    const bytes = Buffer.concat([
      Buffer.from('Grüße, Äpfel, Öl, Überfluß, größer, häßlich, für, möglich '),
      Buffer.from([0xff]),
      Buffer.from(' Ende'),
    ]);
    expect(read(bytes)).toEqual([
      'utf-8',
      'Grüße, Äpfel, Öl, Überfluß, größer, häßlich, für, möglich \uFFFD Ende',
    ]);
  });

  it('ignores labels that nobody knows, and UTF-16 in a page that can be read as ASCII', () => {
    expect(read(Buffer.from('<meta charset="utf-16"><meta charset="nonsense">plain'), 'x-unknown')).toEqual([
      'utf-8',
      '<meta charset="utf-16"><meta charset="nonsense">plain',
    ]);
  });

  it('reads ISO-2022-JP, which is ASCII bytes, by its label', () => {
    const bytes = Buffer.from('\u001b$B$3$s$K$A$O\u001b(B', 'latin1');
    expect(read(bytes, 'iso-2022-jp')).toEqual(['iso-2022-jp', 'こんにちは']);
  });

  it('without any label is guessed', () => {
    const texts: [string, string][] = [
      [
        'windows-1252',
        'Voilà une très bonne idée: l’été à la forêt. Señor, mañana, corazón. Größe, für, Straße.',
      ],
      ['windows-1251', RUSSIAN],
      ['koi8-r', RUSSIAN],
      ['shift_jis', '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。'],
      ['euc-jp', '吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。'],
      ['euc-kr', '모든 국민은 인간으로서의 존엄과 가치를 가지며, 행복을 추구할 권리를 가진다.'],
      ['gbk', '我们认为这些真理是不言而喻的:人人生而平等,造物者赋予他们若干不可剥夺的权利。'],
      ['big5', '我們認為這些真理是不言而喻的:人人生而平等,造物者賦予他們若干不可剝奪的權利。'],
      [
        'windows-1250',
        'Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy. Wszyscy ludzie rodzą się wolni i równi.',
      ],
      ['windows-1253', 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.'],
      [
        'windows-1254',
        'Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler.',
      ],
      ['windows-1255', 'כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.'],
      ['windows-1256', 'يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا.'],
      ['windows-874', 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ'],
    ];
    for (const [encoding, text] of texts) {
      expect(read(iconv.encode(`<p>Page 1: ${text}</p>`, encoding))).toEqual([
        encoding,
        `<p>Page 1: ${text}</p>`,
      ]);
    }
  });
});

describe('labels', () => {
  it('mean what the Encoding Standard says', () => {
    expect(
      ['iso-8859-1', 'ASCII', 'latin1', 'gb2312', 'x-sjis', 'ks_c_5601-1987', 'UTF8', ' utf-8 '].map(
        encodingOf,
      ),
    ).toEqual([
      'windows-1252',
      'windows-1252',
      'windows-1252',
      'gbk',
      'shift_jis',
      'euc-kr',
      'utf-8',
      'utf-8',
    ]);
    expect(encodingOf('nonsense')).toBeUndefined();
  });

  it('windows-1252 has its own characters at 0x80 to 0x9F', () => {
    expect(
      decodeAs(Buffer.from([0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0xe9]), 'windows-1252'),
    ).toBe('€…‘’“”–—é');
  });
});
