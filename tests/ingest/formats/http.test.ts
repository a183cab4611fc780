import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeBody, parseResponse } from '../../../src/ingest/formats/http.js';
import { MAX_BODY_BYTES } from '../../../src/ingest/records.js';
import { httpResponse } from '../../support/warc.js';

const TEXT = 'Wikipedia in chunks, with enough text to be worth compressing. '.repeat(20);

/** The decoded body as text, or what is wrong with it. */
function decode(body: Uint8Array | string, fields: Record<string, string>): unknown {
  const response = parseResponse(httpResponse(body, fields));
  if (response === undefined) return undefined;
  const decoded = decodeBody(response);
  return decoded instanceof Uint8Array ? Buffer.from(decoded).toString() : decoded;
}

describe('parseResponse', () => {
  it.each([
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.0 404 Not Found', 404],
    ['HTTP/2 200', 200],
    ['HTTP/2.0 301 ', 301],
    ['HTTP/1.1 200', 200],
    ['ICY 200 OK', 200],
  ])('%s', (line, status) => {
    expect(parseResponse(httpResponse('x', {}, line))?.status).toBe(status);
  });

  it('wants a status line', () => {
    for (const line of ['<html>', 'HTTP/1.1', 'HTTP/1.1 2000', 'GET / HTTP/1.1', '']) {
      expect(parseResponse(Buffer.from(`${line}\r\n\r\n`))).toBeUndefined();
    }
  });

  it('reads fields: any case, folded lines, the first of several, bare line feeds', () => {
    const response = parseResponse(
      Buffer.from('HTTP/1.1 200 OK\nCONTENT-type:text/html\nX: a\n  b\nX: c\nbroken\n\nbody\n\n'),
    );
    expect([...(response?.fields ?? [])]).toEqual([
      ['content-type', 'text/html'],
      ['x', 'a b'],
    ]);
    expect(Buffer.from(response?.body ?? []).toString()).toBe('body\n\n');
  });
});

describe('decodeBody', () => {
  it('takes chunks apart (the example of RFC 9112, with extensions and trailers)', () => {
    const chunked = { 'Transfer-Encoding': 'chunked' };
    expect(
      decode(
        '4\r\nWiki\r\n5;name=value\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\n',
        chunked,
      ),
    ).toBe('Wikipedia in\r\n\r\nchunks.');
    expect(decode('4\r\nWiki\r\n5\r\npe', chunked)).toBe('Wikipe');
    expect(decode('4\r\nWiki\r\n5\r\npedia\r\nzz', chunked)).toBe('Wikipedia');
  });

  it('leaves a body that is decoded already', () => {
    expect(decode('<html>plain', { 'Transfer-Encoding': 'chunked', 'Content-Encoding': 'gzip' })).toBe(
      '<html>plain',
    );
    expect(decode('99 bottles of beer', { 'Transfer-Encoding': 'chunked' })).toBe('99 bottles of beer');
    expect(decode(TEXT, { 'Content-Encoding': 'br' })).toBe(TEXT);
    expect(decode(TEXT, { 'Content-Encoding': 'deflate' })).toBe(TEXT);
    expect(decode(TEXT, { 'Content-Encoding': 'identity' })).toBe(TEXT);
  });

  it.each([
    ['gzip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['GZIP', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
  ])('undoes %s', (coding, body) => {
    expect(decode(body, { 'Content-Encoding': coding })).toBe(TEXT);
  });

  it('undoes a content coding in chunks', () => {
    const body = gzipSync(TEXT);
    const chunks = Buffer.concat([
      Buffer.from(`${body.length.toString(16)}\r\n`),
      body,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    expect(decode(chunks, { 'Content-Encoding': 'gzip', 'Transfer-Encoding': 'chunked' })).toBe(TEXT);
  });

  it('keeps what is there of a body that breaks off', () => {
    const text = Array.from({ length: 3000 }, (_, index) => `${(index * 7919) % 10_007} `).join('');
    for (const [coding, body] of [
      ['gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['br', brotliCompressSync(text)],
    ] as const) {
      const start = decode(body.subarray(0, body.length / 2), { 'Content-Encoding': coding }) as string;
      expect(start.length).toBeGreaterThan(text.length / 4);
      expect(text.startsWith(start)).toBe(true);
    }
  });

  it('says what does not decode', () => {
    const broken = gzipSync(TEXT);
    broken.fill(0xff, 15, 40);
    expect(decode(broken, { 'Content-Encoding': 'gzip' })).toMatchObject({ kind: 'bad', reason: 'http' });
    expect(decode(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2]), { 'Content-Encoding': 'zstd' })).toMatchObject(
      { kind: 'bad', reason: 'http', detail: 'content coding zstd is not supported' },
    );
  });

  it('stops at the limit of decoded bytes', () => {
    const bomb = gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1));
    expect(bomb.length).toBeLessThan(100_000);
    expect(decode(bomb, { 'Content-Encoding': 'gzip' })).toMatchObject({ kind: 'bad', reason: 'too-large' });
  });
});
