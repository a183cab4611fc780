/** WARC records, HTTP messages and gzip members, byte by byte as archives have them. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export interface WarcOptions {
  readonly type?: string;
  readonly uri?: string;
  readonly contentType?: string;
  readonly fields?: Record<string, string>;
  /** What the header says instead of the length of the block. */
  readonly contentLength?: number | string | null;
  readonly version?: string;
  readonly lineEnd?: string;
  /** Behind the block; two line ends by default. */
  readonly tail?: string;
}

export function warcRecord(block: Uint8Array | string, options: WarcOptions = {}): Buffer {
  const { type = 'conversion', contentType = 'text/plain', lineEnd = '\r\n', version = '1.0' } = options;
  const body = Buffer.from(block);
  const length = options.contentLength === undefined ? body.length : options.contentLength;
  const fields = {
    'WARC-Type': type,
    ...(options.uri === undefined ? {} : { 'WARC-Target-URI': options.uri }),
    'WARC-Date': '2024-05-18T01:58:10Z',
    'Content-Type': contentType,
    ...(length === null ? {} : { 'Content-Length': String(length) }),
    ...options.fields,
  };
  const lines = [
    `WARC/${version}`,
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ];
  return Buffer.concat([
    Buffer.from(lines.join(lineEnd)),
    body,
    Buffer.from(options.tail ?? lineEnd + lineEnd),
  ]);
}

export function httpResponse(
  body: Uint8Array | string,
  fields: Record<string, string> = { 'Content-Type': 'text/html' },
  statusLine = 'HTTP/1.1 200 OK',
): Buffer {
  const lines = [statusLine, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), '', ''];
  return Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from(body)]);
}

export function warcResponse(
  body: Uint8Array | string,
  fields?: Record<string, string>,
  statusLine?: string,
): Buffer {
  return warcRecord(httpResponse(body, fields, statusLine), {
    type: 'response',
    uri: 'https://example.com/page',
    contentType: 'application/http; msgtype=response',
  });
}

/** One member a record, as archives are compressed. */
export function gzipRecords(records: readonly Uint8Array[]): Buffer {
  return Buffer.concat(records.map((record) => gzipSync(record)));
}

/** A gzip member (RFC 1952) with every optional part of the header. */
export function gzipMemberWithHeader(
  content: Uint8Array,
  extra: Uint8Array,
  name: string,
  comment: string,
): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(extra.length);
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 255]),
    length,
    extra,
    Buffer.from(`${name}\0${comment}\0`, 'latin1'),
  ]);
  const headerCrc = Buffer.alloc(2);
  headerCrc.writeUInt16LE(crc32(head) & 0xffff);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, headerCrc, deflateRawSync(content), trailer]);
}
