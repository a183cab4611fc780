import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenmillError } from '../../src/core/errors.js';
import { decodeError, encodeError, encodeFrame, FRAME, readFrames } from '../../src/store/query/frames.js';

/** Frames as they are read, the pieces of a DATA frame joined. */
async function read(chunks: readonly Uint8Array[]): Promise<[number, string][]> {
  const frames: [number, string][] = [];
  for await (const { kind, payload } of readFrames(
    Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
  )) {
    const text = Buffer.from(payload).toString('latin1');
    const last = frames.at(-1);
    if (kind === FRAME.data && last?.[0] === FRAME.data) last[1] += text;
    else frames.push([kind, text]);
  }
  return frames;
}

it('frames come back whatever the pieces of the stream are', async () => {
  const frame = fc.tuple(
    fc.constantFrom(FRAME.data, FRAME.end, FRAME.failure),
    fc.uint8Array({ maxLength: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 8 }),
      fc.array(fc.nat(200), { maxLength: 12 }),
      async (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(([kind, payload]) => encodeFrame(kind, payload)));
        const places = [...new Set(cuts)]
          .filter((cut) => cut > 0 && cut < bytes.length)
          .sort((a, b) => a - b);
        const chunks = [0, ...places].map((start, i) => bytes.subarray(start, places[i] ?? bytes.length));
        const expected: [number, string][] = [];
        for (const [kind, payload] of frames) {
          const text = Buffer.from(payload).toString('latin1');
          const last = expected.at(-1);
          if (kind === FRAME.data && text === '') continue;
          if (kind === FRAME.data && last?.[0] === FRAME.data) last[1] += text;
          else expected.push([kind, text]);
        }
        expect(await read(chunks)).toEqual(expected);
      },
    ),
  );
});

it('a frame that the end cuts off is dropped', async () => {
  expect(
    await read([encodeFrame(FRAME.end, 'whole'), encodeFrame(FRAME.failure, 'cut').subarray(0, 6)]),
  ).toEqual([[FRAME.end, 'whole']]);
});

it('errors keep code, message, hint and place; what is none of ours is a defect', () => {
  const error = new TokenmillError('SQL_LIMIT', 'too much', { hint: 'less', place: { line: 3 } });
  expect(decodeError(Buffer.from(encodeError(error)))).toMatchObject({
    code: 'SQL_LIMIT',
    message: 'too much',
    hint: 'less',
    place: { line: 3 },
  });
  expect(decodeError(Buffer.from(encodeError(new Error('boom')))).code).toBe('INTERNAL');
});
