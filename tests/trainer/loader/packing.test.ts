/** Best-fit-decreasing packing, by hand and on random lengths. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutDocuments, packBestFit } from '../../../src/trainer/loader/packing.js';

const lengths = (sequences: ReturnType<typeof packBestFit>): number[][] =>
  sequences.map((pieces) => pieces.map(({ start, end }) => end - start));

/** Places where documents of these lengths end, from `start` on. */
function endsOf(start: number, documents: readonly number[]): number[] {
  let end = start;
  return documents.map((length) => (end += length));
}

describe('documents', () => {
  it('are cut only where they are longer than a sequence', () => {
    expect(cutDocuments(2, [5, 18, 24], 6)).toEqual([
      { start: 2, end: 5, first: true },
      { start: 5, end: 11, first: true },
      { start: 11, end: 17, first: false },
      { start: 17, end: 18, first: false },
      { start: 18, end: 24, first: true },
    ]);
  });

  it('go, longest first, where the least room is left that holds them', () => {
    // 5 opens a sequence with room 1, 4 one with room 2, 3 one with room 3; 2 fills that of 4, 2 that of 3 to room 1,
    // and 1 goes to the first of the two that have room 1.
    const pieces = cutDocuments(0, endsOf(0, [5, 3, 2, 2, 4, 1]), 6);
    const packed = packBestFit(pieces, 6);
    expect(lengths(packed)).toEqual([
      [5, 1],
      [4, 2],
      [3, 2],
    ]);
    // Of the documents of length 2 the first of the stream goes first.
    expect(packed[1][1]).toEqual({ start: 8, end: 10, first: true });
  });

  it('are all packed once, and no two sequences would fit into one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 16 }),
        (documents, capacity) => {
          const pieces = cutDocuments(0, endsOf(0, documents), capacity);
          const packed = packBestFit(pieces, capacity);
          expect(packed.flat().sort((a, b) => a.start - b.start)).toEqual(pieces);
          const sums = lengths(packed).map((row) => row.reduce((sum, length) => sum + length, 0));
          expect(Math.max(...sums)).toBeLessThanOrEqual(capacity);
          const [least, second] = sums.sort((a, b) => a - b);
          if (second !== undefined) expect(least + second).toBeGreaterThan(capacity);
        },
      ),
    );
  });
});
