/**
 * Exact duplicates: documents with the same key. A key is a 128-bit hash as 32 hexadecimal digits; the index uses its first
 * 64 bits, so that of 10 million documents two different texts are taken for one with a probability of 3 in a million.
 */
import { hash128 } from '../../core/hash.js';

export type ExactReason = 'exact_duplicate' | 'payload_duplicate' | 'url_duplicate';

export interface ExactHashes {
  /** Of the normalised text, see `text-hash.ts`. */
  readonly textHash?: string | null;
  /** Of the bytes as they were crawled, see `payloadKey`. */
  readonly payloadHash?: string | null;
  /** Of the address in canonical form, see `urlKey`. */
  readonly urlHash?: string | null;
}

interface ExactKind {
  readonly hash: keyof ExactHashes;
  readonly reason: ExactReason;
}

/** In the order in which they are named where several are the same. */
export const EXACT_KINDS: readonly ExactKind[] = [
  { hash: 'textHash', reason: 'exact_duplicate' },
  { hash: 'payloadHash', reason: 'payload_duplicate' },
  { hash: 'urlHash', reason: 'url_duplicate' },
];

/** The key in the index, in two halves. */
export function exactKey(
  { hash }: ExactKind,
  hashes: ExactHashes,
): { low: number; high: number } | undefined {
  const digits = hashes[hash];
  if (digits === undefined || digits === null) return undefined;
  return { high: Number.parseInt(digits.slice(0, 8), 16), low: Number.parseInt(digits.slice(8, 16), 16) };
}

/**
 * Key of a payload by the digest that its WARC record gives (`sha1:...`, ISO 28500 section 5.8); null where it gives none.
 */
export function payloadKey(digest: string | null | undefined): string | null {
  return digest === null || digest === undefined ? null : hash128(`payload\n${digest.trim()}`);
}

/** Key of an address; null where there is none that can be parsed. */
export function urlKey(url: string | null | undefined): string | null {
  const canonical = canonicalUrl(url ?? '');
  return canonical === undefined ? null : hash128(`url\n${canonical}`);
}

/** Parameters that say where a visitor came from, and change nothing about the page. */
const TRACKING = /^(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|igshid)$/i;

/**
 * One form of the addresses that lead to one page: scheme, credentials, `www.`, fragment and tracking parameters left out,
 * host in lower case and ASCII, default port and trailing slash gone, parameters in order. In the manner of the SURT
 * canonicalisation of web archives.
 */
export function canonicalUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname, searchParams } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const parameters = [...searchParams]
    .filter(([name]) => !TRACKING.test(name))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  const place = port === '' ? '' : `:${port}`;
  return `${hostname.replace(/^www\d{0,2}\./, '')}${place}${pathname.replace(/\/+$/, '')}${query}`;
}
