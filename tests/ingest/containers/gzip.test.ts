import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gzipPieces } from '../../../src/ingest/containers/gzip.js';
import { memberHeaderLength } from '../../../src/ingest/containers/gzip-member.js';
import { Random } from '../../../src/core/random.js';
import { readerOf, unpackPieces, type Unpacked } from '../../support/containers.js';
import { gzipMemberWithHeader } from '../../support/warc.js';

const unpack = (bytes: Uint8Array, chunk = 65_536): Promise<Unpacked> =>
  unpackPieces(gzipPieces(readerOf(bytes, chunk), 0, () => true));

const random = new Random(1);
const LETTERS = Buffer.from(Array.from({ length: 3_100_000 }, () => 97 + random.below(16)));

/** Text that compresses to about half; another for each seed. */
function text(bytes: number, seed: number): Buffer {
  return LETTERS.subarray(seed, seed + bytes);
}

describe('member headers (RFC 1952, section 2.3)', () => {
  const content = Buffer.from('content of the member');

  it('with extra field, name, comment and checksum', async () => {
    const member = gzipMemberWithHeader(
      content,
      Buffer.from([66, 67, 2, 0, 0x1f, 0x8b]),
      'näme.txt',
      'a comment',
    );
    const header = 10 + 2 + 6 + 9 + 10 + 2;
    expect(memberHeaderLength(member, 0)).toBe(header);
    for (let end = 0; end < header; end++)
      expect(memberHeaderLength(member.subarray(0, end), 0)).toBe('short');
    expect(await unpack(Buffer.concat([member, gzipSync('x')]))).toMatchObject({
      damage: [],
      boundaries: [
        [content.length, member.length],
        [content.length + 1, member.length + 21],
      ],
    });
  });

  it('that are none', () => {
    expect(memberHeaderLength(Buffer.from('plain text'), 0)).toBeUndefined();
    expect(memberHeaderLength(Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0]), 0)).toBeUndefined();
    expect(memberHeaderLength(Buffer.from([0x1f, 0x8b, 8, 0x20, 0, 0, 0, 0, 0, 0]), 0)).toBeUndefined();
  });
});

describe('gzip files', () => {
  it(
    'of members of any size come out whole, with the place of each end, however the bytes arrive',
    { timeout: 60_000 },
    async () => {
      const sizes = fc.array(fc.oneof(fc.nat(3000), fc.constantFrom(0, 65_536, 400_000, 2_500_000)), {
        minLength: 1,
        maxLength: 5,
      });
      await fc.assert(
        fc.asyncProperty(
          sizes,
          fc.constantFrom(1, 6),
          fc.constantFrom(1000, 65_536, 10_000_000),
          async (list, level, chunk) => {
            const contents = list.map((size, index) => text(size, index));
            const members = contents.map((content) => gzipSync(content, { level }));
            const { content, boundaries, damage } = await unpack(Buffer.concat(members), chunk);
            let [c, f] = [0, 0];
            const expected = members.map((member, index) => [
              (c += contents[index].length),
              (f += member.length),
            ]);
            expect(content.equals(Buffer.concat(contents))).toBe(true);
            expect({ boundaries, damage }).toEqual({ boundaries: expected, damage: [] });
          },
        ),
        { numRuns: 12 },
      );
    },
  );

  it('whose compressed bytes hold a magic number by chance', async () => {
    // Level 0 stores the content as it is.
    const inside = Buffer.concat([text(100, 1), gzipSync('a member inside'), text(100, 2)]);
    const [stored, next] = [gzipSync(inside, { level: 0 }), gzipSync('next')];
    expect(await unpack(Buffer.concat([stored, next]))).toEqual({
      content: Buffer.concat([inside, Buffer.from('next')]),
      boundaries: [
        [inside.length, stored.length],
        [inside.length + 4, stored.length + next.length],
      ],
      damage: [],
    });
  });

  it('do not run ahead of who reads them', async () => {
    const member = gzipSync(text(200_000, 3));
    const all = Buffer.concat(Array.from({ length: 100 }, () => member));
    let read = 0;
    const reader = readerOf(all, 65_536);
    const pieces = gzipPieces(
      {
        ...reader,
        read: async () => {
          const part = await reader.read();
          read += part?.length ?? 0;
          return part;
        },
      },
      0,
      () => true,
    );
    await pieces.next();
    await pieces.return(undefined);
    expect(read).toBeLessThan(4_000_000);
    expect(all.length).toBeGreaterThan(10_000_000);
  });

  it('that are damaged give the same pieces however the bytes arrive', async () => {
    const small = gzipSync(text(100, 5));
    // A deflate stream that stops at a byte boundary, and then a block of the type that there is not.
    const start = deflateRawSync(text(3_000_000, 4), { finishFlush: constants.Z_SYNC_FLUSH });
    const wrong = Buffer.concat([small.subarray(0, 10), start, Buffer.from([0x07]), text(500, 6)]);
    const all = Buffer.concat([small, wrong, small]);
    const [first, ...others] = await Promise.all(
      [10_000, 65_536, 1_048_576, 10_000_000].map((chunk) => unpack(all, chunk)),
    );
    expect(first.damage).toEqual([`garbage ${small.length} to ${small.length + wrong.length}`]);
    expect(first.content.length).toBeGreaterThan(2_500_000);
    for (const other of others) {
      expect(other.content.equals(first.content)).toBe(true);
      expect(other).toMatchObject({ boundaries: first.boundaries, damage: first.damage });
    }
  });
});
