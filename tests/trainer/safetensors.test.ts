import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import { float32Tensor, toFloat32, toInt32 } from '../../src/trainer/elements.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  MAX_HEADER_BYTES,
  readSafetensors,
  writeSafetensors,
  type ElementType,
  type Tensor,
} from '../../src/trainer/safetensors.js';

/**
 * What `safetensors.torch.save` (safetensors for Python) writes for
 *   b = tensor([[1, -2, 3], [4, 5.5, -0.0]]), scalar = tensor(2.5), empty = zeros(0, 4)
 *   weights/é = float16 [1, 0.5, -65504, 6e-8], a = bfloat16 [1, -3.140625]
 *   c = int64 [7, -1, 2**31 - 1], d = float64 [0.1, 1e-300], i = int32 [[-5]]
 * and the metadata {format: pt}.
 */
const PYTHON_FILE = Buffer.from(
  '8AEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJjIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMCwyNF19LCJkIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjQsNDBdfSwiYiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbNDAsNjRdfSwiZW1wdHkiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzAsNF0sImRhdGFfb2Zmc2V0cyI6WzY0LDY0XX0sInNjYWxhciI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbNjQsNjhdfSwiaSI6eyJkdHlwZSI6IkkzMiIsInNoYXBlIjpbMSwxXSwiZGF0YV9vZmZzZXRzIjpbNjgsNzJdfSwiYSI6eyJkdHlwZSI6IkJGMTYiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls3Miw3Nl19LCJ3ZWlnaHRzL8OpIjp7ImR0eXBlIjoiRjE2Iiwic2hhcGUiOls0XSwiZGF0YV9vZmZzZXRzIjpbNzYsODRdfX0gBwAAAAAAAAD//////////////38AAAAAmpmZmZmZuT9Z8/jCH26lAQAAgD8AAADAAABAQAAAgEAAALBAAAAAgAAAIED7////gD9JwAA8ADj/+wEA',
  'base64',
);

/** A file with this header in front of `data` bytes, as somebody else might have written it. */
function fileOf(header: unknown, data: number, text = JSON.stringify(header)): Uint8Array {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (shape: number[], offsets: number[], dtype = 'F32'): unknown => ({
  dtype,
  shape,
  data_offsets: offsets,
});

describe('the reference implementation’s file', () => {
  const file = decodeSafetensors(PYTHON_FILE, 'python');
  const get = (name: string): Tensor => file.tensors.get(name) as Tensor;

  it('is read', () => {
    expect(file.metadata).toEqual({ format: 'pt' });
    expect([...file.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['c', 'I64', [3]],
      ['d', 'F64', [2]],
      ['b', 'F32', [2, 3]],
      ['empty', 'F32', [0, 4]],
      ['scalar', 'F32', []],
      ['i', 'I32', [1, 1]],
      ['a', 'BF16', [2]],
      ['weights/é', 'F16', [4]],
    ]);
    expect([...toFloat32(get('b'), 'b')]).toEqual([1, -2, 3, 4, 5.5, -0]);
    expect([...toFloat32(get('scalar'), 'scalar')]).toEqual([2.5]);
    expect([...toFloat32(get('empty'), 'empty')]).toEqual([]);
    expect([...toFloat32(get('a'), 'a')]).toEqual([1, -3.140625]);
    // The smallest subnormal half, 2^-24, is what 6e-8 rounds to.
    expect([...toFloat32(get('weights/é'), 'w')]).toEqual([1, 0.5, -65504, 2 ** -24]);
    expect([...toFloat32(get('d'), 'd')]).toEqual([Math.fround(0.1), 0]);
    expect([...toInt32(get('c'), 'c')]).toEqual([7, -1, 2 ** 31 - 1]);
    expect([...toInt32(get('i'), 'i')]).toEqual([-5]);
  });

  it('is written byte for byte, whatever the order of the tensors', () => {
    const reversed = new Map([...file.tensors].reverse());
    expect(Buffer.from(encodeSafetensors(reversed)).equals(PYTHON_FILE)).toBe(true);
  });
});

describe('round trip', () => {
  const types: ElementType[] = ['F32', 'F64', 'F16', 'BF16', 'I64', 'I32', 'U8', 'BOOL'];
  const width = { F32: 4, F64: 8, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 } as Record<
    ElementType,
    number
  >;
  const tensor = fc
    .tuple(fc.constantFrom(...types), fc.array(fc.nat(4), { maxLength: 3 }), fc.infiniteStream(fc.nat(255)))
    .map(([dtype, shape, values]): Tensor => {
      const length = shape.reduce((product, size) => product * size, width[dtype]);
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = values.next().value as number;
      return { dtype, shape, bytes };
    });
  const name = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter((text) => text !== '__metadata__' && text !== '__proto__');

  it('gives tensors and metadata back, in memory and through a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-safetensors-'));
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, tensor), { maxLength: 6 }),
        fc.dictionary(
          fc.string({ maxLength: 5 }).filter((key) => key !== '__proto__'),
          fc.string({ maxLength: 5 }),
        ),
        async (entries, metadata) => {
          const tensors = new Map(entries);
          const bytes = encodeSafetensors(tensors, metadata);
          // Data begin at a multiple of 8.
          expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
          const path = join(folder, `${number++}`);
          expect(await writeSafetensors(path, tensors, metadata)).toEqual({
            bytes: bytes.length,
            sha256: sha256(bytes),
          });
          expect(Buffer.from(bytes).equals(await readFile(path))).toBe(true);
          for (const file of [decodeSafetensors(bytes, 'memory'), await readSafetensors(path)]) {
            expect({ ...file.metadata }).toEqual({ ...metadata });
            expect(new Map(file.tensors)).toEqual(tensors);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps every bit of a float32', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 20 }), (values) => {
        const tensors = new Map([['x', float32Tensor(values, [values.length])]]);
        const read = decodeSafetensors(encodeSafetensors(tensors), 'x').tensors.get('x') as Tensor;
        expect(toFloat32(read, 'x')).toEqual(values);
      }),
    );
  });
});

describe('what is refused', () => {
  const cases: [string, Uint8Array, string, number][] = [
    ['an empty file', new Uint8Array(0), 'has only 0 bytes', 0],
    ['half a header length', new Uint8Array(5), 'has only 5 bytes', 0],
    ['a header that is cut off', PYTHON_FILE.subarray(0, 100), 'its header of 496 bytes is cut off', 0],
    [
      'a header of absurd length',
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
      `would have 72057594037927936 bytes, more than ${MAX_HEADER_BYTES}`,
      0,
    ],
    ['a header that is not JSON', fileOf(null, 0, '{"a"'), 'its header is not JSON', 8],
    [
      'a header that is not UTF-8',
      fileOf(null, 0, '{"\ud800":1}').with(10, 0xff),
      'its header is not JSON',
      8,
    ],
    ['a header that is a list', fileOf([], 0), 'not a JSON object', 8],
    ['metadata that are not texts', fileOf({ __metadata__: { a: 1 } }, 0), '__metadata__ is not', 8],
    ['an entry that is not an object', fileOf({ w: 3 }, 0), 'tensor w: its entry is not an object', 8],
    [
      'an unknown type',
      fileOf({ w: entry([1], [0, 4], 'F4') }, 4),
      'tensor w: its type "F4" cannot be read',
      8,
    ],
    ['a type of the prototype', fileOf({ w: entry([1], [0, 4], 'toString') }, 4), 'tensor w: its type', 8],
    ['a negative extent', fileOf({ w: entry([-1], [0, 4]) }, 4), 'tensor w: its shape is [-1]', 8],
    ['a fraction of an extent', fileOf({ w: entry([0.5], [0, 2]) }, 2), 'tensor w: its shape is [0.5]', 8],
    [
      'too many dimensions',
      fileOf(
        {
          w: entry(
            Array.from({ length: 17 }, () => 1),
            [0, 4],
          ),
        },
        4,
      ),
      'tensor w: its shape',
      8,
    ],
    ['a tensor beyond the cap', fileOf({ w: entry([2 ** 30, 2], [0, 8]) }, 8), 'more than the 4294967295', 8],
    ['an extent that overflows', fileOf({ w: entry([2 ** 52, 2 ** 52], [0, 8]) }, 8), 'more than the', 8],
    ['one offset', fileOf({ w: entry([1], [0]) }, 4), 'tensor w: its data_offsets are [0]', 8],
    ['offsets that go back', fileOf({ w: entry([1], [4, 0]) }, 4), 'tensor w: its data_offsets are [4,0]', 8],
    [
      'a length that does not fit the shape',
      fileOf({ w: entry([2, 3], [0, 20]) }, 20),
      'tensor w: F32 of shape [2, 3] needs 24 bytes, but it has 20',
      8,
    ],
  ];
  it.each(cases)('%s', (_name, bytes, message, offset) => {
    expect(() => decodeSafetensors(bytes, 'bad.safetensors')).toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: expect.stringContaining(message) as string,
        place: { file: 'bad.safetensors', offset },
      }) as Error,
    );
  });

  it('tensors that overlap, leave a gap, are cut off, or leave bytes over, each with its offset', () => {
    const two = (a: number[], b: number[], data: number): Uint8Array =>
      fileOf({ a: entry([1], a), b: entry([1], b) }, data);
    const thrown = (bytes: Uint8Array): unknown => {
      try {
        decodeSafetensors(bytes, 'f');
        return undefined;
      } catch (error) {
        const { message, place } = error as { message: string; place: { offset: number } };
        return [message.slice(message.indexOf(': ') + 2), place.offset - (bytes.length - dataBytes)];
      }
    };
    let dataBytes = 8;
    expect(thrown(two([0, 4], [4, 8], 8))).toBeUndefined();
    expect(thrown(two([0, 4], [2, 6], 8))).toEqual(['tensor b overlaps the tensor before it', 2]);
    expect(thrown(two([0, 4], [0, 4], 8))).toEqual(['tensor b overlaps the tensor before it', 0]);
    dataBytes = 12;
    expect(thrown(two([0, 4], [8, 12], 12))).toEqual(['tensor b leaves a gap before it', 8]);
    expect(thrown(two([0, 4], [4, 8], 12))).toEqual(['4 bytes belong to no tensor', 8]);
    dataBytes = 7;
    expect(thrown(two([0, 4], [4, 8], 7))).toEqual(['tensor b is cut off: it ends at 8 of 7', 4]);
  });

  it('every cut of a file, read from disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-safetensors-'));
    for (const length of [0, 7, 8, 60, 503, 504, 520, 587]) {
      const path = join(folder, `${length}`);
      await writeFile(path, PYTHON_FILE.subarray(0, length));
      await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    }
    await expect(readSafetensors(join(folder, 'absent'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('types that are not numbers of the wanted kind', () => {
    const tensor = (dtype: ElementType, ...bytes: number[]): Tensor => ({
      dtype,
      shape: [1],
      bytes: Uint8Array.from(bytes),
    });
    const invalid = expect.objectContaining({ code: 'MODEL_INVALID' }) as Error;
    expect(() => toFloat32(tensor('I32', 1, 0, 0, 0), 'x')).toThrow(invalid);
    expect(() => toInt32(tensor('F32', 0, 0, 0, 0), 'x')).toThrow(invalid);
    // 2^31 does not fit.
    expect(() => toInt32(tensor('I64', 0, 0, 0, 0x80, 0, 0, 0, 0), 'x')).toThrow(invalid);
    expect([...toInt32(tensor('I64', 0, 0, 0, 0x80, 255, 255, 255, 255), 'x')]).toEqual([-(2 ** 31)]);
  });

  it('infinities and NaN of a half are kept', () => {
    const half = (bits: number): number =>
      toFloat32({ dtype: 'F16', shape: [1], bytes: Uint8Array.of(bits & 255, bits >> 8) }, 'x')[0];
    expect([half(0x7c00), half(0xfc00), half(0x7e00), half(0x8000), half(0x0400)]).toEqual([
      Infinity,
      -Infinity,
      NaN,
      -0,
      2 ** -14,
    ]);
  });
});
