/**
 * Which encoding bytes are in, and their text. Labels mean what the WHATWG Encoding Standard says: `iso-8859-1`
 * is windows-1252, `gb2312` is GBK.
 *
 * Order: byte order mark, HTTP header, `meta` element, as in the HTML Standard (section 13.2.3.2); with two departures,
 * because crawls are full of wrong labels: bytes that are valid UTF-8 beyond ASCII are UTF-8 whatever the label
 * says (other encodings make such sequences only by a rare accident), and a label of UTF-8 on bytes that mostly are
 * not is not believed.
 */
import { isUtf8 } from 'node:buffer';
import { guessEncoding } from './charset-guess.js';
import { decodeAs, encodingOf } from './encodings.js';

/** The standard looks at 1024 bytes; real pages put scripts before the element. */
const META_BYTES = 4096;
const META_CHARSET = /<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]{2,40})/i;
const XML_ENCODING = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']/i;
/** Share of the bytes beyond ASCII that may fail to decode in a text that still is UTF-8. */
const MAX_UTF8_FAILURES = 0.1;

/**
 * WHATWG name of the encoding of a text, lower case.
 * @param label charset of the HTTP header, where there is one
 * @param isHtml whether to look for a declaration in the text
 */
export function detectEncoding(bytes: Uint8Array, label: string | undefined, isHtml: boolean): string {
  return detect(bytes, label, isHtml).encoding;
}

/** The same, and the text in valid UTF-8: the bytes themselves where they are that. A byte order mark may lead it. */
export function decodeToUtf8(
  bytes: Uint8Array,
  label: string | undefined,
  isHtml: boolean,
): { encoding: string; utf8: Buffer } {
  const { encoding, isValid } = detect(bytes, label, isHtml);
  const utf8 = isValid
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    : Buffer.from(decodeAs(bytes, encoding));
  return { encoding, utf8 };
}

/** `isValid`: the encoding is UTF-8, and all bytes are. */
function detect(
  bytes: Uint8Array,
  label: string | undefined,
  isHtml: boolean,
): { encoding: string; isValid: boolean } {
  const marked = byteOrderMark(bytes);
  if (marked !== undefined) return { encoding: marked, isValid: marked === 'utf-8' && isUtf8(bytes) };
  const declared = encodingOf(label) ?? (isHtml ? declaredEncoding(bytes) : undefined);
  // ISO-2022-JP is ASCII bytes with escapes, and so valid UTF-8.
  if (declared === 'iso-2022-jp') return { encoding: declared, isValid: false };
  if (isUtf8(bytes)) return { encoding: 'utf-8', isValid: true };
  if (declared !== undefined && (declared !== 'utf-8' || isMostlyUtf8(bytes)))
    return { encoding: declared, isValid: false };
  return { encoding: isMostlyUtf8(bytes) ? 'utf-8' : guessEncoding(bytes), isValid: false };
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

/** The encoding that an HTML text names in itself. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, META_BYTES)).toString(
    'latin1',
  );
  const encoding = encodingOf(META_CHARSET.exec(head)?.[1]) ?? encodingOf(XML_ENCODING.exec(head)?.[1]);
  // A declaration that could be read as ASCII is not in UTF-16 (HTML Standard, 13.2.3.2).
  if (encoding?.startsWith('utf-16') === true) return 'utf-8';
  return encoding === 'x-user-defined' ? 'windows-1252' : encoding;
}

/** Whether so few sequences fail to decode as UTF-8 that the text is UTF-8 with damage. */
function isMostlyUtf8(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 65_536);
  let beyondAscii = 0;
  for (const byte of sample) if (byte >= 0x80) beyondAscii += 1;
  let failures = 0;
  const text = new TextDecoder().decode(sample);
  for (let at = text.indexOf('\uFFFD'); at !== -1; at = text.indexOf('\uFFFD', at + 1)) failures += 1;
  return failures <= beyondAscii * MAX_UTF8_FAILURES;
}
