/**
 * Parses a record that was cut, for example in a worker thread: synchronous, pure, and total: whatever the bytes
 * are, the answer is a document, a reason why it is none, or what is wrong with it.
 */
import type { BadDocument, Format, NonDocument, ParsedDocument } from '../records.js';
import { DEFAULT_READING, type ReadingConfig } from '../reading.js';
import { isBinary } from './clean-text.js';
import { normalizeText } from './normalize.js';
import { extractPage, readPlainText } from './page.js';
import { parseJsonLine } from './parse-jsonl.js';
import { parseWarcRecord } from './parse-warc.js';

export interface ParseOptions {
  /** Address of the document, for formats that have none in the record. */
  readonly url?: string | undefined;
  readonly reading?: ReadingConfig;
}

export function parseRecord(
  format: Format,
  bytes: Uint8Array,
  options: ParseOptions = {},
): ParsedDocument | NonDocument | BadDocument {
  const reading = options.reading ?? DEFAULT_READING;
  const parsed = parseAs(format, bytes, options.url, reading);
  if (parsed.kind !== 'document') return parsed;
  const text = normalizeText(parsed.text, reading.normalize);
  return text.trim() === '' ? { kind: 'other', reason: 'empty' } : { ...parsed, text };
}

function parseAs(
  format: Format,
  bytes: Uint8Array,
  url: string | undefined,
  reading: ReadingConfig,
): ParsedDocument | NonDocument | BadDocument {
  switch (format) {
    case 'warc':
    case 'wet':
    case 'wat':
      return parseWarcRecord(bytes, reading);
    case 'jsonl':
    case 'parquet':
      return parseJsonLine(bytes);
    case 'text':
    case 'html':
      return parseFile(format, bytes, url, reading);
    default:
      return format satisfies never;
  }
}

function parseFile(
  format: 'text' | 'html',
  bytes: Uint8Array,
  url: string | undefined,
  reading: ReadingConfig,
): ParsedDocument | NonDocument | BadDocument {
  if (isBinary(bytes)) return { kind: 'bad', reason: 'encoding', detail: 'binary data, not text' };
  const document = format === 'html' ? extractPage(bytes, { url, reading }) : readPlainText(bytes);
  const mime = format === 'html' ? 'text/html' : 'text/plain';
  return { kind: 'document', url: url ?? null, mime, ...document };
}
