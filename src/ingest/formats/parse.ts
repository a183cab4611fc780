/**
 * Parses a record that was cut, for example in a worker thread: synchronous, pure, and total: whatever the bytes
 * are, the answer is a document, a reason why it is none, or what is wrong with it.
 */
import type { BadDocument, Format, NonDocument, ParsedDocument } from '../records.js';
import { isBinary } from './clean-text.js';
import { extractPage, readPlainText } from './page.js';
import { parseJsonLine } from './parse-jsonl.js';
import { parseWarcRecord } from './parse-warc.js';

/** @param options.url address of the document, for formats that have none in the record */
export function parseRecord(
  format: Format,
  bytes: Uint8Array,
  options: { url?: string } = {},
): ParsedDocument | NonDocument | BadDocument {
  switch (format) {
    case 'warc':
    case 'wet':
    case 'wat':
      return parseWarcRecord(bytes);
    case 'jsonl':
    case 'parquet':
      return parseJsonLine(bytes);
    case 'text':
    case 'html':
      return parseFile(format, bytes, options.url);
    default:
      return format satisfies never;
  }
}

function parseFile(
  format: 'text' | 'html',
  bytes: Uint8Array,
  url: string | undefined,
): ParsedDocument | NonDocument | BadDocument {
  if (isBinary(bytes)) return { kind: 'bad', reason: 'encoding', detail: 'binary data, not text' };
  const { text, title, date, language, charset } =
    format === 'html' ? extractPage(bytes, { url }) : readPlainText(bytes);
  if (text.trim() === '') return { kind: 'other', reason: 'empty' };
  const mime = format === 'html' ? 'text/html' : 'text/plain';
  return { kind: 'document', url: url ?? null, date, title, mime, charset, language, text };
}
