/**
 * From ranks to merges.
 *
 * tiktoken merges the neighbours whose bytes together are the token of lowest rank. Here merges are pairs, so each token
 * needs the pairs that it is made from, and one is enough: as long as the two ends of a token are borders between parts,
 * its inside changes as it does when the token stands alone, so its last two parts are always the same.
 */
import { Merger } from '../bpe/merger.js';
import { PairTable } from '../bpe/pair-table.js';
import { tokenBytes, type Vocabulary } from '../vocabulary.js';

/**
 * Merges (`left, right, result` of each) of the tokens with ids below `ranked`, whose ids are their ranks; `complete` is
 * false where there are tokens that no merging makes, `repeated` is the id of a token that another one
 * equals, or -1.
 * @param bytes the token of each byte
 */
export function mergesFromRanks(
  vocabulary: Vocabulary,
  ranked: number,
  bytes: Int32Array,
): { merges: Int32Array; complete: boolean; repeated: number } {
  const pairs = new PairTable(ranked);
  let repeated = -1;
  const lengthOf = (id: number): number => vocabulary.offsets[id + 1] - vocabulary.offsets[id];
  for (let id = 0; id < ranked; id++) {
    if (lengthOf(id) !== 2) continue;
    const [first, second] = tokenBytes(vocabulary, id);
    if (!pairs.add(bytes[first], bytes[second], id, id)) repeated = id;
  }
  const merger = new Merger(pairs, bytes);
  const merges: number[] = [];
  let parts = new Uint32Array(256);
  let slow: RankProcess | undefined;
  let complete = true;
  for (let id = 0; id < ranked; id++) {
    const length = lengthOf(id);
    if (length < 2) continue;
    const token = tokenBytes(vocabulary, id);
    if (length === 2) {
      merges.push(bytes[token[0]], bytes[token[1]], id);
      continue;
    }
    if (length > parts.length) parts = new Uint32Array(2 * length);
    // With the merges of lower rank alone almost every token comes to its last two parts.
    let pair: ArrayLike<number> | undefined = parts;
    if (merger.merge(token, 0, length, parts, 0) !== 2) {
      slow ??= new RankProcess(vocabulary, ranked);
      pair = slow.lastPair(token, id);
    }
    if (pair === undefined) {
      complete = false;
      continue;
    }
    if (!pairs.add(pair[0], pair[1], id, id)) repeated = id;
    merges.push(pair[0], pair[1], id);
  }
  return { merges: Int32Array.from(merges), complete, repeated };
}

/** tiktoken's process by its definition, for the few tokens that are made from tokens of higher rank, or not at all. */
class RankProcess {
  private readonly ranks = new Map<string, number>();

  constructor(vocabulary: Vocabulary, ranked: number) {
    for (let id = 0; id < ranked; id++) {
      const token = tokenBytes(vocabulary, id);
      if (token.length > 0) this.ranks.set(Buffer.from(token).toString('latin1'), id);
    }
  }

  /** The pair that merges to token `id`, undefined where the process ends before. */
  lastPair(bytes: Uint8Array, id: number): [number, number] | undefined {
    const parts = Array.from(bytes, (byte) => String.fromCharCode(byte));
    while (parts.length > 1) {
      let best = Infinity;
      let at = 0;
      for (let index = 0; index < parts.length - 1; index++) {
        const rank = this.ranks.get(parts[index] + parts[index + 1]) ?? Infinity;
        if (rank < best) [best, at] = [rank, index];
      }
      if (best === id) return [this.ranks.get(parts[0]) as number, this.ranks.get(parts[1]) as number];
      if (best === Infinity) return undefined;
      parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
    return undefined;
  }
}
