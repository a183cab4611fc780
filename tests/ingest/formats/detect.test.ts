import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { detectLayout } from '../../../src/ingest/formats/detect.js';
import { sourceOf } from '../../support/cutting.js';
import { gzipRecords, warcRecord, warcResponse } from '../../support/warc.js';

const INFO = warcRecord('software: x', { type: 'warcinfo', contentType: 'application/warc-fields' });
const WET = warcRecord('text');
const WAT = warcRecord('{}', { type: 'metadata', contentType: 'application/json' });

const detect = async (bytes: Uint8Array | string, name = 'data'): Promise<string> =>
  (await detectLayout(await sourceOf(bytes, name))).format;

describe('detectLayout', () => {
  it.each([
    ['warc', Buffer.concat([INFO, warcResponse('x')])],
    ['wet', Buffer.concat([INFO, WET])],
    ['wat', Buffer.concat([INFO, WAT])],
    ['warc', Buffer.concat([INFO, warcResponse('x'), WAT])],
    ['warc', INFO],
    ['jsonl', '{"text": "x"}\n'],
    ['jsonl', '\uFEFF \n{ "text": "x"}\n'],
    ['jsonl', '{}'],
    ['html', '<!DOCTYPE html><p>x'],
    ['html', '\n<!-- a comment --> <HTML lang="en">'],
    ['html', '<?xml version="1.0"?>\n<!doctype html>'],
    ['text', 'Once upon a time'],
    ['text', '{a set}'],
    ['text', '<p>a fragment'],
    ['text', ''],
  ])('knows %s by its content, compressed or not', async (format, bytes) => {
    expect(await detect(bytes)).toBe(format);
    expect(await detect(gzipSync(bytes))).toBe(format);
  });

  it('looks over members, because the first holds only warcinfo', async () => {
    expect(await detect(gzipRecords([INFO, WET]))).toBe('wet');
  });

  it('believes the content, not the name', async () => {
    expect(await detect(WET, 'x.html')).toBe('wet');
    expect(await detect(gzipSync('{"text": 1}'), 'x.txt')).toBe('jsonl');
    expect(await detect('{"text": 1}', 'x.jsonl.gz')).toBe('jsonl');
  });

  it('asks the name where the content leaves it open', async () => {
    expect(await detect('<p>a fragment', 'x.html')).toBe('html');
    expect(await detect('not json', 'x.jsonl.gz')).toBe('jsonl');
    expect(await detect(INFO, 'x.warc.wet.gz')).toBe('wet');
    expect(await detect('damaged', 'x.warc')).toBe('warc');
    expect(await detect('x', 'x.md')).toBe('markdown');
    expect(await detect('a,b', 'x.tsv.bz2')).toBe('csv');
    expect(await detect('x', 'x.txt')).toBe('text');
  });
});
