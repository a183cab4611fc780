import { describe, expect, it } from 'vitest';
import { ByteCache } from '../../../src/ingest/extract/byte-cache.js';

describe('ByteCache', () => {
  it('answers as what it remembers does, however much that is', () => {
    let computed = 0;
    const cache = new ByteCache((bytes, start, end) => {
      computed += 1;
      return Number(bytes.toString('latin1', start, end).replace(/\D/g, ''));
    });
    const ask = (text: string): number => cache.get(Buffer.from(`<${text}>`), 1, text.length + 1);
    let wrong = 0;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40_000; i++) if (ask(`n${i}`) !== i) wrong += 1;
    }
    expect(wrong).toBe(0);
    // More than it holds, so the second round finds nothing of the first.
    expect(computed).toBe(80_000);
    expect([ask('n39999'), ask('n39999')]).toEqual([39_999, 39_999]);
    expect(computed).toBe(80_000);
  });

  it('tells keys of one hash apart, and does not remember long ones', () => {
    let computed = 0;
    const cache = new ByteCache((_, start, end) => {
      computed += 1;
      return end - start;
    });
    // 31 * 65 + 66 = 31 * 66 + 35: AB and B# have one hash.
    for (const [key, length] of [
      ['AB', 2],
      ['B#', 2],
      ['', 0],
      ['x'.repeat(2000), 2000],
      ['x'.repeat(2000), 2000],
    ] as const)
      expect(cache.get(Buffer.from(key), 0, key.length)).toBe(length);
    expect(computed).toBe(5);
  });
});
