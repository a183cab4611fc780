/** CSV against what Python's csv module makes of the same bytes, and rows worked by hand. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsvRow, sniffCsv } from '../../../src/ingest/formats/csv.js';
import { detectLayout } from '../../../src/ingest/formats/detect.js';
import { parseRecord } from '../../../src/ingest/formats/parse.js';
import type { FieldNames } from '../../../src/ingest/records.js';
import { checkResumeAndReread, cutAll, outline, sourceOf } from '../../support/cutting.js';

/** Cuts and parses as an ingest does. */
async function read(bytes: Uint8Array | string, name = 'a.csv', fields?: FieldNames): Promise<unknown[]> {
  const source = await sourceOf(bytes, name);
  const layout = await detectLayout(source, { fields });
  return (await cutAll(source, layout)).map((record) => {
    if (record.kind === 'bad') return record.reason;
    const parsed = parseRecord(layout.format, record.bytes, layout);
    return parsed.kind === 'document' ? parsed.text : parsed.reason;
  });
}

describe('a row of CSV', () => {
  // The right-hand sides are what csv.reader of Python 3.11 gives.
  it.each([
    ['a,b,c\n', ['a', 'b', 'c']],
    ['a,,\r\n', ['a', '', '']],
    ['"a,b","c ""quoted"" d"', ['a,b', 'c "quoted" d']],
    ['"two\nlines",x', ['two\nlines', 'x']],
    ['5" disk,"x"', ['5" disk', 'x']],
    ['"a"b,c', ['ab', 'c']],
    ['"a"b"c,d', ['ab"c', 'd']],
    ['""', ['']],
    ['""""', ['"']],
    ['"not closed, at all', ['not closed, at all']],
    [' "a",b', [' "a"', 'b']],
  ])('%j', (row, fields) => {
    expect(parseCsvRow(row, ',')).toEqual(fields);
  });

  it('comes out as it went in', () => {
    const field = fc
      .array(fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é'), { maxLength: 8 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(',', '\t', ';'),
        (row, by) => {
          const line = row.map((value) => `"${value.replaceAll('"', '""')}"`).join(by);
          expect(parseCsvRow(`${line}\r\n`, by)).toEqual(row);
        },
      ),
    );
  });
});

describe('CSV files', () => {
  it('have a record a row, over several lines where a field is quoted, with its place in the file', async () => {
    const rows = ['id,text\n', '1,"a\nb"\n', '\n', '2,c\r\n', '3,"d, ""e"""'];
    const source = await sourceOf(rows.join(''), 'a.csv');
    expect(outline(await cutAll(source))).toEqual([
      'record file 8+8',
      'record file 17+5',
      'record file 22+12',
    ]);
    expect(await read(rows.join(''))).toEqual(['a\nb', 'c', 'd, "e"']);
    expect(await checkResumeAndReread(source)).toEqual([]);
    const packed = await sourceOf(gzipSync(rows.join('')), 'a.csv.gz');
    expect(outline(await cutAll(packed))).toEqual([
      'record content 8+8',
      'record content 17+5',
      'record content 22+12',
    ]);
    expect(await checkResumeAndReread(packed)).toEqual([]);
  });

  it('are read from any row again, whatever is in their fields and wherever members end', async () => {
    const field = fc
      .array(fc.constantFrom('a', '"', ',', '\n', '\r\n', ' '), { maxLength: 6 })
      .map((parts) => `"${parts.join('').replaceAll('"', '""')}"`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { maxLength: 6 }),
        fc.nat(80),
        async (rows, split) => {
          const lines = rows.map((row) => `${row.join(',')}\n`);
          const bytes = Buffer.from(['id,text\n', ...lines].join(''));
          const at = Math.min(split, bytes.length);
          const source = await sourceOf(
            Buffer.concat([gzipSync(bytes.subarray(0, at)), gzipSync(bytes.subarray(at))]),
            'a.csv',
          );
          const records = await cutAll(source);
          expect(
            records.map((record) => record.kind === 'record' && Buffer.from(record.bytes).toString()),
          ).toEqual(lines);
          expect(await checkResumeAndReread(source)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('give up only the line of a quote that is never closed', async () => {
    const text = `id,text\n1,"open\n2,two\n3,${'x'.repeat(90)}\n`;
    const source = await sourceOf(text, 'a.csv');
    const options = { limits: { lineBytes: 60 } };
    const records = await cutAll(source, options);
    expect(outline(records)).toEqual(['too-large file 8+8', 'record file 16+6', 'too-large file 22+93']);
    expect(await checkResumeAndReread(source, options)).toEqual([]);
  });

  it('tell rows that do not fit the header', async () => {
    expect(await read('id,text\n1,a,b\n2\n3,c\n')).toEqual(['csv', 'no-text', 'c']);
  });

  it('use the columns that a person names', async () => {
    const text = 'key,body,link\n1,hello,http://x/\n';
    expect(await read(text)).toEqual(['no-text']);
    expect(await read(text, 'a.csv', { text: 'body' })).toEqual(['hello']);
    const layout = { fields: { text: 'body', id: 'key', url: 'link' }, csv: sniffCsv(Buffer.from(text)) };
    expect(parseRecord('csv', Buffer.from('1,hello,http://x/\n'), layout)).toMatchObject({
      id: '1',
      url: 'http://x/',
      text: 'hello',
    });
  });

  it.each([
    [',', 'id,text\n1,"a;b;c"\n2,d\n'],
    ['\t', 'id\ttext\n1\ta, b, c\n'],
    [';', 'id;text;n\n1;a,b;2\n'],
    ['|', 'id|text\n1|a\n'],
    [',', 'text\na\nb\n'],
    [',', '\uFEFFid,text\n1,a\n'],
  ])('with the delimiter %j', (delimiter, text) => {
    const dialect = sniffCsv(Buffer.from(text));
    expect(dialect.delimiter).toBe(delimiter);
    expect(dialect.columns).toContain('text');
    expect(dialect.columns[0]).toMatch(/^(id|text)$/);
  });

  it.each([
    ['csv', 'id,text\n1,a\n'],
    ['csv', 'url\ttext\nhttp://x/\ta\n'],
    ['text', 'some text, and more\nof it, too\n'],
    ['text', 'id,name\n1,a\n'],
    ['text', 'text,id\n'],
    ['text', 'a text, with words\nnone\n'],
  ])('are known by their content where the name says nothing: %s: %j', async (format, text) => {
    expect((await detectLayout(await sourceOf(text, 'data'))).format).toBe(format);
  });
});
