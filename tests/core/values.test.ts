import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration } from '../../src/core/format.js';
import { canonicalJson, hash128, sha256 } from '../../src/core/hash.js';
import { Random } from '../../src/core/random.js';

describe('hash', () => {
  it('is SHA-256 (FIPS 180-4, appendix: "abc")', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hash128('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
  });

  it('gives equal text for equal values whatever the order of keys', () => {
    expect(canonicalJson({ b: 1, a: { d: [2, 1], c: null } })).toBe('{"a":{"c":null,"d":[2,1]},"b":1}');
  });
});

describe('Random', () => {
  it('is xoshiro128**: the first outputs of the reference implementation for the state 1, 2, 3, 4', () => {
    const random = new Random([1, 2, 3, 4]);
    const outputs = Array.from({ length: 7 }, () => random.uint32());
    expect(outputs).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034]);
  });

  it('continues from a saved state', () => {
    const random = new Random(7);
    random.next();
    const copy = new Random(random.state);
    expect(Array.from({ length: 5 }, () => copy.next())).toEqual(
      Array.from({ length: 5 }, () => random.next()),
    );
  });

  it('is uniform in [0, 1), and standard normal', () => {
    const random = new Random(1);
    let sum = 0;
    let sumOfSquares = 0;
    for (let i = 0; i < 100_000; i++) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
      sum += value;
      sumOfSquares += random.normal() ** 2;
    }
    expect(sum / 100_000).toBeCloseTo(0.5, 2);
    expect(sumOfSquares / 100_000).toBeCloseTo(1, 1);
  });
});

describe('format', () => {
  it('shows counts, bytes and durations', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect([formatBytes(999), formatBytes(1500), formatBytes(64e6), formatBytes(2.5e12)]).toEqual([
      '999 B',
      '1.5 kB',
      '64 MB',
      '2.5 TB',
    ]);
    expect([formatDuration(59.4), formatDuration(75), formatDuration(7260)]).toEqual([
      '59s',
      '1m15s',
      '2h01m',
    ]);
  });
});
