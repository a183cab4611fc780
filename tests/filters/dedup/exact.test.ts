import { expect, test } from 'vitest';
import { canonicalUrl, payloadKey, urlKey } from '../../../src/filters/dedup/exact.js';

test.each([
  ['http://www.Example.com/', 'example.com'],
  ['https://example.com:443/a/', 'example.com/a'],
  ['https://user:pw@example.com:8080/A?b=2&a=1#part', 'example.com:8080/A?a=1&b=2'],
  ['https://example.com/?utm_source=x&id=7&fbclid=1', 'example.com?id=7'],
  ['https://bücher.example/ä', 'xn--bcher-kva.example/%C3%A4'],
  ['http://example.com/a/../b?q=x%20y', 'example.com/b?q=x%20y'],
])('%s', (url, canonical) => {
  expect(canonicalUrl(url)).toBe(canonical);
});

test.each([['no url'], ['ftp://example.com/a'], ['']])(
  '%j has no canonical form and is nobody`s duplicate',
  (url) => {
    expect(canonicalUrl(url)).toBeUndefined();
    expect(urlKey(url)).toBeNull();
  },
);

test('keys of one kind are equal exactly when what they are of is', () => {
  expect(urlKey('http://example.com/a/')).toBe(urlKey('https://www.example.com/a'));
  expect(urlKey('http://example.com/a')).not.toBe(urlKey('http://example.com/b'));
  expect(payloadKey('sha1:ABC')).toBe(payloadKey(' sha1:ABC '));
  expect(payloadKey('sha1:ABC')).not.toBe(payloadKey('sha1:ABD'));
  expect(payloadKey(null)).toBeNull();
  expect(payloadKey(undefined)).toBeNull();
});
