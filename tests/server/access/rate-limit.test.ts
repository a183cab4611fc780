import { expect, test } from 'vitest';
import { RateLimit } from '../../../src/server/access/rate-limit.js';

test('a client may send as many as the limit at once, then as many a minute, evenly', () => {
  let now = 0;
  const limit = new RateLimit(6, () => now);
  expect(Array.from({ length: 6 }, () => limit.take('a'))).toEqual([0, 0, 0, 0, 0, 0]);
  // One comes back every ten seconds.
  expect(limit.take('a')).toBe(10);
  now = 4_000;
  expect(limit.take('a')).toBe(6);
  now = 10_000;
  expect(limit.take('a')).toBe(0);
  expect(limit.take('a')).toBe(10);
  now = 30_000;
  expect([limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 10]);
  // However long it was quiet, it has no more than the limit.
  now = 10_000_000;
  expect(Array.from({ length: 7 }, () => limit.take('a'))).toEqual([0, 0, 0, 0, 0, 0, 10]);
});

test('clients have nothing to do with each other', () => {
  const limit = new RateLimit(1, () => 0);
  expect([limit.take('a'), limit.take('b'), limit.take('a'), limit.take('b')]).toEqual([0, 0, 60, 60]);
});

test('waiting takes nothing', () => {
  const limit = new RateLimit(1, () => 0);
  expect([limit.wait('a'), limit.wait('a'), limit.take('a'), limit.wait('a')]).toEqual([0, 0, 0, 60]);
});

test('0 is no limit', () => {
  const limit = new RateLimit(0, () => 0);
  for (let i = 0; i < 100; i++) expect(limit.take('a')).toBe(0);
});

test('many clients do not make it grow without bound: the one quiet for longest is forgotten', () => {
  const limit = new RateLimit(1, () => 0);
  limit.take('old');
  limit.take('busy');
  for (let i = 0; i < 9_999; i++) {
    limit.take(`client ${i}`);
    limit.wait('busy');
  }
  expect(limit.wait('busy')).toBe(60);
  expect(limit.wait('old')).toBe(0);
});
