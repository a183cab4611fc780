/** Damaged sources: what is readable comes out, what is not is reported with its place, reading goes on behind it. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { checkResumeAndReread, cutAll, outline, sourceOf } from '../../support/cutting.js';
import { warcRecord } from '../../support/warc.js';

const A = warcRecord('first text');
const B = warcRecord('second, a little longer text');
const C = warcRecord('third');

function noise(length: number, seed = 1): Buffer {
  const random = new Random(seed);
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

async function outlineOf(bytes: Uint8Array, name?: string, limits = {}): Promise<string[]> {
  const source = await sourceOf(bytes, name);
  expect(await checkResumeAndReread(source, { limits })).toEqual([]);
  return outline(await cutAll(source, { limits }));
}

describe('a plain WARC', () => {
  it('that breaks off in a block', async () => {
    const all = Buffer.concat([A, B]);
    const end = all.length - 10;
    expect(await outlineOf(all.subarray(0, end))).toEqual([
      `record file 0+${A.length}`,
      `truncated file ${A.length}+${end - A.length}`,
    ]);
  });

  it('that breaks off in a header', async () => {
    expect(await outlineOf(Buffer.concat([A, B.subarray(0, 40)]))).toEqual([
      `record file 0+${A.length}`,
      `truncated file ${A.length}+40`,
    ]);
  });

  it('that ends with the block still is whole', async () => {
    expect(await outlineOf(B.subarray(0, B.length - 4))).toEqual([`record file 0+${B.length - 4}`]);
  });

  it('with garbage before, between and behind records', async () => {
    const garbage = Buffer.from('this is no record\n'.repeat(50_000));
    const g = garbage.length;
    expect(await outlineOf(Buffer.concat([A, garbage, B, garbage]))).toEqual([
      `record file 0+${A.length}`,
      `garbage file ${A.length}+${g}`,
      `record file ${A.length + g}+${B.length}`,
      `garbage file ${A.length + g + B.length}+${g}`,
    ]);
  });

  it('with a Content-Length that is too small: the record is bad up to the next one', async () => {
    const wrong = warcRecord('a text of some length', { contentLength: 6 });
    expect(await outlineOf(Buffer.concat([A, wrong, C]))).toEqual([
      `record file 0+${A.length}`,
      `length file ${A.length}+${wrong.length}`,
      `record file ${A.length + wrong.length}+${C.length}`,
    ]);
  });

  it('with a Content-Length that is too large: the record does not swallow the next ones', async () => {
    const wrong = warcRecord('text', { contentLength: 300 });
    expect(await outlineOf(Buffer.concat([A, wrong, B, C, C, C]))).toEqual([
      `record file 0+${A.length}`,
      `length file ${A.length}+${wrong.length}`,
      ...[B, C, C, C].map(
        (record, index) =>
          `record file ${A.length + wrong.length + (index > 0 ? B.length : 0) + Math.max(0, index - 1) * C.length}+${record.length}`,
      ),
    ]);
  });

  it('with a Content-Length beyond the limit and the end: the records behind it are found', async () => {
    const wrong = warcRecord('text', { contentLength: 999_999_999 });
    expect(await outlineOf(Buffer.concat([A, wrong, B, C]))).toEqual([
      `record file 0+${A.length}`,
      `length file ${A.length}+${wrong.length}`,
      `record file ${A.length + wrong.length}+${B.length}`,
      `record file ${A.length + wrong.length + B.length}+${C.length}`,
    ]);
  });

  it('with a header without Content-Length, or with a senseless one', async () => {
    for (const contentLength of [null, '-5', 'many', '99999999999999999999']) {
      const wrong = warcRecord('text', { contentLength });
      expect(await outlineOf(Buffer.concat([wrong, C]))).toEqual([
        `header file 0+${wrong.length}`,
        `record file ${wrong.length}+${C.length}`,
      ]);
    }
  });

  it('with a header that does not end', async () => {
    const endless = Buffer.from(`WARC/1.0\r\n${'X-Field: value\r\n'.repeat(6000)}`);
    expect(await outlineOf(Buffer.concat([endless, C]))).toEqual([
      `header file 0+${endless.length}`,
      `record file ${endless.length}+${C.length}`,
    ]);
  });

  it('with a record above the limit: it is passed, not held', async () => {
    const large = warcRecord('x'.repeat(3_000_000));
    expect(await outlineOf(Buffer.concat([A, large, C]), undefined, { recordBytes: 1_000_000 })).toEqual([
      `record file 0+${A.length}`,
      `too-large file ${A.length}+${large.length}`,
      `record file ${A.length + large.length}+${C.length}`,
    ]);
  });

  it('with a record above the limit that holds a WARC: its length is right, so it is one record', async () => {
    const large = warcRecord(Buffer.concat([B, Buffer.alloc(500_000, 0x61), B]));
    expect(await outlineOf(Buffer.concat([large, C]), undefined, { recordBytes: 100_000 })).toEqual([
      `too-large file 0+${large.length}`,
      `record file ${large.length}+${C.length}`,
    ]);
  });
});

describe('a compressed WARC', () => {
  const [a, b, c] = [A, B, C].map((record) => gzipSync(record));

  it('that breaks off anywhere in its last member', async () => {
    for (const missing of [1, 8, 9, 20, c.length - 20, c.length - 11, c.length - 5, c.length - 1]) {
      const cut = Buffer.concat([a, b, c]).subarray(0, -missing);
      const lines = await outlineOf(cut);
      expect(lines.slice(0, 2)).toEqual([`record file 0+${a.length}`, `record file ${a.length}+${b.length}`]);
      expect(lines.at(-1)).toBe(`truncated file ${a.length + b.length}+${c.length - missing}`);
      // Only the trailer is missing: the record is whole, and so delivered, but not verified.
      if (missing !== 9) expect(lines.length).toBe(missing <= 8 ? 4 : 3);
    }
  });

  it('with a member in which bytes were changed', async () => {
    const wrong = Buffer.from(b);
    wrong.fill(0xff, 20, 30);
    expect(await outlineOf(Buffer.concat([a, wrong, c]))).toEqual([
      `record file 0+${a.length}`,
      `garbage file ${a.length}+${b.length}`,
      `record file ${a.length + b.length}+${c.length}`,
    ]);
  });

  it('with a member whose checksum or size is wrong', async () => {
    for (const place of [8, 4]) {
      const wrong = Buffer.from(b);
      wrong[wrong.length - place] ^= 1;
      expect(await outlineOf(Buffer.concat([a, wrong, c]))).toEqual([
        `record file 0+${a.length}`,
        `checksum file ${a.length}+${b.length}`,
        `record file ${a.length + b.length}+${c.length}`,
      ]);
    }
  });

  it('with garbage between members', async () => {
    const garbage = noise(100_000);
    expect(await outlineOf(Buffer.concat([a, garbage, c]))).toEqual([
      `record file 0+${a.length}`,
      `garbage file ${a.length}+${garbage.length}`,
      `record file ${a.length + garbage.length}+${c.length}`,
    ]);
  });

  it('with garbage in which a magic number lies', async () => {
    const garbage = Buffer.concat([
      noise(500),
      Buffer.from([0x1f, 0x8b, 8]),
      noise(500, 2),
      gzipSync('no record'),
      noise(10, 3),
    ]);
    expect(await outlineOf(Buffer.concat([a, garbage, c]))).toEqual([
      `record file 0+${a.length}`,
      `garbage file ${a.length}+${garbage.length}`,
      `record file ${a.length + garbage.length}+${c.length}`,
    ]);
  });

  it('with a member that was cut short before the next', async () => {
    const short = b.subarray(0, b.length - 15);
    expect(await outlineOf(Buffer.concat([a, short, c]))).toEqual([
      `record file 0+${a.length}`,
      expect.stringMatching(`^(garbage|checksum) file ${a.length}\\+${short.length}$`),
      `record file ${a.length + short.length}+${c.length}`,
    ]);
  });

  it('whose beginning is lost is still known by its name', async () => {
    const garbage = noise(3000);
    expect(await outlineOf(Buffer.concat([garbage, a, c]), 'x.warc.gz')).toEqual([
      `garbage file 0+${garbage.length}`,
      `record file ${garbage.length}+${a.length}`,
      `record file ${garbage.length + a.length}+${c.length}`,
    ]);
  });

  it('with a length in the header of a member that runs over all others', async () => {
    const wrong = Buffer.from(b);
    wrong[3] = 4;
    expect(await outlineOf(Buffer.concat([a, wrong, c, c]))).toEqual([
      `record file 0+${a.length}`,
      `garbage file ${a.length}+${b.length}`,
      `record file ${a.length + b.length}+${c.length}`,
      `record file ${a.length + b.length + c.length}+${c.length}`,
    ]);
    expect((await outlineOf(Buffer.concat([wrong, c])))[1]).toBe(`record file ${b.length}+${c.length}`);
  });

  it('in one member that breaks off gives all records before', async () => {
    // Random text hardly compresses, so that the break is far behind the first records.
    const records = Array.from({ length: 16 }, () => warcRecord(randomBytes(50_000).toString('base64')));
    const whole = gzipSync(Buffer.concat(records));
    const lines = await outlineOf(whole.subarray(0, whole.length / 2));
    expect(lines.slice(0, -1)).toEqual(
      records
        .slice(0, lines.length - 1)
        .map((record, index) => `record content ${index * record.length}+${record.length}`),
    );
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.at(-1)).toMatch(
      new RegExp(`^truncated content ${(lines.length - 1) * records[0].length}\\+\\d+$`),
    );
  });

  it('of large members, one of them damaged: places behind it do not depend on where reading began', async () => {
    // More than is held back for its checksum, so that content before the damage is delivered.
    const member = (n: number): Buffer =>
      gzipSync(
        Buffer.concat(Array.from({ length: n }, (_, i) => warcRecord(noise(200_000, i).toString('base64')))),
      );
    const whole = member(20);
    const wrong = Buffer.concat([whole.subarray(0, 3_500_000), whole.subarray(3_501_000)]);
    const source = await sourceOf(Buffer.concat([member(2), wrong, member(3)]));
    const lines = outline(await cutAll(source));
    expect(lines.filter((line) => !line.startsWith('record')).length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.startsWith('record')).length).toBeGreaterThan(2 + 15 + 3);
    expect(await checkResumeAndReread(source, {}, 7)).toEqual([]);
  });

  it(
    'damaged at random places: everything is accounted for, and resuming changes nothing',
    { timeout: 60_000 },
    async () => {
      const records = Array.from({ length: 12 }, (_, index) =>
        gzipSync(warcRecord(`text ${index} `.repeat(index * 5 + 1))),
      );
      const whole = Buffer.concat(records);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          async (changes) => {
            const bytes = Buffer.from(whole);
            for (const [place, value] of changes) bytes[place] = value;
            const source = await sourceOf(bytes, 'x.warc.gz');
            const cut = await cutAll(source);
            expect(await checkResumeAndReread(source)).toEqual([]);
            // Each change costs at most the member that it is in and, where it makes a boundary unreadable, the next.
            expect(cut.filter(({ kind }) => kind === 'record').length).toBeGreaterThanOrEqual(
              records.length - 2 * changes.length,
            );
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});
