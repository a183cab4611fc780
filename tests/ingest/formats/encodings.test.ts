/** Labels and characters of the WHATWG Encoding Standard; see encodings/README.md for where the hashes come from. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/core/hash.js';
import { decodeAs, encodingOf } from '../../../src/ingest/formats/encodings.js';

const LABELS = readFileSync(new URL('./encodings/labels.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(': '))
  .map(([name, labels]) => ({ name, labels: labels.split(' ') }));

/** All encodings of one byte that have an index. */
const SINGLE_BYTE =
  'ibm866 iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 koi8-r koi8-u macintosh windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 windows-874 x-mac-cyrillic';

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const TRAILS = [...range(0x40, 0x7e), ...range(0x80, 0xfe)];

describe('labels', () => {
  it('all 228 mean what the standard says, in any case and with space around them', () => {
    const all = LABELS.flatMap(({ name, labels }) => labels.map((label) => [label, name] as const));
    expect(all.length).toBe(228);
    for (const [label, name] of all) {
      expect(encodingOf(label), label).toBe(name);
      expect(encodingOf(`\t${label.toUpperCase()} `), label).toBe(name);
    }
  });

  it('others mean nothing', () => {
    for (const label of ['nonsense', '', 'utf-7', 'utf-32', 'utf 8', 'ebcdic']) {
      expect(encodingOf(label), label).toBeUndefined();
    }
    expect(encodingOf(undefined)).toBeUndefined();
  });
});

describe('characters', () => {
  it('of every encoding of one byte', () => {
    const high = Uint8Array.from(range(0x80, 0xff));
    const texts = SINGLE_BYTE.split(' ').map((name) => `${decodeAs(high, name)}\n`);
    expect(sha256(texts.join(''))).toBe('abe8a4a95c53af507aec50c829fc9ddd812a898840f19cdc04357a43bd967c65');
  });

  it.each([
    ['euc-kr', range(0x81, 0xfe), 'dfccb31ba407e311dc4d8fc6afae78682f83ce962f7929538f3e817eeee11386'],
    ['gbk', range(0x81, 0xfe), '15e545f4b91e0eaf41cdae5cc7b70dd4bf6767f035ccf6938e02b478d6445267'],
    ['big5', range(0x81, 0xfe), 'e0b2931f8fe77aef91fbaa47dc3ce50778e46551bb167e645a7690c6465bd606'],
    [
      'shift_jis',
      [...range(0x81, 0x9f), ...range(0xe0, 0xfc)],
      'aff40fde0633dc4a1f7561be1ab87fb7ce7b2fe8361d198f6e0e2feac47142e8',
    ],
    ['euc-jp', range(0xa1, 0xfe), 'd2e672c71dd2f057e4de030a041c04b3677b1e5de216c3fbbebd2dce77d21d92'],
  ])('of every pair of bytes of %s', (name, leads, hash) => {
    const bytes = leads.flatMap((lead) => TRAILS.flatMap((trail) => [lead, trail, 0x0a]));
    expect(sha256(decodeAs(Uint8Array.from(bytes), name))).toBe(hash);
  });

  it('of encodings without an index', () => {
    expect(decodeAs(Buffer.from('\u001b$B$"\u001b(B a'), 'iso-2022-jp')).toBe('あ a');
    expect(decodeAs(Uint8Array.of(0x81, 0x30, 0x81, 0x30, 0x90, 0x30, 0x81, 0x30), 'gb18030')).toBe(
      '\u0080\u{10000}',
    );
    expect(decodeAs(Uint8Array.of(0x41, 0x80, 0xff), 'x-user-defined')).toBe('A\uF780\uF7FF');
    expect(decodeAs(Uint8Array.of(0xd8, 0x3d, 0xde, 0x00, 0xd8), 'utf-16be')).toBe('😀\uFFFD');
    expect(decodeAs(Buffer.from('anything'), 'replacement')).toBe('\uFFFD');
  });
});
