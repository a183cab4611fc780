/**
 * Digests in HTTP headers: `Repr-Digest` and `Content-Digest` (RFC 9530, a structured field dictionary), the older `Digest`
 * (RFC 3230), `X-Checksum-Sha256` (hexadecimal) and tus's `Upload-Checksum` (tus 1.0, Checksum).
 */
import { TokenmillError } from '../../core/errors.js';
import { SHA256_HEX } from './names.js';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Algorithms of `Upload-Checksum`, with the length of their digests in bytes. */
export const CHECKSUM_ALGORITHMS = { sha1: 20, sha256: 32, sha512: 64, md5: 16 } as const;
export type ChecksumAlgorithm = keyof typeof CHECKSUM_ALGORITHMS;

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: Buffer;
}

/**
 * SHA-256 of the whole file that the headers of a request give, in hexadecimal; undefined where they give none. Digests
 * by other algorithms are passed over, as RFC 9530 allows.
 * @throws TokenmillError USAGE for a value that is not a SHA-256, or two that differ
 */
export function requestedSha256(header: (name: string) => string | undefined): string | undefined {
  const found = new Map<string, string>();
  const plain = header('x-checksum-sha256');
  if (plain !== undefined) found.set('X-Checksum-Sha256', hexSha256('X-Checksum-Sha256', plain.trim()));
  for (const name of ['Repr-Digest', 'Content-Digest', 'Digest']) {
    const value = header(name.toLowerCase());
    const digest = value === undefined ? undefined : sha256Entry(name, value);
    if (digest !== undefined) found.set(name, digest);
  }
  const [first, ...others] = found;
  for (const [name, digest] of others) {
    if (digest !== first[1]) throw usage(`${first[0]} and ${name} name different digests`);
  }
  return first?.[1];
}

/** @throws TokenmillError USAGE */
export function hexSha256(name: string, value: string): string {
  const lower = value.toLowerCase();
  if (!SHA256_HEX.test(lower)) throw usage(`${name} is not a SHA-256 of 64 hexadecimal digits`);
  return lower;
}

function sha256Entry(name: string, value: string): string | undefined {
  for (const item of value.split(',')) {
    const split = item.indexOf('=');
    if (split < 0 || item.slice(0, split).trim().toLowerCase() !== 'sha-256') continue;
    const text = item.slice(split + 1).trim();
    const structured = /^:(.*):$/.exec(text.split(';')[0].trim());
    const base64 = name === 'Digest' ? text : structured?.[1];
    const digest = base64 === undefined || !BASE64.test(base64) ? undefined : Buffer.from(base64, 'base64');
    if (digest?.length !== 32) {
      const form = name === 'Digest' ? 'sha-256=BASE64' : 'sha-256=:BASE64:';
      throw usage(`${name} is not of the form ${form} with 32 bytes`);
    }
    return digest.toString('hex');
  }
  return undefined;
}

/** Value of `Repr-Digest` for a SHA-256 in hexadecimal. */
export function reprDigest(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

/** Parses `Upload-Checksum: ALGORITHM BASE64`. @throws TokenmillError USAGE */
export function parseUploadChecksum(value: string): Checksum {
  const [algorithm, base64, ...rest] = value.trim().split(' ');
  if (!(algorithm in CHECKSUM_ALGORITHMS)) {
    throw usage(
      `Upload-Checksum names the algorithm ${JSON.stringify(algorithm.slice(0, 40))}`,
      `one of ${Object.keys(CHECKSUM_ALGORITHMS).join(', ')}`,
    );
  }
  const known = algorithm as ChecksumAlgorithm;
  const digest = base64 !== undefined && BASE64.test(base64) ? Buffer.from(base64, 'base64') : undefined;
  if (rest.length > 0 || digest?.length !== CHECKSUM_ALGORITHMS[known]) {
    throw usage(`Upload-Checksum is not ${known} and ${CHECKSUM_ALGORITHMS[known]} bytes in Base64`);
  }
  return { algorithm: known, digest };
}

function usage(message: string, hint?: string): TokenmillError {
  return new TokenmillError('USAGE', message, { hint });
}
