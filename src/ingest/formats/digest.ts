/** Digests as WARC records state them: `sha1:BASE32`, also other algorithms, and hexadecimal. */
import { createHash } from 'node:crypto';

const ALGORITHMS: Record<string, { readonly name: string; readonly bytes: number }> = {
  sha1: { name: 'sha1', bytes: 20 },
  'sha-1': { name: 'sha1', bytes: 20 },
  sha256: { name: 'sha256', bytes: 32 },
  'sha-256': { name: 'sha256', bytes: 32 },
  md5: { name: 'md5', bytes: 16 },
};
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Whether bytes have the digest; undefined where it is of a form that is not known here. */
export function hasDigest(bytes: Uint8Array, digest: string): boolean | undefined {
  const colon = digest.indexOf(':');
  const algorithm = ALGORITHMS[digest.slice(0, Math.max(0, colon)).toLowerCase()] as
    | (typeof ALGORITHMS)[string]
    | undefined;
  if (algorithm === undefined) return undefined;
  const stated = digest.slice(colon + 1).trim();
  const found = createHash(algorithm.name).update(bytes).digest();
  if (stated.length === 2 * algorithm.bytes) return stated.toLowerCase() === found.toString('hex');
  const unpadded = stated.replace(/=+$/, '').toUpperCase();
  return unpadded.length === Math.ceil((8 * algorithm.bytes) / 5) ? unpadded === base32(found) : undefined;
}

/** RFC 4648, section 6, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let count = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += BASE32[(bits >>> count) & 31];
    }
  }
  return count > 0 ? text + BASE32[(bits << (5 - count)) & 31] : text;
}
