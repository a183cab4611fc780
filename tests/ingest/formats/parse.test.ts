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

  it('a response with several fields for robots, of which one is for a certain one', () => {
    const status = 'HTTP/1.1 200 OK\r\nX-Robots-Tag: otherbot: noindex\r\nx-robots-tag: nofollow';
    const fields = { 'Content-Type': 'text/html', 'X-Robots-Tag': 'noarchive' };
    const parsed = parseRecord('warc', warcResponse('<p>A text', fields, status));
    expect(parsed).toMatchObject({ kind: 'document', page: { robots: 'noarchive, nofollow' } });
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

  it('the digest of a block is verified, in base 32 and hexadecimal', () => {
    // sha1sum and Python's base64.b32encode of "A text".
    const hex = 'd7a39fea42fad3e2e6168a1033464af7a97d7b78';
    const base = '26RZ72SC7LJ6FZQWRIIDGRSK66UX263Y';
    const parse = (digest: string, fields: Record<string, string> = {}): unknown =>
      parseRecord('wet', warcRecord('A text', { fields: { 'WARC-Block-Digest': digest, ...fields } }));
    for (const right of [
      `sha1:${base}`,
      `sha1:${base.toLowerCase()}`,
      `SHA-1:${hex}`,
      'blake3:unknown',
      'sha1:short',
    ]) {
      expect(parse(right)).toMatchObject({ kind: 'document', text: 'A text' });
    }
    const wrong = `sha1:${base.replace(/^./, 'X')}`;
    expect(parse(wrong)).toMatchObject({ kind: 'bad', reason: 'digest' });
    // What was cut short has the digest of the whole.
    expect(parse(wrong, { 'WARC-Truncated': 'length' })).toMatchObject({ kind: 'document' });
  });

  it('the digest of a payload is verified where it is the block, and not of a coded body', () => {
    const fields = { 'WARC-Payload-Digest': `sha1:${'A'.repeat(32)}` };
    expect(parseRecord('wet', warcRecord('A text', { fields }))).toMatchObject({ reason: 'digest' });
    const http = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${PAGE}`);
    expect(parseRecord('warc', warcRecord(http, { type: 'response', fields }))).toMatchObject({
      kind: 'document',
      payloadDigest: fields['WARC-Payload-Digest'],
    });
  });

  it('segments of a record are reported, each', () => {
    const first = { 'WARC-Segment-Number': '1' };
    const next = { 'WARC-Segment-Number': '2', 'WARC-Segment-Origin-ID': '<urn:uuid:1>' };
    const record = warcRecord('the first half', { type: 'resource', fields: first });
    expect(parseRecord('warc', record)).toEqual({ kind: 'other', reason: 'segment' });
    expect(parseRecord('warc', warcRecord('the rest', { type: 'continuation', fields: next }))).toEqual({
      kind: 'other',
      reason: 'continuation',
    });
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

  it('with the fields that a person names, at the end of a path or with dots in their names', () => {
    const named = (line: string, fields: Record<string, string>): unknown =>
      parseRecord('jsonl', Buffer.from(line), { fields });
    const fields = { text: 'page.body', url: 'meta.links.self', id: 'a.b' };
    expect(
      named('{"text":"no","page":{"body":"yes"},"meta":{"links":{"self":"u"}},"a.b":5,"a":{"b":6}}', fields),
    ).toMatchObject({ kind: 'document', text: 'yes', url: 'u', id: '5' });
    // No default stands in for a field that was named.
    expect(named('{"text":"no","url":"u","page":"x"}', fields)).toMatchObject({
      kind: 'bad',
      reason: 'no-text',
      detail: 'none of page.body is a string that is not blank',
    });
    expect(named('{"text":"yes","url":"u"}', { url: 'link' })).toMatchObject({ text: 'yes', url: null });
    expect(named('{"text":"yes"}', { id: 'constructor.name' })).not.toHaveProperty('id');
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
  it.each([
    ['# A *heading* #\n\ntext', 'A *heading*'],
    ['---\ntitle: "In front"\n---\ntext', 'In front'],
    ['text\n# Later\n', 'Later'],
    ['## Second level', null],
    ['title: none\n', null],
  ])('Markdown is taken as it is, with the title of %j', (text, title) => {
    expect(parseRecord('markdown', Buffer.from(text))).toMatchObject({ text, title, mime: 'text/markdown' });
  });

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
