/** Zstandard and LZ4 against files that the reference tools made, and frames written by hand from the specifications. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import xxhash from 'xxhash-wasm';
import { describe, expect, it } from 'vitest';
import { framePieces, type FrameFormat } from '../../../src/ingest/containers/frames.js';
import { LZ4 } from '../../../src/ingest/containers/lz4.js';
import { ZSTD } from '../../../src/ingest/containers/zstd.js';
import { readHead } from '../../../src/ingest/containers/content.js';
import { checkResumeAndReread, cutAll, outline, sourceOf } from '../../support/cutting.js';
import { unpackPieces, readerOf, type Unpacked } from '../../support/containers.js';
import { warcRecord } from '../../support/warc.js';

const hash = await xxhash();

const TEXT = Buffer.from(
  Array.from({ length: 6000 }, (_, i) => `line ${i} of a text: ${(i * i * 7919) % 1_000_003}\n`).join(''),
);

const file = (name: string): Buffer => readFileSync(new URL(`frames/${name}`, import.meta.url));
const formatOf = (name: string): FrameFormat => (name.endsWith('.zst') ? ZSTD : LZ4);

const unpack = (format: FrameFormat, bytes: Uint8Array, chunk = 65_536): Promise<Unpacked> =>
  unpackPieces(framePieces(format, readerOf(bytes, chunk), 0, () => true));

/** A zstd frame of one raw block (RFC 8878, section 3.1.1.2), with its checksum. */
function rawZstd(content: Buffer): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0b1010_0100, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 5);
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(Number(hash.create64().update(content).digest() & 0xffff_ffffn));
  return Buffer.concat([header, block, content, sum]);
}

/** An LZ4 frame of one stored block, with its checksum. */
function storedLz4(content: Buffer): Buffer {
  const descriptor = Buffer.from([0b0110_0100, 0x70]);
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, ...descriptor, (hash.h32Raw(descriptor) >> 8) & 0xff]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE((0x8000_0000 | content.length) >>> 0);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(hash.h32Raw(content) >>> 0, 4);
  return Buffer.concat([head, size, content, end]);
}

const skippable = (content: Buffer): Buffer => {
  const header = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
};

const MAKERS = [
  ['zstd', ZSTD, rawZstd],
  ['LZ4', LZ4, storedLz4],
] as const;

describe('files of the reference tools', () => {
  it.each(['check.zst', 'dense.zst', 'long.zst', 'linked.lz4', 'large-block.lz4', 'block-sums.lz4'])(
    '%s unpacks to the text, however its bytes arrive, and cut anywhere to a part of it',
    async (name) => {
      const bytes = file(name);
      for (const chunk of [1, 7777, 1_000_000]) {
        const { content, boundaries, damage } = await unpack(formatOf(name), bytes, chunk);
        expect(content.equals(TEXT)).toBe(true);
        expect([boundaries, damage]).toEqual([[[TEXT.length, bytes.length]], []]);
      }
      for (const end of [3, 5, 20, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const { content, damage } = await unpack(formatOf(name), bytes.subarray(0, end));
        expect(content.equals(TEXT.subarray(0, content.length))).toBe(true);
        expect(damage).toEqual([`${end < 4 ? 'garbage' : 'truncated'} 0 to ${end}`]);
      }
    },
  );

  it.each(['check.zst', 'linked.lz4', 'large-block.lz4', 'block-sums.lz4'])(
    '%s with a flipped bit is reported and never delivers other content as whole',
    async (name) => {
      const bytes = file(name);
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
          const changed = Buffer.from(bytes);
          changed[at] ^= 1 << bit;
          const { content, damage } = await unpack(formatOf(name), changed);
          expect(damage.length > 0 || content.equals(TEXT)).toBe(true);
        }),
        { numRuns: 150 },
      );
    },
  );

  it.each(['dense.zst', 'large-block.lz4'])('the head of %s tells what it holds', async (name) => {
    const { location } = await sourceOf(file(name), name);
    const { container, content } = await readHead(location);
    expect(container).toBe(name.endsWith('.zst') ? 'zstd' : 'lz4');
    expect(content.equals(TEXT.subarray(0, 65_536))).toBe(true);
  });
});

describe.each(MAKERS)('%s', (name, format, frame) => {
  const A = Buffer.from('content of the first frame');
  const B = Buffer.from('and of the second');

  it('frames, skippable ones and zeros behind each other, with their boundaries', async () => {
    const parts = [frame(A), skippable(B), frame(B), Buffer.alloc(10), frame(A)];
    const ends = parts.map((_, i) => Buffer.concat(parts.slice(0, i + 1)).length);
    const { content, boundaries, damage } = await unpack(format, Buffer.concat(parts), 5);
    expect(content.toString()).toBe(`${A.toString()}${B.toString()}${A.toString()}`);
    const [a, b] = [A.length, A.length + B.length];
    expect(boundaries).toEqual([
      [a, ends[0]],
      [a, ends[1]],
      [b, ends[2]],
      [b, ends[3]],
      [b + a, ends[4]],
    ]);
    expect(damage).toEqual([]);
  });

  it('a frame whose checksum does not fit is not delivered, and the next one is read', async () => {
    const broken = frame(A);
    broken[broken.length - 1] ^= 1;
    const { content, damage } = await unpack(format, Buffer.concat([broken, frame(B)]));
    expect(content.toString()).toBe(B.toString());
    expect(damage).toEqual([`checksum 0 to ${broken.length}`]);
  });

  it('garbage between frames is reported with its place', async () => {
    const first = frame(A);
    const garbage = Buffer.from('no frame at all');
    const { content, damage } = await unpack(format, Buffer.concat([first, garbage, frame(B)]), 3);
    expect(content.toString()).toBe(A.toString() + B.toString());
    expect(damage).toEqual([`garbage ${first.length} to ${first.length + garbage.length}`]);
  });

  it('a WARC of one frame a record: places are ranges of the file, and reading goes on from each', async () => {
    const records = [warcRecord('first text'), warcRecord('second text'), warcRecord('third')];
    const frames = records.map((record) => frame(Buffer.from(record)));
    const source = await sourceOf(Buffer.concat(frames), `crawl.warc.${name === 'zstd' ? 'zst' : 'lz4'}`);
    const starts = frames.map((_, i) => Buffer.concat(frames.slice(0, i)).length);
    expect(outline(await cutAll(source))).toEqual(
      frames.map(({ length }, i) => `record file ${starts[i]}+${length}`),
    );
    expect(await checkResumeAndReread(source)).toEqual([]);
  });

  it('JSON lines in one frame: places are ranges of the content', async () => {
    const lines = ['{"text":"one"}\n', '{"text":"two"}\n'];
    const source = await sourceOf(frame(Buffer.from(lines.join(''))), 'lines.jsonl');
    expect(outline(await cutAll(source))).toEqual(['record content 0+15', 'record content 15+15']);
    expect(await checkResumeAndReread(source)).toEqual([]);
  });
});

describe('what a zstd header may ask for', () => {
  it('a window above the limit is refused with what to do', async () => {
    // Window descriptor 0x90: 2^(10 + 18) bytes.
    const bytes = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x90, 1, 0, 0, 0]);
    const pieces = framePieces(ZSTD, readerOf(bytes, 100), 0, () => true);
    const { value } = await pieces.next();
    expect(value).toMatchObject({ kind: 'damage', start: 0, end: bytes.length, reason: 'garbage' });
    expect((value as { detail: string }).detail).toMatch(/window is 268 MB, the limit 134 MB.*--long=27/);
  });

  it('a dictionary is refused', async () => {
    const bytes = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 1, 1, 0, 0]);
    const { value } = await framePieces(ZSTD, readerOf(bytes, 100), 0, () => true).next();
    expect((value as { detail: string }).detail).toMatch(/dictionary/);
  });
});
