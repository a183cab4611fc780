/** The last three alternatives that the patterns of cl100k_base and o200k_base share. */
import { characterAt, classOf, NEWLINE, SPACE } from './classes.js';

const CLASS_OF_ASCII = Uint8Array.from({ length: 128 }, (_, byte) => classOf(byte));

/**
 * End of the match of `\s*[\r\n]+|\s+(?!\S)|\s+` at `position`, where white space stands: behind the last line break of
 * the run; without one, the run without its last character, which goes to what follows; the whole run at the end of the
 * text or where it is one character. -1 where the run goes beyond `limit`, so that more text may change the answer.
 */
export function whiteSpaceEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  let at = position;
  let last = position;
  let behindBreak = -1;
  for (;;) {
    const byte = bytes[at];
    if (byte === 0x20) {
      // Indentation is the bulk of white space.
      last = at;
      at += 1;
      continue;
    }
    const character = byte < 0x80 ? CLASS_OF_ASCII[byte] | 0x10 : characterAt(bytes, at, end);
    const kind = character & 15;
    if (kind !== SPACE && kind !== NEWLINE) break;
    last = at;
    at += character >> 4;
    if (kind === NEWLINE) behindBreak = at;
  }
  if (at > limit) return -1;
  if (behindBreak >= 0) return behindBreak;
  return at < end && last > position ? last : at;
}
