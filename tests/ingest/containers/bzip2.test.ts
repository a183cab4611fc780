/** Bzip2 against files of the reference program. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bzip2Pieces } from '../../../src/ingest/containers/bzip2.js';
import { readHead } from '../../../src/ingest/containers/content.js';
import { checkResumeAndReread, cutAll, outline, sourceOf } from '../../support/cutting.js';
import { readerOf, unpackPieces, type Unpacked } from '../../support/containers.js';
import { warcRecord } from '../../support/warc.js';

const TEXT = Buffer.from(
  Array.from({ length: 6000 }, (_, i) => `line ${i} of a text: ${(i * i * 7919) % 1_000_003}\n`).join(''),
);
/** Where the first stream of `streams.bz2` ends, in content. */
const FIRST_STREAM = 100_000;

const file = (name: string): Buffer => readFileSync(new URL(`bzip2/${name}`, import.meta.url));
const unpack = (bytes: Uint8Array, chunk = 65_536): Promise<Unpacked> =>
  unpackPieces(bzip2Pieces(readerOf(bytes, chunk), 0, () => true));

describe('bzip2', () => {
  it('unpacks blocks of a stream, and streams with their boundaries, however the bytes arrive', async () => {
    const one = file('text.bz2');
    const two = file('streams.bz2');
    const second = two.indexOf('BZh1');
    for (const chunk of [977, 1_000_000]) {
      const whole = await unpack(one, chunk);
      expect(whole.content.equals(TEXT)).toBe(true);
      expect([whole.boundaries, whole.damage]).toEqual([[[TEXT.length, one.length]], []]);
      const streams = await unpack(two, chunk);
      expect(streams.content.equals(TEXT)).toBe(true);
      expect(streams.boundaries).toEqual([
        [FIRST_STREAM, second],
        [TEXT.length, two.length],
      ]);
    }
  });

  it('undoes runs of every length', async () => {
    const { content, damage } = await unpack(file('runs.bz2'));
    expect(damage).toEqual([]);
    expect(content.length).toBe(3_091_413);
    expect(createHash('sha256').update(content).digest('hex')).toBe(
      '1a8d9e69d571c9f5d34675ea16d71eb958ede72e072db9a7b1a2e3c999b8ce5f',
    );
  });

  it('an empty stream has no content', async () => {
    const empty = Buffer.from('425a683917724538509000000000', 'hex');
    expect(await unpack(empty)).toEqual({ content: Buffer.alloc(0), boundaries: [[0, 14]], damage: [] });
  });

  it('cut anywhere gives the blocks before, and says so', async () => {
    const bytes = file('text.bz2');
    for (const end of [2, 5, 11, 20_000, bytes.length - 1]) {
      const { content, damage } = await unpack(bytes.subarray(0, end));
      expect(content.equals(TEXT.subarray(0, content.length))).toBe(true);
      expect(damage).toEqual([`truncated 0 to ${end}`]);
    }
    // The first of two blocks is whole.
    expect((await unpack(bytes.subarray(0, 25_000))).content.length).toBeGreaterThan(99_000);
  });

  it('a flipped bit is reported and never delivers other content as whole', async () => {
    const bytes = file('streams.bz2');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(bytes);
        changed[at] ^= 1 << bit;
        const { content, damage } = await unpack(changed);
        const isPart =
          TEXT.subarray(0, content.length).equals(content) || TEXT.subarray(FIRST_STREAM).equals(content);
        expect(content.equals(TEXT) || (damage.length > 0 && isPart)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('goes on at the next stream behind garbage and zeros', async () => {
    const second = file('streams.bz2');
    const stream = second.subarray(second.indexOf('BZh1'));
    const bytes = Buffer.concat([Buffer.from('BZh9 is not a stream'), stream, Buffer.alloc(9), stream]);
    const { content, boundaries, damage } = await unpack(bytes);
    const rest = TEXT.subarray(FIRST_STREAM);
    expect(content.equals(Buffer.concat([rest, rest]))).toBe(true);
    expect(damage).toEqual(['garbage 0 to 20']);
    expect(boundaries).toEqual([
      [rest.length, 20 + stream.length],
      [rest.length, 29 + stream.length],
      [2 * rest.length, 29 + 2 * stream.length],
    ]);
  });

  it('a WARC of one stream a record: places are ranges of the file, with the bytes of the plain records', async () => {
    const records = ['first text', 'second text', 'third'].map((text) => warcRecord(text));
    const bytes = file('records.warc.bz2');
    const source = await sourceOf(bytes, 'records');
    const found = await cutAll(source);
    expect(found.map((record) => record.kind === 'record' && Buffer.from(record.bytes))).toEqual(records);
    const starts = [0, bytes.indexOf('BZh', 1), bytes.lastIndexOf('BZh')];
    expect(outline(found)).toEqual(
      starts.map(
        (start, i) => `record file ${start}+${([...starts, bytes.length][i + 1] as number) - start}`,
      ),
    );
    expect(await checkResumeAndReread(source)).toEqual([]);
  });

  it('the head tells what a file holds, and lines of it are read from every place', async () => {
    const source = await sourceOf(file('streams.bz2'), 'lines');
    const { container, content } = await readHead(source.location);
    expect([container, content.equals(TEXT.subarray(0, 65_536))]).toEqual(['bzip2', true]);
    const records = await cutAll(source, { format: 'jsonl' });
    expect(records.length).toBe(6000);
    expect(outline(records.slice(0, 2))).toEqual(['record content 0+20', 'record content 20+23']);
    expect(await checkResumeAndReread(source, { format: 'jsonl' }, 2500)).toEqual([]);
  });
});
