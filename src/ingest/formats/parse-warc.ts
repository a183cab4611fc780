/** A WARC record (ISO 28500) -> a document, where its payload is text that somebody wrote for people. */
import { MAX_HEADER_BYTES, type BadDocument, type NonDocument, type ParsedDocument } from '../records.js';
import { hasDigest } from './digest.js';
import { isBinary } from './binary.js';
import { decodeBody, parseFields, parseResponse } from './http.js';
import { DEFAULT_READING, type ReadingConfig } from '../reading.js';
import { extractPage, readPlainText } from './page.js';

export type Parsed = ParsedDocument | NonDocument | BadDocument;

interface RecordInfo {
  readonly reading: ReadingConfig;
  readonly url: string | null;
  readonly date: string | null;
  readonly id: string | undefined;
  readonly payloadDigest: string | undefined;
  readonly language: string | null;
}

/** @param bytes a whole record, its header included */
export function parseWarcRecord(bytes: Uint8Array, reading: ReadingConfig = DEFAULT_READING): Parsed {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const versionEnd = record.indexOf('\n');
  const { fields, end } = parseFields(record, versionEnd + 1);
  const length = Number(fields.get('content-length') ?? 'NaN');
  if (
    !record.subarray(0, 5).equals(Buffer.from('WARC/')) ||
    versionEnd > MAX_HEADER_BYTES ||
    Number.isNaN(length)
  ) {
    return { kind: 'bad', reason: 'header', detail: 'no WARC header with a Content-Length' };
  }
  const block = record.subarray(end, end + length);
  const info: RecordInfo = {
    reading,
    url: fields.get('warc-target-uri')?.replace(/^<|>$/g, '') ?? null,
    date: fields.get('warc-date') ?? null,
    id: fields.get('warc-record-id')?.replace(/^<|>$/g, ''),
    payloadDigest: fields.get('warc-payload-digest'),
    language: fields.get('warc-identified-content-language')?.split(',')[0] ?? null,
  };
  const type = fields.get('warc-type')?.toLowerCase() ?? 'unknown-type';
  // The parts of a record that was cut into several are no documents, and are not put together.
  if (fields.has('warc-segment-number') && type !== 'continuation') return other('segment');
  switch (type) {
    case 'response':
    case 'resource':
    case 'conversion': {
      const damage = findDamage(block, fields, type);
      if (damage !== undefined) return damage;
    }
  }
  switch (type) {
    case 'response':
      if (info.url?.startsWith('dns:') === true || fields.get('content-type') === 'text/dns')
        return other('dns');
      return parseHttpResponse(block, fields.get('warc-identified-payload-type'), info);
    case 'resource':
      if (info.url?.startsWith('dns:') === true) return other('dns');
      // A crawler keeps its own arguments and log this way.
      if (info.url?.startsWith('metadata:') === true) return other('metadata');
      return parsePayload(block, fields.get('content-type'), info);
    case 'conversion':
      return parsePayload(block, fields.get('content-type') ?? 'text/plain', info);
    case 'warcinfo':
    case 'request':
    case 'metadata':
    case 'revisit':
    case 'continuation':
      return other(type);
    default:
      return other('unknown-type');
  }
}

/**
 * Whether a digest refutes the block. That of a payload is only looked at where the payload is the block: of HTTP
 * responses, archives take it with and without the codings of the body.
 */
function findDamage(
  block: Buffer,
  fields: ReadonlyMap<string, string>,
  type: string,
): BadDocument | undefined {
  const digest =
    fields.get('warc-block-digest') ?? (type === 'response' ? undefined : fields.get('warc-payload-digest'));
  if (digest === undefined || fields.has('warc-truncated') || hasDigest(block, digest) !== false)
    return undefined;
  return {
    kind: 'bad',
    reason: 'digest',
    detail: `its block does not have the digest ${digest.slice(0, 100)}`,
  };
}

function parseHttpResponse(block: Buffer, identifiedType: string | undefined, info: RecordInfo): Parsed {
  const response = parseResponse(block);
  if (response === undefined) {
    return { kind: 'bad', reason: 'http', detail: 'a response without a status line' };
  }
  if (response.status < 200 || response.status > 299) return other('http-status');
  const type = response.fields.get('content-type') ?? identifiedType;
  // Not worth decoding; also, audio and video are often large.
  if (kindOf(type) === 'other') return other('not-text');
  const body = decodeBody(response);
  return body instanceof Uint8Array
    ? parsePayload(body, type, info, response.fields.get('x-robots-tag'))
    : body;
}

type PayloadKind = 'html' | 'text' | 'other' | 'unknown';

function kindOf(type: string | undefined): PayloadKind {
  const mime = type?.split(';')[0].trim().toLowerCase() ?? '';
  if (mime === '' || mime === 'unknown/unknown' || mime === 'application/unknown') return 'unknown';
  if (mime === 'text/html' || mime === 'application/xhtml+xml') return 'html';
  return mime === 'text/plain' || mime === 'text/markdown' ? 'text' : 'other';
}

const LOOKS_HTML = /<(?:!doctype\s+html|html|head|body|title|p|div|h1|table)[\s>]/i;

function parsePayload(
  payload: Uint8Array,
  type: string | undefined,
  info: RecordInfo,
  robots?: string,
): Parsed {
  if (payload.length === 0) return other('empty');
  const declared = kindOf(type);
  if (declared === 'other' || isBinary(payload)) return other('not-text');
  const head = Buffer.from(payload.buffer, payload.byteOffset, Math.min(payload.length, 1024)).toString(
    'latin1',
  );
  const kind = declared === 'unknown' ? (LOOKS_HTML.test(head) ? 'html' : 'text') : declared;
  const charset = /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(type ?? '')?.[1];
  const mime = kind === 'html' ? 'text/html' : 'text/plain';
  const document =
    kind === 'html'
      ? extractPage(payload, { url: info.url ?? undefined, charset, robots, reading: info.reading })
      : readPlainText(payload, { charset });
  return {
    kind: 'document',
    url: info.url,
    date: info.date,
    title: document.title,
    mime: type?.split(';')[0].trim().toLowerCase() ?? mime,
    charset: document.charset,
    language: document.language ?? info.language,
    text: document.text,
    ...(document.page === undefined ? {} : { page: document.page }),
    ...(info.id === undefined ? {} : { id: info.id }),
    ...(info.payloadDigest === undefined ? {} : { payloadDigest: info.payloadDigest }),
  };
}

function other(reason: string): NonDocument {
  return { kind: 'other', reason };
}
