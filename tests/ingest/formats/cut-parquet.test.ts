/** Parquet files: rows of a file that pyarrow wrote, their places, and what is no Parquet. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { detectLayout } from '../../../src/ingest/formats/detect.js';
import { parseRecord } from '../../../src/ingest/formats/parse.js';
import { gzipSync } from 'node:zlib';
import { checkResumeAndReread, cutAll, outline, sourceOf } from '../../support/cutting.js';

const FILE = readFileSync(new URL('parquet/pyarrow-zstd.parquet', import.meta.url));

/** Offset of the texts of its second row group, out of pyarrow's metadata. */
const TEXTS_OF_SECOND_GROUP = 1309;

describe('Parquet', () => {
  it('is told by its content, whatever it is called', async () => {
    expect(await detectLayout(await sourceOf(FILE, 'rows.bin'))).toEqual({ format: 'parquet' });
    expect(await detectLayout(await sourceOf('PAR is a word', 'text'))).toEqual({ format: 'text' });
  });

  it('has a record a row, of the columns that a document is made of', async () => {
    const records = await cutAll(await sourceOf(FILE, 'rows.parquet'));
    expect(outline(records)).toEqual(Array.from({ length: 50 }, (_, i) => `record row ${i}+1`));
    const parsed = records.map((record) =>
      parseRecord('parquet', record.kind === 'record' ? record.bytes : Buffer.alloc(0)),
    );
    expect(parsed[41]).toEqual({
      kind: 'document',
      id: 'doc-41',
      url: 'https://example.org/41',
      text: 'The text of row 41, with "quotes" and é.',
      language: 'en',
      charset: 'utf-8',
      date: null,
      title: null,
      mime: null,
    });
    expect(parsed[7]).toMatchObject({ kind: 'bad', reason: 'no-text' });
    expect(parsed.filter(({ kind }) => kind === 'document')).toHaveLength(49);
  });

  it('goes on from each row, and reads each again', async () => {
    // DuckDB takes paths for patterns; this one has every special character of them.
    const source = await sourceOf(FILE, 'a[1]*?.parquet');
    expect(await checkResumeAndReread(source, {}, 7)).toEqual([]);
  });

  it('that breaks off, or has damage in a row group, is reported, and the other groups are read', async () => {
    const cut = await cutAll(await sourceOf(FILE.subarray(0, FILE.length - 100), 'cut.parquet'));
    expect(outline(cut)).toEqual(['garbage row 0+1']);
    const changed = Buffer.from(FILE);
    changed.fill(0xff, TEXTS_OF_SECOND_GROUP, TEXTS_OF_SECOND_GROUP + 100);
    const damaged = await cutAll(await sourceOf(changed, 'damaged.parquet'));
    expect(outline(damaged)).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `record row ${i}+1`),
      'garbage row 20+20',
      ...Array.from({ length: 10 }, (_, i) => `record row ${40 + i}+1`),
    ]);
  });

  it('with a row above the limit: that one is bad, those after it are read', async () => {
    const source = await sourceOf(FILE, 'rows.parquet');
    const longest = Math.max(
      ...(await cutAll(source)).map((r) => (r.kind === 'record' ? r.bytes.length : 0)),
    );
    const records = await cutAll(source, { limits: { lineBytes: longest - 1 } });
    // Rows of one digit are shorter by that digit in id, url, text and n.
    expect(outline(records).slice(0, 11)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `record row ${i}+1`),
      'too-large row 10+1',
    ]);
  });

  it('inside another compression gives the same rows', async () => {
    const source = await sourceOf(gzipSync(FILE), 'rows.parquet.gz');
    const bytes = async (input: typeof source): Promise<unknown[]> =>
      (await cutAll(input)).map((record) => record.kind === 'record' && Buffer.from(record.bytes).toString());
    expect(await bytes(source)).toEqual(await bytes(await sourceOf(FILE, 'rows.parquet')));
  });
});
