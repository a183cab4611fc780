import { describe, expect, it } from 'vitest';
import { cleanText, isBinary } from '../../../src/ingest/formats/clean-text.js';

describe('cleanText', () => {
  it.each([
    ['a\r\nb\rc\nd\fe', 'a\nb\nc\nd\ne'],
    ['a\u0000b\u0007c\u001bd\u007fe\u0085f', 'abcdef'],
    ['tab\tstays', 'tab\tstays'],
    ['\uFEFFa\uFEFFb', 'a\uFEFFb'],
    ['lone \ud800 and \udc00, paired \ud83d\ude00', 'lone \uFFFD and \uFFFD, paired \ud83d\ude00'],
    ['e\u0301 is not composed', 'e\u0301 is not composed'],
    ['', ''],
  ])('%j -> %j', (text, cleaned) => {
    expect(cleanText(text)).toBe(cleaned);
  });
});

describe('isBinary', () => {
  it('knows files of other kinds by their first bytes, and binary data by its zeros', () => {
    expect(isBinary(Buffer.from('%PDF-1.4 text'))).toBe(true);
    expect(isBinary(Buffer.from('\u0089PNG\r\n', 'latin1'))).toBe(true);
    expect(isBinary(Buffer.concat([Buffer.from('text'), Buffer.alloc(1)]))).toBe(true);
  });

  it('takes text for text', () => {
    expect(isBinary(Buffer.from('plain text, not %PDF-'))).toBe(false);
    expect(isBinary(Buffer.from('\uFEFFtext', 'utf16le'))).toBe(false);
    expect(isBinary(Buffer.concat([Buffer.from('x'.repeat(1000)), Buffer.alloc(1)]))).toBe(false);
    expect(isBinary(new Uint8Array())).toBe(false);
  });
});
