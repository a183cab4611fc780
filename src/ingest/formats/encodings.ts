/**
 * The encodings of the WHATWG Encoding Standard, by their labels.
 *
 * Node's own TextDecoder follows ICU where the standard differs (windows-1252 of Node 20 has control characters for
 * quotes and dashes) and lacks some encodings, so all but Unicode is decoded by a package that follows the standard.
 */
import { labelToName, TextDecoder as StandardDecoder } from '@exodus/bytes/encoding.js';

/** Bytes in it may be an attack on whoever reads them as anything else; the standard decodes them to one U+FFFD. */
const REPLACEMENT = 'replacement';

/** Name of the encoding that a label stands for, lower case; undefined for a label that nobody knows. */
export function encodingOf(label: string | undefined): string | undefined {
  return label === undefined ? undefined : labelToName(label)?.toLowerCase();
}

/** Text of bytes. What does not decode becomes U+FFFD. A byte order mark is no part of it. @param encoding a name */
export function decodeAs(bytes: Uint8Array, encoding: string): string {
  if (encoding === REPLACEMENT) return bytes.length === 0 ? '' : '\uFFFD';
  // Node's is many times as fast here, and right.
  if (encoding === 'utf-8') return new TextDecoder().decode(bytes);
  return new StandardDecoder(encoding).decode(bytes);
}

/** Text of bytes that come in parts, each as far as its characters are complete. @param encoding a name */
export async function* decodeParts(
  parts: AsyncIterable<Uint8Array>,
  encoding: string,
): AsyncGenerator<string> {
  const decoder = encoding === 'utf-8' ? new TextDecoder() : new StandardDecoder(encoding);
  for await (const part of parts) yield decoder.decode(part, { stream: true });
  yield decoder.decode();
}

/** Text of the beginning of something: a character that is cut off is left out. */
export function decodeStart(bytes: Uint8Array, encoding: string): string {
  return new StandardDecoder(encoding).decode(bytes, { stream: true });
}
