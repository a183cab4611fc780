/** A text in lower case whose positions are those of the text, for searching phrases of ASCII letters. */
import { LOWER_CASE_UNITS } from './character-classes.js';
import type { Scan } from './scan.js';

let last: { scan: Scan; lower: string } | undefined;

/**
 * Lower case by Unicode's full mapping, except that a character whose mapping is longer stays as it is. Asking twice
 * for one scan costs nothing.
 */
export function asciiLower(scan: Scan): string {
  if (last?.scan === scan) return last.lower;
  let lower = scan.text.toLowerCase();
  if (lower.length !== scan.length) {
    const units = Buffer.from(new Uint16Array(scan.length).buffer);
    for (let i = 0; i < scan.length; i++) units.writeUInt16LE(LOWER_CASE_UNITS[scan.units[i]], i * 2);
    lower = units.toString('utf16le');
  }
  last = { scan, lower };
  return lower;
}
