/**
 * Parses a record that was cut, for example in a worker thread: synchronous, pure, and total: whatever the bytes
 * are, the answer is a document, a reason why it is none, or what is wrong with it.
 */
import { DEFAULT_READING, type ReadingConfig } from '../reading.js';
import type { BadDocument, Format, Layout, NonDocument, ParsedDocument } from '../records.js';
import { isBinary } from './binary.js';
import { normalizeText } from './normalize.js';
import { extractPage, readPlainText } from './page.js';
import { parseCsvRecord } from './parse-csv.js';
import { parseJsonLine } from './parse-jsonl.js';
import { parseWarcRecord } from './parse-warc.js';

export interface ParseOptions extends Omit<Layout, 'format'> {
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
  const parsed = parseAs(format, bytes, options, reading);
  if (parsed.kind !== 'document') return parsed;
  const text = normalizeText(parsed.text, reading.normalize);
  return text.trim() === '' ? { kind: 'other', reason: 'empty' } : { ...parsed, text };
}

function parseAs(
  format: Format,
  bytes: Uint8Array,
  options: ParseOptions,
  reading: ReadingConfig,
): ParsedDocument | NonDocument | BadDocument {
  switch (format) {
    case 'warc':
    case 'wet':
    case 'wat':
      return parseWarcRecord(bytes, reading);
    case 'jsonl':
    case 'parquet':
      return parseJsonLine(bytes, options.fields);
    case 'csv':
      return parseCsvRecord(bytes, options.csv ?? { delimiter: ',', columns: [] }, options.fields);
    case 'text':
    case 'markdown':
    case 'html':
      return parseFile(format, bytes, options.url, reading);
    default:
      return format satisfies never;
  }
}

/** Media types of formats in which a file is a document. */
const MIME = { text: 'text/plain', markdown: 'text/markdown', html: 'text/html' } as const;

function parseFile(
  format: keyof typeof MIME,
  bytes: Uint8Array,
  url: string | undefined,
  reading: ReadingConfig,
): ParsedDocument | NonDocument | BadDocument {
  if (isBinary(bytes)) return { kind: 'bad', reason: 'encoding', detail: 'binary data, not text' };
  const document = format === 'html' ? extractPage(bytes, { url, reading }) : readPlainText(bytes);
  const title = format === 'markdown' ? markdownTitle(document.text) : document.title;
  return { kind: 'document', url: url ?? null, mime: MIME[format], ...document, title };
}

/** Lines of a text in which a heading is looked for. */
const TITLE_LINES = 50;

/** The first heading of the first level, or a `title:` of the metadata in front. */
function markdownTitle(text: string): string | null {
  const lines = text.split(/\r?\n/, TITLE_LINES);
  const inFront = lines[0] === '---';
  for (const line of lines) {
    const match = /^#[ \t]+(.+?)[ \t]*#*$/.exec(line) ?? (inFront ? /^title:[ \t]*(.+)$/.exec(line) : null);
    if (match !== null) return match[1].replace(/^(["'])(.*)\1$/, '$2');
  }
  return null;
}
