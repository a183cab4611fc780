import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentWindow } from '../../../src/ingest/containers/content-window.js';
import type { Piece } from '../../../src/ingest/containers/pieces.js';
import { cutWarc } from '../../../src/ingest/formats/cut-warc.js';
import { CUT_LIMITS } from '../../../src/ingest/formats/limits.js';
import { checkResumeAndReread, cutAll, outline, sourceOf, summary } from '../../support/cutting.js';
import { gzipRecords, warcRecord } from '../../support/warc.js';

const A = warcRecord('first text');
const B = warcRecord('second, a little longer text', { version: '1.1' });
const C = warcRecord('third');

describe('a plain WARC', () => {
  it('is cut at its records, each a range of the file', async () => {
    const records = await cutAll(await sourceOf(Buffer.concat([A, B, C])));
    expect(records.map(summary)).toEqual([
      {
        kind: 'record',
        space: 'file',
        offset: 0,
        length: A.length,
        text: A.toString('latin1'),
        next: { space: 'file', offset: A.length },
      },
      {
        kind: 'record',
        space: 'file',
        offset: A.length,
        length: B.length,
        text: B.toString('latin1'),
        next: { space: 'file', offset: A.length + B.length },
      },
      {
        kind: 'record',
        space: 'file',
        offset: A.length + B.length,
        length: C.length,
        text: C.toString('latin1'),
        next: { space: 'file', offset: A.length + B.length + C.length },
      },
    ]);
  });

  it('may end its lines with line feeds only, and lack the line ends behind a record', async () => {
    const first = warcRecord('text', { lineEnd: '\n' });
    const second = warcRecord('text', { tail: '' });
    const last = warcRecord('text', { tail: '' });
    const records = await cutAll(await sourceOf(Buffer.concat([first, second, last])));
    expect(outline(records)).toEqual([
      `record file 0+${first.length}`,
      `record file ${first.length}+${second.length}`,
      `record file ${first.length + second.length}+${last.length}`,
    ]);
  });

  it('may have more empty lines between records; they belong to none beyond a few', async () => {
    const gap = Buffer.from('\r\n'.repeat(100));
    const records = await cutAll(await sourceOf(Buffer.concat([gap, A, gap, B])));
    expect(outline(records)).toEqual([
      `record file 200+${A.length + 16}`,
      `record file ${400 + A.length}+${B.length}`,
    ]);
  });

  it('may hold a WARC as the block of a record', async () => {
    const outer = warcRecord(Buffer.concat([A, B]), { type: 'resource', contentType: 'application/warc' });
    expect(outline(await cutAll(await sourceOf(Buffer.concat([outer, C]))))).toEqual([
      `record file 0+${outer.length}`,
      `record file ${outer.length}+${C.length}`,
    ]);
  });

  it('is nothing when it is empty', async () => {
    expect(await cutAll(await sourceOf('', 'empty.warc'))).toEqual([]);
    expect(await cutAll(await sourceOf('', 'empty.warc.gz'))).toEqual([]);
    expect(await cutAll(await sourceOf(gzipSync(''), 'empty.warc.gz'))).toEqual([]);
  });
});

describe('a compressed WARC', () => {
  it('with a member a record has records that are ranges of the file', async () => {
    const members = [A, B, C].map((record) => gzipSync(record));
    const records = await cutAll(await sourceOf(Buffer.concat(members)));
    expect(outline(records)).toEqual([
      `record file 0+${members[0].length}`,
      `record file ${members[0].length}+${members[1].length}`,
      `record file ${members[0].length + members[1].length}+${members[2].length}`,
    ]);
    expect(
      records.map(
        (record) =>
          record.kind === 'record' && Buffer.from(record.bytes).equals([A, B, C][records.indexOf(record)]),
      ),
    ).toEqual([true, true, true]);
  });

  it('in one member has records that are ranges of the content', async () => {
    const records = await cutAll(await sourceOf(gzipSync(Buffer.concat([A, B, C]))));
    expect(outline(records)).toEqual([
      `record content 0+${A.length}`,
      `record content ${A.length}+${B.length}`,
      `record content ${A.length + B.length}+${C.length}`,
    ]);
    expect(records.map(({ next }) => next)).toEqual([
      { space: 'content', offset: A.length },
      { space: 'content', offset: A.length + B.length },
      { space: 'file', offset: gzipSync(Buffer.concat([A, B, C])).length },
    ]);
  });

  it('may spread a record over members: then it is the run of them', async () => {
    const all = Buffer.concat([A, B]);
    const members = [all.subarray(0, 50), all.subarray(50, A.length), B].map((part) => gzipSync(part));
    const length = members[0].length + members[1].length;
    expect(outline(await cutAll(await sourceOf(Buffer.concat(members))))).toEqual([
      `record file 0+${length}`,
      `record file ${length}+${members[2].length}`,
    ]);
  });

  it('may have padding of zeros and empty members', async () => {
    const [a, b] = [gzipSync(A), gzipSync(B)];
    const empty = gzipSync('');
    const zeros = Buffer.alloc(512);
    const source = await sourceOf(Buffer.concat([a, zeros, empty, b, zeros]));
    expect(outline(await cutAll(source))).toEqual([
      `record file 0+${a.length}`,
      `record file ${a.length + 512 + empty.length}+${b.length}`,
    ]);
    expect(await checkResumeAndReread(source)).toEqual([]);
  });
});

/** Records with random blocks, cut out of random members or none. */
const blocks = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(A, Buffer.from('\r\n\r\nWARC/1.0\r\n'), Buffer.from('\n\n\n')),
  ),
  { minLength: 1, maxLength: 8 },
);

describe('any records', () => {
  it('come out as they went in, from every place and again, however they are compressed', async () => {
    await fc.assert(
      fc.asyncProperty(
        blocks,
        fc.array(fc.nat(2000), { maxLength: 6 }),
        fc.boolean(),
        async (texts, cuts, compress) => {
          const records = texts.map((block) => warcRecord(block));
          const all = Buffer.concat(records);
          const ends = [...new Set([0, ...cuts.map((cut) => cut % all.length), all.length])].sort(
            (a, b) => a - b,
          );
          const parts = ends.slice(1).map((end, index) => all.subarray(ends[index], end));
          const source = await sourceOf(compress ? gzipRecords(parts) : all);
          const cut = await cutAll(source);
          expect(
            cut.map((record) => record.kind === 'record' && Buffer.from(record.bytes).toString('latin1')),
          ).toEqual(records.map((record) => record.toString('latin1')));
          expect(await checkResumeAndReread(source)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('come out the same however the bytes arrive', async () => {
    const damaged = fc.array(
      fc.oneof(
        fc.constantFrom(
          A,
          B,
          C,
          warcRecord('xx', { contentLength: 9 }),
          warcRecord('x'.repeat(50), { contentLength: 7 }),
          warcRecord('x', { contentLength: null }),
          Buffer.from('\n\nWARC/1.0'),
          Buffer.from('garbage'),
        ),
      ),
      { minLength: 1, maxLength: 8 },
    );
    const cut = async (pieces: readonly Uint8Array[], limits = CUT_LIMITS): Promise<string[]> => {
      async function* arrive(): AsyncGenerator<Piece> {
        for (const bytes of pieces) yield { kind: 'content', bytes };
      }
      const window = new ContentWindow(arrive(), {
        plain: true,
        file: 0,
        contentBefore: () => Promise.resolve(0),
      });
      const records = [];
      for await (const record of cutWarc(window, limits)) records.push(record);
      return outline(records);
    };
    await fc.assert(
      fc.asyncProperty(
        damaged,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(100, 200, 1000),
        async (parts, size, recordBytes) => {
          const all = Buffer.concat(parts);
          const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
            all.subarray(index * size, (index + 1) * size),
          );
          const limits = { ...CUT_LIMITS, recordBytes };
          expect(await cut(pieces, limits)).toEqual(await cut([all], limits));
        },
      ),
      { numRuns: 200 },
    );
  });
});
