import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { Merger } from '../../src/tokenizer/bpe/merger.js';
import { NO_RANK, PairTable } from '../../src/tokenizer/bpe/pair-table.js';
import { RankQueues } from '../../src/tokenizer/bpe/rank-queues.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { packVocabulary } from '../../src/tokenizer/vocabulary.js';
import { mergeByDefinition } from './vocabularies.js';

const BYTES = Int32Array.from({ length: 256 }, (_, byte) => byte);

/**
 * Random merges of tokens over the bytes 0 to 3. Unlike merges that were learned, a token may be made by several pairs, and
 * from tokens that come later: then ranks do not rise while a piece is merged.
 */
function randomMerges(random: Random, count: number, firstByte = 0): Int32Array {
  const seen = new Set<string>();
  const merges: number[] = [];
  const pick = (): number => (random.next() < 0.5 ? firstByte + random.below(4) : 256 + random.below(count));
  while (merges.length < 3 * count) {
    const [left, right] = [pick(), pick()];
    if (seen.has(`${left},${right}`)) continue;
    seen.add(`${left},${right}`);
    merges.push(left, right, 256 + random.below(count));
  }
  return Int32Array.from(merges);
}

function mergerOf(merges: Int32Array): Merger {
  const table = new PairTable(merges.length / 3);
  for (let rank = 0; 3 * rank < merges.length; rank++) {
    table.add(merges[3 * rank], merges[3 * rank + 1], rank, merges[3 * rank + 2]);
  }
  return new Merger(table, BYTES);
}

describe('merging in WebAssembly', () => {
  // 15 bytes is where the cache changes, 252 where merging is left to TypeScript.
  it.each([
    [1, 20],
    [20, 80],
    [240, 270],
  ])('merges pieces of %i to %i bytes as defined', (shortest, longest) => {
    const random = new Random(longest);
    const letter = 0x61;
    for (let round = 0; round < 25; round++) {
      const count = 1 + random.below(40);
      const merges = randomMerges(random, count, letter);
      const tokens = Array.from({ length: 256 + count }, (_, id) =>
        id < 256 ? Uint8Array.of(id) : Uint8Array.of(1, 1),
      );
      const tokenizer = new Tokenizer({
        vocabulary: packVocabulary(tokens),
        merges,
        specials: new Map(),
        pattern: 'gpt2',
        wholePieces: false,
        nfc: false,
      });
      expect(tokenizer.engine).toBe('wasm');
      for (let piece = 0; piece < 5; piece++) {
        const letters = 1 + random.below(4);
        const bytes = Uint8Array.from(
          { length: shortest + random.below(longest - shortest + 1) },
          () => letter + random.below(letters),
        );
        const expected = mergeByDefinition(merges, [...bytes]);
        // Merged, and then from the cache.
        for (let time = 0; time < 2; time++) expect([...tokenizer.encode(bytes)]).toEqual(expected);
      }
    }
  });
});

describe('Merger', () => {
  // 48 bytes is where the way of merging changes.
  it.each([
    [1, 12],
    [40, 56],
    [100, 400],
  ])('merges pieces of %i to %i bytes as defined', (shortest, longest) => {
    const random = new Random(longest);
    for (let round = 0; round < 150; round++) {
      const merges = randomMerges(random, 1 + random.below(40));
      const merger = mergerOf(merges);
      for (let piece = 0; piece < 5; piece++) {
        const letters = 1 + random.below(4);
        const bytes = Uint8Array.from({ length: shortest + random.below(longest - shortest + 1) }, () =>
          random.below(letters),
        );
        const output = new Uint32Array(bytes.length + 2).fill(7);
        const count = merger.merge(bytes, 0, bytes.length, output, 1);
        expect([...output.subarray(1, 1 + count)]).toEqual(mergeByDefinition(merges, [...bytes]));
        expect([output[0], output.at(-1)]).toEqual([7, 7]);
      }
    }
  });

  it('gives room back after a giant piece and goes on', () => {
    // a a -> A, A A -> B
    const merger = mergerOf(Int32Array.of(0, 0, 256, 256, 256, 257));
    const output = new Uint32Array(300_003);
    expect(merger.merge(new Uint8Array(300_003), 0, 300_003, output, 0)).toBe(75_002);
    expect([...output.subarray(74_999, 75_002)]).toEqual([257, 256, 0]);
    expect(merger.merge(new Uint8Array(103), 0, 103, output, 0)).toBe(27);
  });
});

describe('PairTable', () => {
  it('finds what was added and nothing else', () => {
    const key = fc.tuple(fc.nat(2_000_000), fc.nat(2_000_000));
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { selector: String, maxLength: 60 }),
        fc.array(key),
        (pairs, others) => {
          const table = new PairTable(pairs.length);
          pairs.forEach(([left, right], rank) => {
            expect(table.add(left, right, rank, left + rank)).toBe(true);
          });
          const known = new Map(pairs.map(([left, right], rank) => [`${left},${right}`, rank]));
          for (const [left, right] of [...pairs, ...others]) {
            const rank = known.get(`${left},${right}`) ?? NO_RANK;
            expect(table.rank(left, right)).toBe(rank);
            if (rank !== NO_RANK) {
              expect(table.results[rank]).toBe(left + rank);
              expect(table.add(left, right, rank, 0)).toBe(false);
            }
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('RankQueues', () => {
  it('gives the lowest rank first and of one rank the leftmost position, whatever the order of adding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9), fc.nat(99)), { maxLength: 60 }),
        fc.nat(20),
        (added, between) => {
          const queues = new RankQueues(10);
          queues.begin(added.length);
          const waiting: [number, number][] = [];
          const takeOne = (): void => {
            waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
            const [rank, position] = waiting.shift() as [number, number];
            expect(queues.lowest).toBe(rank);
            expect(queues.take()).toBe(position);
          };
          added.forEach(([rank, position], index) => {
            queues.add(rank, position);
            waiting.push([rank, position]);
            if (index % 3 === between % 3) takeOne();
          });
          while (waiting.length > 0) takeOne();
          expect(queues.lowest).toBe(-1);
        },
      ),
      { seed: 6, numRuns: 500 },
    );
  });
});
