/**
 * Normalization form C (Unicode Standard Annex 15) as of the version of Unicode of the tables, whatever the runtime has.
 *
 * Forms of assigned characters never change. A character that the runtime knows and the tables do not was unassigned: it
 * neither composes nor lets marks pass it by. So the text is normalized piece by piece between such characters.
 */
import { classOf, OTHER } from './scan/classes.js';
import { decodeExactly, encodeExactly } from './scan/exact-text.js';

/** First code point that the form may change, as the first byte of its UTF-8: U+0300. */
const FIRST_BYTE = 0xcc;

let newer: RegExp | null | undefined;

/** Letters and marks of the runtime that the tables do not have, null where there are none. */
function newerCharacters(): RegExp | null {
  if (newer !== undefined) return newer;
  const letterOrMark = /[\p{L}\p{M}]/u;
  let found = '';
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (classOf(codePoint) === OTHER && letterOrMark.test(String.fromCodePoint(codePoint))) {
      found += `\\u{${codePoint.toString(16)}}`;
    }
  }
  newer = found === '' ? null : new RegExp(`([${found}]+)`, 'u');
  return newer;
}

/** The text in form C; bytes that are not UTF-8 stay, and nothing composes across them. */
export function toFormC(text: string | Uint8Array): string | Uint8Array {
  if (typeof text !== 'string') {
    if (text.every((byte) => byte < FIRST_BYTE)) return text;
    return encodeExactly(toFormC(decodeExactly(text, text.length)) as string);
  }
  const separators = newerCharacters();
  if (separators === null) return text.normalize('NFC');
  return text
    .split(separators)
    .map((part, index) => (index % 2 === 0 ? part.normalize('NFC') : part))
    .join('');
}
