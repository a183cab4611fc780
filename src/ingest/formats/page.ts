/** Bytes of an HTML page or a plain text -> text, and what the page says of itself. */
import { extractMainText } from '../extract/extract.js';
import { decodeToUtf8, detectEncoding } from './charset.js';
import { cleanText } from './clean-text.js';
import { decodeAs } from './encodings.js';

export interface Page {
  readonly text: string;
  readonly title: string | null;
  readonly language: string | null;
  readonly date: string | null;
  readonly charset: string;
}

/** Publishing systems put the date into the address: `/2019/07/31/title`. */
const DATE_IN_URL = /\/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])(?:[/-](0[1-9]|[12]\d|3[01]))?(?:\/|-|$)/;

/**
 * @param options.url address of the page, for its date where it does not tell one
 * @param options.charset label of the HTTP header, where there is one
 */
export function extractPage(bytes: Uint8Array, options: { url?: string; charset?: string } = {}): Page {
  const { encoding: charset, utf8 } = decodeToUtf8(bytes, options.charset, true);
  const main = extractMainText(utf8);
  const inUrl = DATE_IN_URL.exec(options.url ?? '')
    ?.slice(1)
    .filter((part) => part !== undefined);
  return { ...main, date: main.published ?? inUrl?.join('-') ?? null, text: cleanText(main.text), charset };
}

/** A plain text: all of it. */
export function readPlainText(bytes: Uint8Array, options: { charset?: string } = {}): Page {
  const charset = detectEncoding(bytes, options.charset, false);
  return { text: cleanText(decodeAs(bytes, charset)), title: null, language: null, date: null, charset };
}
