/** The key of exact duplicates: texts that differ only in case, white space or Unicode composition are the same. */
import { hash128 } from '../../core/hash.js';

const SPACE = 0x20;
const encoder = new TextEncoder();
/** Room for all but the longest texts. */
const scratch = new Uint8Array(1024 * 1024);

/**
 * 128-bit hash, as 32 hexadecimal digits, of the UTF-8 of the text in Unicode normalization form C, in lower case (the
 * locale-independent full mapping), with every run of white space (`\s`) made one space and none at the ends.
 * @param utf8 of the text, where it is at hand
 */
export function normalizedTextHash(text: string, utf8: Uint8Array = encoder.encode(text)): string {
  // One byte a character means ASCII alone, which is composed already and whose letters the loop makes small.
  const isAscii = utf8.length === text.length;
  const bytes = isAscii ? utf8 : encoder.encode(text.normalize('NFC').toLowerCase());
  const out = bytes.length <= scratch.length ? scratch : new Uint8Array(bytes.length);
  return hash128(out.subarray(0, collapse(bytes, out)));
}

/** Copies UTF-8 with ASCII letters made small and white space collapsed. Returns the length of what it wrote. */
function collapse(bytes: Uint8Array, out: Uint8Array): number {
  let write = 0;
  let pending = false;
  for (let read = 0; read < bytes.length; read++) {
    let byte = bytes[read];
    const width = byte > SPACE && byte < 0xc2 ? 0 : spaceWidth(bytes, read, byte);
    if (width > 0) {
      read += width - 1;
      pending = write > 0;
      continue;
    }
    if (pending) {
      out[write++] = SPACE;
      pending = false;
    }
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    out[write++] = byte;
  }
  return write;
}

/** Bytes of the character of white space (of `\s` of ECMAScript) that begins here; 0 where it is none. */
function spaceWidth(bytes: Uint8Array, at: number, byte: number): number {
  if (byte <= SPACE) return byte === SPACE || (byte >= 0x09 && byte <= 0x0d) ? 1 : 0;
  const second = bytes[at + 1];
  const third = bytes[at + 2];
  switch (byte) {
    case 0xc2: // U+00A0
      return second === 0xa0 ? 2 : 0;
    case 0xe1: // U+1680
      return second === 0x9a && third === 0x80 ? 3 : 0;
    case 0xe2: // U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F
      if (second === 0x81) return third === 0x9f ? 3 : 0;
      if (second !== 0x80) return 0;
      return third <= 0x8a || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0;
    case 0xe3: // U+3000
      return second === 0x80 && third === 0x80 ? 3 : 0;
    case 0xef: // U+FEFF
      return second === 0xbb && third === 0xbf ? 3 : 0;
    default:
      return 0;
  }
}
