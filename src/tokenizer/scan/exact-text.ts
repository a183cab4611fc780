/** Text of bytes of which some are not UTF-8, without loss: those become lone surrogates. */
import { characterAt } from './classes.js';

/** Bytes that are not UTF-8 become U+DC80 to U+DCFF: one code unit for one byte, and of no class that a pattern names. */
const INVALID_BYTE = 0xdc00;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of `bytes[0, end)`. */
export function decodeExactly(bytes: Uint8Array, end: number): string {
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
export function utf8Length(text: string): number {
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

/** The bytes that `decodeExactly` made this text from, or would have. */
export function encodeExactly(text: string): Uint8Array {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text);
  const bytes = new Uint8Array(utf8Length(text));
  let at = 0;
  for (const character of text) {
    const unit = character.charCodeAt(0);
    if (character.length === 1 && (unit & 0xfc00) === INVALID_BYTE) bytes[at++] = unit & 0xff;
    else at += encoder.encodeInto(character, bytes.subarray(at)).written;
  }
  return bytes;
}
