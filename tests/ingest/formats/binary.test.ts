import { describe, expect, it } from 'vitest';
import { isBinary } from '../../../src/ingest/formats/binary.js';

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
