/** Bytes of an HTML page or a plain text -> text, and what the page says of itself. */
import { extractMainText } from '../extract/extract.js';
import { cleanText } from './clean-text.js';
import { decodeText } from './charset.js';

export interface Page {
  readonly text: string;
  readonly title: string | null;
  readonly language: string | null;
  readonly date: string | null;
  readonly charset: string;
}

/** @param options.charset label of the HTTP header, where there is one */
export function extractPage(bytes: Uint8Array, options: { url?: string; charset?: string } = {}): Page {
  const { text: html, charset } = decodeText(bytes, options.charset, true);
  const { text, title, language, date } = extractMainText(html, { url: options.url });
  return { text: cleanText(text), title, language, date, charset };
}

/** A plain text: all of it. */
export function readPlainText(bytes: Uint8Array, options: { charset?: string } = {}): Page {
  const { text, charset } = decodeText(bytes, options.charset, false);
  return { text: cleanText(text), title: null, language: null, date: null, charset };
}
