/** English contractions, as the patterns of OpenAI's tokenizers cut them off. */

const APOSTROPHE = 0x27;

/** Length in bytes of `'s 't 'm 'd 're 've 'll` in lower case at `position`, where an apostrophe stands; 0 if none. */
export function lowerContraction(bytes: Uint8Array, position: number): number {
  switch (bytes[position + 1]) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return 2;
    case 0x72: // r
    case 0x76: // v
      return bytes[position + 2] === 0x65 ? 3 : 0;
    case 0x6c: // l
      return bytes[position + 2] === 0x6c ? 3 : 0;
    default:
      return 0;
  }
}

/**
 * The same in any case, at any byte; 0 where there is no apostrophe. Simple case folding makes U+017F (long s, bytes C5
 * BF) an s.
 */
export function anyContraction(bytes: Uint8Array, position: number): number {
  if (bytes[position] !== APOSTROPHE) return 0;
  switch (bytes[position + 1] | 0x20) {
    case 0x73:
    case 0x74:
    case 0x6d:
    case 0x64:
      return 2;
    case 0x72:
    case 0x76:
      return (bytes[position + 2] | 0x20) === 0x65 ? 3 : 0;
    case 0x6c:
      return (bytes[position + 2] | 0x20) === 0x6c ? 3 : 0;
    case 0xe5: // C5 | 20
      return bytes[position + 1] === 0xc5 && bytes[position + 2] === 0xbf ? 3 : 0;
    default:
      return 0;
  }
}
