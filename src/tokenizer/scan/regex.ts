/**
 * The general scanner: any regular expression, or several one after another, over text decoded to JavaScript strings.
 * Some twenty times slower than the hand-written ones, and the only one whose result may depend on the runtime's
 * version of Unicode. It wants the whole text at once, because an expression may look at any distance.
 *
 * As in Hugging Face's `Split` with behavior `Isolated`, what lies between two matches is a pre-token too.
 */
import { characterAt } from './classes.js';
import { compilePattern } from './regex-syntax.js';
import type { Scanner } from './scanner.js';

/** Bytes that are not UTF-8 become U+DC80 to U+DCFF: one code unit for one byte, and of no class that a pattern names. */
const INVALID_BYTE = 0xdc00;

/** A scanner that cuts with the first expression, the pieces with the second, and so on. */
export function makeRegexScanner(sources: readonly string[]): Scanner {
  const patterns = sources.map(compilePattern);
  return ({ bytes }, end, final, ends) => {
    if (!final) return 0;
    let pieces = [decodeExactly(bytes, end)];
    for (const pattern of patterns) pieces = pieces.flatMap((piece) => split(piece, pattern));
    let position = 0;
    pieces.forEach((piece, index) => {
      position += utf8Length(piece);
      ends[index] = position;
    });
    return pieces.length;
  };
}

function split(text: string, pattern: RegExp): string[] {
  const pieces: string[] = [];
  let position = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === '') continue;
    if (match.index > position) pieces.push(text.slice(position, match.index));
    pieces.push(match[0]);
    position = match.index + match[0].length;
  }
  if (position < text.length) pieces.push(text.slice(position));
  return pieces;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeExactly(bytes: Uint8Array, end: number): string {
  const text = decoder.decode(bytes.subarray(0, end));
  if (!text.includes('\ufffd')) return text;
  let result = '';
  let valid = 0;
  for (let at = 0; at < end;) {
    const length = characterAt(bytes, at, end) >> 4;
    if (length === 1 && bytes[at] >= 0x80) {
      result += decoder.decode(bytes.subarray(valid, at)) + String.fromCharCode(INVALID_BYTE | bytes[at]);
      valid = at + 1;
    }
    at += length;
  }
  return result + decoder.decode(bytes.subarray(valid, end));
}

/** Bytes that `decodeExactly` made this text from. */
function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if ((unit & 0xfc00) === 0xd800) {
      length += 4;
      index += 1;
    } else length += (unit & 0xfc00) === INVALID_BYTE ? 1 : 3;
  }
  return length;
}
