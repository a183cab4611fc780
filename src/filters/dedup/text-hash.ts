/** The key of exact duplicates: texts that differ only in case, white space or Unicode composition are the same. */
import { hash128 } from '../../core/hash.js';

/**
 * 128-bit hash, as 32 hexadecimal digits, of the text in Unicode normalization form C, in lower case (the
 * locale-independent full mapping), with every run of white space made one space and none at the ends.
 */
export function normalizedTextHash(text: string): string {
  return hash128(text.normalize('NFC').toLowerCase().trim().replaceAll(/\s+/g, ' '));
}
