/**
 * HTTP responses as archives store them (RFC 9112 and its predecessors): status line, header fields, and the body with
 * its transfer and content codings undone.
 *
 * Archives do not agree whether codings are undone already while the header still names them, so a coding is
 * undone only where the body looks like it. A body that breaks off keeps what is there.
 */
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES, type BadDocument } from '../records.js';

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; of repeated fields the first, but of X-Robots-Tag all, one a line. */
  readonly fields: ReadonlyMap<string, string>;
  /** Still coded. */
  readonly body: Uint8Array;
}

/** Also HTTP/2 and HTTP/3, which have no minor version and no reason phrase, and Shoutcast. */
const STATUS_LINE = /^(?:HTTP\/\d(?:\.\d)?|ICY)[ \t]+(\d{3})(?:[ \t\r\n]|$)/;
const LINE_FEED = 0x0a;
/** A server sends one field for each robot that it addresses. */
const ROBOTS = 'x-robots-tag';

/** Header fields up to an empty line, and where what follows them begins. */
export function parseFields(bytes: Buffer, start: number): { fields: Map<string, string>; end: number } {
  const fields = new Map<string, string>();
  let name = '';
  let line = start;
  for (;;) {
    const found = bytes.indexOf(LINE_FEED, line);
    const lineEnd = found === -1 ? bytes.length : found;
    const text = decodeField(bytes.subarray(line, lineEnd));
    line = found === -1 ? bytes.length : found + 1;
    if (text === '' || line - start > MAX_HEADER_BYTES) return { fields, end: line };
    const colon = text.indexOf(':');
    if (/^[ \t]/.test(text) && name !== '') {
      fields.set(name, `${fields.get(name)} ${text.trim()}`);
    } else if (colon > 0) {
      name = text.slice(0, colon).trim().toLowerCase();
      const value = text.slice(colon + 1).trim();
      const before = fields.get(name);
      if (before === undefined) fields.set(name, value);
      else if (name === ROBOTS) fields.set(name, `${before}\n${value}`);
    }
    if (found === -1) return { fields, end: line };
  }
}

/** UTF-8 where it is that (WARC says so), else ISO-8859-1 (what HTTP said once). */
function decodeField(line: Buffer): string {
  const text = line.toString('utf8');
  return (text.includes('\uFFFD') ? line.toString('latin1') : text).replace(/\r$/, '');
}

/** Undefined where the bytes do not begin with a status line. */
export function parseResponse(bytes: Buffer): HttpResponse | undefined {
  const match = STATUS_LINE.exec(bytes.toString('latin1', 0, 64));
  if (match === null) return undefined;
  const lineEnd = bytes.indexOf(LINE_FEED);
  const { fields, end } = parseFields(bytes, lineEnd === -1 ? bytes.length : lineEnd + 1);
  return { status: Number(match[1]), fields, body: bytes.subarray(end) };
}

/** The body without its codings. */
export function decodeBody(response: HttpResponse): Uint8Array | BadDocument {
  const { fields } = response;
  let body = response.body;
  if (/\bchunked\b/i.test(fields.get('transfer-encoding') ?? '')) body = decodeChunked(body);
  const codings = `${fields.get('content-encoding') ?? ''},${fields.get('transfer-encoding') ?? ''}`
    .split(',')
    .map((coding) => coding.trim().toLowerCase());
  // Codings are listed in the order in which they were applied.
  for (const coding of codings.reverse()) {
    const decoded = undoCoding(body, coding);
    if (!(decoded instanceof Uint8Array)) return decoded;
    body = decoded;
  }
  return body;
}

function undoCoding(body: Uint8Array, coding: string): Uint8Array | BadDocument {
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body, DEFLATE_OPTIONS) : body;
      case 'deflate':
        return looksCompressed(body) ? inflateEither(body) : body;
      case 'br':
        return looksCompressed(body) ? brotliDecompressSync(body, BROTLI_OPTIONS) : body;
      case 'zstd':
      case 'compress':
        return looksCompressed(body) ? bad('http', `content coding ${coding} is not supported`) : body;
      default:
        return body;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      return bad('too-large', `a body above ${MAX_BODY_BYTES} bytes when decoded`);
    return bad('http', `a body that is not valid ${coding}: ${message}`);
  }
}

/** A flush at the end, so that a body that breaks off gives what is there. */
const DEFLATE_OPTIONS = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_BODY_BYTES };
const BROTLI_OPTIONS = { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: MAX_BODY_BYTES };

/** Both of what `deflate` means in practice: a zlib stream (RFC 1950), or the bare deflate stream. */
function inflateEither(body: Uint8Array): Uint8Array {
  const isZlib = (body[0] & 0x0f) === 8 && ((body[0] << 8) | body[1]) % 31 === 0;
  return isZlib ? inflateSync(body, DEFLATE_OPTIONS) : inflateRawSync(body, DEFLATE_OPTIONS);
}

/** Text in any encoding has no such control characters in its first bytes; compressed data nearly always has. */
function looksCompressed(body: Uint8Array): boolean {
  return body
    .subarray(0, 256)
    .some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b) || byte === 0x7f);
}

const CHUNK_SIZE = /^[ \t]*([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]{0,1024})?\r?\n/i;

/** RFC 9112, section 7.1. A body that does not begin with a chunk is taken to be decoded already. */
function decodeChunked(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const chunks: Buffer[] = [];
  let position = 0;
  while (position < bytes.length) {
    const match = CHUNK_SIZE.exec(bytes.toString('latin1', position, position + 1100));
    if (match === null) break;
    const size = Number.parseInt(match[1], 16);
    const start = position + match[0].length;
    const isPlausible = chunks.length > 0 || endsAsChunk(bytes, start + size);
    if (!isPlausible) break;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(start, start + size));
    position = start + size;
    if (bytes[position] === 0x0d) position += 1;
    if (bytes[position] === LINE_FEED) position += 1;
  }
  return chunks.length === 0 ? body : Buffer.concat(chunks);
}

function endsAsChunk(bytes: Buffer, end: number): boolean {
  return end >= bytes.length || bytes[end] === 0x0d || bytes[end] === LINE_FEED;
}

function bad(reason: BadDocument['reason'], detail: string): BadDocument {
  return { kind: 'bad', reason, detail };
}
