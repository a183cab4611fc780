/**
 * Encodings that Node's TextDecoder lacks or gets wrong: Node 20 decodes windows-1252 as ISO-8859-1, so that quotes
 * and dashes at 0x80 to 0x9F become control characters.
 */
import iconv from 'iconv-lite';

export const SINGLE_BYTE_FALLBACKS: ReadonlySet<string> = new Set(['windows-1252', 'iso-8859-16']);

export function decodeSingleByte(bytes: Uint8Array, encoding: string): string {
  return iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), encoding);
}
