import { gzipSync } from 'node:zlib';
import iconv from 'iconv-lite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecord } from '../../../src/ingest/formats/parse.js';
import type { Format } from '../../../src/ingest/records.js';
import { warcRecord, warcResponse } from '../../support/warc.js';

const SENTENCE =
  'The harbor and the old bridge have been there for as long as anyone in the village can remember.';
const PAGE = `<!doctype html><html lang="en"><title>A harbor</title><body><nav><a href="/">Home</a></nav><article><h1>A harbor</h1><p>${SENTENCE}</p><p>${SENTENCE} Again.</p></article></body></html>`;
const MAIN = `A harbor\n${SENTENCE}\n${SENTENCE} Again.`;

describe('WARC records', () => {
  it('a response with a page', () => {
    const record = warcRecord(
      Buffer.concat([
        Buffer.from(
          'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\nX-Robots-Tag: noai\r\n\r\n',
        ),
        Buffer.from(PAGE),
      ]),
      {
        type: 'response',
        uri: '<https://example.com/page>',
        contentType: 'application/http; msgtype=response',
        fields: { 'WARC-Record-ID': '<urn:uuid:1>' },
      },
    );
    expect(parseRecord('warc', record)).toEqual({
      kind: 'document',
      url: 'https://example.com/page',
      date: '2024-05-18T01:58:10Z',
      title: 'A harbor',
      mime: 'text/html',
      charset: 'utf-8',
      language: 'en',
      text: MAIN,
      page: { author: null, published: null, canonicalUrl: null, siteName: null, robots: 'noai' },
      id: 'urn:uuid:1',
    });
  });

  it('a response that is chunked and compressed', () => {
    const packed = gzipSync(PAGE);
    const body = Buffer.concat([
      Buffer.from(`${packed.length.toString(16)}\r\n`),
      packed,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    const parsed = parseRecord(
      'warc',
      warcResponse(body, {
        'Content-Type': 'application/xhtml+xml',
        'Content-Encoding': 'gzip',
        'Transfer-Encoding': 'chunked',
      }),
    );
    expect(parsed).toMatchObject({ kind: 'document', text: MAIN, mime: 'application/xhtml+xml' });
  });

  it('a response whose charset only the header tells', () => {
    const text = 'Широкая электрификация южных губерний';
    const parsed = parseRecord(
      'warc',
      warcResponse(iconv.encode(text, 'koi8-r'), { 'Content-Type': 'text/plain; charset="KOI8-R"' }),
    );
    expect(parsed).toMatchObject({ kind: 'document', text, charset: 'koi8-r', title: null, language: null });
  });

  it('a response without content type is looked at', () => {
    expect(parseRecord('warc', warcResponse(PAGE, {}))).toMatchObject({ text: MAIN, mime: 'text/html' });
    expect(parseRecord('warc', warcResponse(SENTENCE, {}))).toMatchObject({
      text: SENTENCE,
      mime: 'text/plain',
    });
  });

  it('a conversion with the language that the archive identified', () => {
    const record = warcRecord('Texto\r\nlargo', {
      uri: 'http://x/',
      fields: { 'WARC-Identified-Content-Language': 'spa,eng' },
    });
    expect(parseRecord('wet', record)).toMatchObject({
      kind: 'document',
      text: 'Texto\nlargo',
      language: 'spa',
      url: 'http://x/',
      mime: 'text/plain',
    });
  });

  it('a resource', () => {
    expect(
      parseRecord('warc', warcRecord(PAGE, { type: 'resource', contentType: 'text/html' })),
    ).toMatchObject({ text: MAIN });
    expect(parseRecord('warc', warcRecord('x', { type: 'resource', contentType: 'image/png' }))).toEqual({
      kind: 'other',
      reason: 'not-text',
    });
  });

  it.each([
    ['warcinfo', warcRecord('x', { type: 'warcinfo' })],
    ['request', warcRecord('GET / HTTP/1.1\r\n\r\n', { type: 'request' })],
    ['metadata', warcRecord('{}', { type: 'metadata' })],
    ['revisit', warcRecord('HTTP/1.1 200 OK\r\n\r\n', { type: 'revisit' })],
    ['unknown-type', warcRecord('x', { type: 'unheard-of' })],
    [
      'metadata',
      warcRecord('log', { type: 'resource', uri: 'metadata://gnu.org/software/wget/warc/wget.log' }),
    ],
    [
      'dns',
      warcRecord('20240518\nexample.com. 300 IN A 1.2.3.4', {
        type: 'response',
        uri: 'dns:example.com',
        contentType: 'text/dns',
      }),
    ],
    ['dns', warcRecord('20240518', { type: 'resource', uri: 'dns:example.com', contentType: 'text/dns' })],
    ['http-status', warcResponse(PAGE, { 'Content-Type': 'text/html' }, 'HTTP/1.1 404 Not Found')],
    ['http-status', warcResponse('', { Location: '/' }, 'HTTP/2 301')],
    ['not-text', warcResponse('x', { 'Content-Type': 'application/pdf' })],
    ['not-text', warcResponse('%PDF-1.7', { 'Content-Type': 'text/html' })],
    ['empty', warcResponse('')],
    ['empty', warcResponse('<html><script>x()</script></html>')],
  ])('no document: %s', (reason, record) => {
    expect(parseRecord('warc', record)).toEqual({ kind: 'other', reason });
  });

  it.each([
    ['http', warcRecord('<html>no status line', { type: 'response' })],
    ['header', Buffer.from('WARC/1.0\r\nWARC-Type: response\r\n\r\n')],
    ['header', Buffer.from('no record at all')],
  ])('bad: %s', (reason, record) => {
    expect(parseRecord('warc', record)).toMatchObject({ kind: 'bad', reason });
  });

  it('a payload that breaks off keeps what is there', () => {
    const whole = warcResponse(PAGE);
    const parsed = parseRecord('warc', whole.subarray(0, whole.length - 20));
    expect(parsed).toMatchObject({ kind: 'document', text: MAIN });
  });
});

describe('JSON lines', () => {
  const parse = (line: string): unknown => parseRecord('jsonl', Buffer.from(line));

  it('with the fields of published corpora', () => {
    expect(
      parse('{"text":"a\\r\\nb","url":"http://x/","id":"7","date":"2020-01-02","title":"T","lang":"de"}\n'),
    ).toEqual({
      kind: 'document',
      url: 'http://x/',
      date: '2020-01-02',
      title: 'T',
      mime: null,
      charset: 'utf-8',
      language: 'de',
      text: 'a\nb',
      id: '7',
    });
    expect(parse('{"raw_content":"a","timestamp":"t","doc_id":12}')).toMatchObject({
      text: 'a',
      date: 't',
      id: '12',
    });
    expect(parse('{"content":"a","created":"c","text":null}')).toMatchObject({ text: 'a', date: 'c' });
    expect(parse('{"text":"a","meta":{"url":"inner"}}')).toMatchObject({ url: 'inner' });
    expect(parse('{"text":"a","url":"outer","meta":{"url":"inner"}}')).toMatchObject({ url: 'outer' });
  });

  it.each([
    ['json', 'not json'],
    ['json', '{"text": "cut of'],
    ['json', '["text"]'],
    ['json', '"text"'],
    ['json', 'null'],
    ['no-text', '{}'],
    ['no-text', '{"text": 5}'.replace('5', '{"a":1}')],
    ['no-text', '{"text": "  \\n"}'],
  ])('bad: %s: %s', (reason, line) => {
    expect(parse(line)).toMatchObject({ kind: 'bad', reason });
  });
});

describe('files', () => {
  it('a text, a page, and what is neither', () => {
    expect(parseRecord('text', Buffer.from('a\r\nb'), { url: 'u' })).toEqual({
      kind: 'document',
      url: 'u',
      date: null,
      title: null,
      mime: 'text/plain',
      charset: 'utf-8',
      language: null,
      text: 'a\nb',
    });
    expect(parseRecord('html', Buffer.from(PAGE))).toMatchObject({
      kind: 'document',
      text: MAIN,
      title: 'A harbor',
      mime: 'text/html',
    });
    expect(parseRecord('text', Buffer.from(' \n'))).toEqual({ kind: 'other', reason: 'empty' });
    expect(parseRecord('text', Buffer.alloc(100))).toMatchObject({ kind: 'bad', reason: 'encoding' });
  });

  it('a page takes its date from its address where it tells none', () => {
    expect(parseRecord('html', Buffer.from(PAGE), { url: 'https://x/2019/07/31/title' })).toMatchObject({
      date: '2019-07-31',
    });
    expect(parseRecord('html', Buffer.from(PAGE), { url: 'https://x/1999123/77' })).toMatchObject({
      date: null,
    });
  });
});

describe('any bytes', () => {
  it('are parsed without an error in every format', () => {
    const parts = fc.constantFrom(
      'WARC/1.0\r\n',
      'Content-Length: 5\r\n',
      'WARC-Type: response\r\n',
      '\r\n',
      'HTTP/1.1 200 OK\r\n',
      'Content-Encoding: br\r\n',
      'Transfer-Encoding: chunked\r\n',
      '5\r\n',
      '<p',
      '>',
      '"',
      '&#x',
      '<!--',
      '{"text":',
      '\u0000',
      'ÿ',
    );
    const bytes = fc
      .array(
        fc.oneof(
          parts.map((part) => Buffer.from(part, 'latin1')),
          fc.uint8Array({ maxLength: 20 }),
        ),
        { maxLength: 30 },
      )
      .map((list) => Buffer.concat(list));
    fc.assert(
      fc.property(
        fc.constantFrom<Format>('warc', 'wet', 'wat', 'jsonl', 'text', 'html'),
        bytes,
        (format, input) => {
          expect(['document', 'other', 'bad']).toContain(parseRecord(format, input).kind);
        },
      ),
      { numRuns: 500 },
    );
  });
});
