import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkResumeAndReread, cutAll, outline, sourceOf, summary } from '../../support/cutting.js';

const cut = async (bytes: Uint8Array | string, limits = {}): Promise<Record<string, unknown>[]> =>
  (await cutAll(await sourceOf(bytes), { format: 'jsonl', limits })).map(summary);

describe('JSONL', () => {
  it('has a record a line, the line feed included; blank lines are none', async () => {
    const records = await cut('{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}');
    expect(records).toEqual([
      {
        kind: 'record',
        space: 'file',
        offset: 0,
        length: 8,
        text: '{"a":1}\n',
        next: { space: 'file', offset: 8 },
      },
      {
        kind: 'record',
        space: 'file',
        offset: 13,
        length: 9,
        text: '{"b":2}\r\n',
        next: { space: 'file', offset: 22 },
      },
      {
        kind: 'record',
        space: 'file',
        offset: 22,
        length: 7,
        text: '{"c":3}',
        next: { space: 'file', offset: 29 },
      },
    ]);
  });

  it('reports a line above the limit and goes on behind it', async () => {
    const long = `{"text":"${'x'.repeat(700_000)}"}\n`;
    const all = `{"a":1}\n${long}{"b":2}\n`;
    const source = await sourceOf(all);
    const options = { format: 'jsonl', limits: { lineBytes: 600_000 } } as const;
    expect(outline(await cutAll(source, options))).toEqual([
      'record file 0+8',
      `too-large file 8+${long.length}`,
      `record file ${8 + long.length}+8`,
    ]);
    expect(await checkResumeAndReread(source, options)).toEqual([]);
  });

  it('takes a line of exactly the limit', async () => {
    expect((await cut('{"a":1}\n{"b":22}\n', { lineBytes: 8 })).map(({ kind }) => kind)).toEqual([
      'record',
      'bad',
    ]);
  });

  it('compressed as a whole has records in the content, and a member with one line is a range of the file', async () => {
    const [one, two] = [gzipSync('{"a":1}\n{"b":2}\n'), gzipSync('{"c":3}\n')];
    const source = await sourceOf(Buffer.concat([one, two]));
    const records = await cutAll(source, { format: 'jsonl' });
    expect(outline(records)).toEqual([
      'record content 0+8',
      'record content 8+8',
      `record file ${one.length}+${two.length}`,
    ]);
    expect(records[1].next).toEqual({ space: 'file', offset: one.length });
    expect(await checkResumeAndReread(source, { format: 'jsonl' })).toEqual([]);
  });

  it('that breaks off in a gzip member gives the lines before', async () => {
    const lines = Array.from(
      { length: 2000 },
      (_, index) => `{"n":${index},"m":${(index * 7919) % 104_729}}\n`,
    );
    const whole = gzipSync(lines.join(''));
    const records = await cutAll(await sourceOf(whole.subarray(0, whole.length - 2000)), { format: 'jsonl' });
    expect(records.length).toBeGreaterThan(1000);
    expect(records.slice(0, -1).map((record) => summary(record)['text'])).toEqual(
      lines.slice(0, records.length - 1),
    );
    expect(records.at(-1)).toMatchObject({
      kind: 'bad',
      reason: 'truncated',
      next: { space: 'file', offset: whole.length - 2000 },
    });
  });

  it('comes out as it went in, from every place and again', async () => {
    const line = fc
      .array(fc.constantFrom('a', '"', '{', '}', ' ', '\r', 'é', '\u2028'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.nat(200),
        fc.boolean(),
        async (lines, split, compress) => {
          const text = Buffer.from(lines.map((entry) => `${entry}\n`).join(''));
          const at = Math.min(split, text.length);
          const source = await sourceOf(
            compress ? Buffer.concat([gzipSync(text.subarray(0, at)), gzipSync(text.subarray(at))]) : text,
          );
          const records = await cutAll(source, { format: 'jsonl' });
          expect(
            records.map((record) => record.kind === 'record' && Buffer.from(record.bytes).toString()),
          ).toEqual(lines.filter((entry) => /[^ \r]/.test(entry)).map((entry) => `${entry}\n`));
          expect(await checkResumeAndReread(source, { format: 'jsonl' })).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('text and HTML files', () => {
  it('are one record each, compressed or not', async () => {
    const text = 'one\n\ntwo\n';
    expect(outline(await cutAll(await sourceOf(text, 'a.txt')))).toEqual(['record file 0+9']);
    const packed = gzipSync(text);
    const source = await sourceOf(packed, 'a.txt.gz');
    expect((await cutAll(source)).map(summary)).toEqual([
      {
        kind: 'record',
        space: 'file',
        offset: 0,
        length: packed.length,
        text,
        next: { space: 'file', offset: packed.length },
      },
    ]);
    expect(await checkResumeAndReread(source)).toEqual([]);
    expect(await cutAll(await sourceOf('', 'a.txt'))).toEqual([]);
  });

  it('are bad above the limit, and where they break off', async () => {
    expect(
      outline(await cutAll(await sourceOf('x'.repeat(1001), 'a.txt'), { limits: { fileBytes: 1000 } })),
    ).toEqual(['too-large file 0+1001']);
    expect(
      outline(await cutAll(await sourceOf('x'.repeat(1000), 'a.txt'), { limits: { fileBytes: 1000 } })),
    ).toEqual(['record file 0+1000']);
    const packed = gzipSync('some text '.repeat(1000));
    expect(outline(await cutAll(await sourceOf(packed.subarray(0, -5), 'a.txt.gz')))).toEqual([
      `truncated file 0+${packed.length - 5}`,
    ]);
  });
});
