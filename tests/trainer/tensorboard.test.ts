/** TensorBoard's files against records worked out by hand, byte by byte, and a reader that is not ours to check. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c, EventFile, record } from '../../src/trainer/tensorboard.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('CRC-32C', () => {
  it.each([
    // RFC 3720, appendix B.4, whose bytes are in the order of transmission; the digits are the usual check value.
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    [ascii('123456789'), 0xe3069283],
  ])('has the published values', (data, expected) => {
    expect(crc32c(data)).toBe(expected);
  });
});

describe('a record', () => {
  it('has length, data and the masked checksums of both', () => {
    const bytes = record(ascii('123456789'));
    expect(bytes.length).toBe(8 + 4 + 9 + 4);
    expect([...bytes.subarray(0, 8)]).toEqual([9, 0, 0, 0, 0, 0, 0, 0]);
    // 0xe3069283 rotated right by 15 is 0x2507c60d; plus 0xa282ead8 it is 0xc78ab0e5.
    expect(bytes.readUInt32LE(21)).toBe(0xc78ab0e5);
  });
});

/** Payloads of the records of a file. */
function payloads(bytes: Buffer): Buffer[] {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    found.push(bytes.subarray(at + 12, at + 12 + length));
    at += 12 + length + 4;
  }
  return found;
}

describe('an event file', () => {
  it('names its version, where it begins, and the figures of each step', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenmill-events-'));
    const file = await EventFile.open(folder, 4, () => 2);
    await file.append({
      run: 'r',
      step: 5,
      loss: 1.5,
      learning_rate: 0.25,
      gradient_norm: null,
      tokens: 64,
      tokens_per_second: 8,
    });
    const path = join(folder, 'tensorboard');
    expect(await readdir(path)).toEqual(['events.out.tfevents.0000000004']);
    const [version, start, step, ...rest] = payloads(
      await readFile(join(path, 'events.out.tfevents.0000000004')),
    );
    expect(rest).toEqual([]);
    // wall_time (field 1, double) 2.0, step (field 2)
    const head = (number: number): number[] => [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, number];
    expect([...version]).toEqual([...head(0), 0x1a, 13, ...ascii('brain.Event:2')]);
    // session_log (field 7) {status (1): START (1)}
    expect([...start]).toEqual([...head(5), 0x3a, 2, 0x08, 1]);
    // summary (field 5) of values (1) {tag (1), simple_value (2, float)}
    const value = (tag: string, float: readonly number[]): number[] => {
      const inner = [0x0a, tag.length, ...ascii(tag), 0x15, ...float];
      return [0x0a, inner.length, ...inner];
    };
    const summary = [
      ...value('training/loss', [0, 0, 0xc0, 0x3f]),
      ...value('training/learning_rate', [0, 0, 0x80, 0x3e]),
      ...value('training/tokens_per_second', [0, 0, 0, 0x41]),
    ];
    expect([...step]).toEqual([...head(5), 0x2a, summary.length, ...summary]);
  });
});
