/**
 * Deduplication by n-grams in a Bloom filter, in the manner of BFF, which DCLM was made with (13-grams, threshold 0.8,
 * rate 0.01, paragraphs and documents): a paragraph goes when at least `threshold` of its n-grams have occurred before,
 * and the whole document when that holds for all its n-grams together. Paragraphs that stay are remembered.
 *
 * One pass, memory fixed beforehand. At a false-positive rate p of the filter, a new paragraph of k n-grams is taken for
 * a copy with the probability that at least threshold * k of k looks are wrong: p for k = 1, 5 p^4 (5 in 100 million
 * at p = 0.01) for k = 5 and 0.8. A copy is never missed by the filter. Paragraphs of fewer words than n stay.
 */
import { BLOCK } from '../minhash/kernel.js';
import { forEachBlock } from '../minhash/shingles.js';
import { scanText } from '../scan/scan.js';
import { BloomFilter } from './bloom-filter.js';
import { segmentsOf, withoutSegments } from './segments.js';

export interface NgramOptions {
  /** Words of an n-gram. */
  readonly size: number;
  /** Share of n-grams seen before from which a paragraph, or document, is a copy. */
  readonly threshold: number;
  /** N-grams that the filter is made for, about the words of the corpus. */
  readonly expected: number;
  /** False-positive rate of the filter once it holds so many. */
  readonly rate: number;
  /** Bytes of memory at most; where that is less than the rate needs, the rate is higher. */
  readonly memory: number;
}

export interface NgramOutcome {
  /** What is left of the text; empty where the document is a copy. */
  readonly text: string;
  readonly paragraphs: number;
  readonly removed: number;
  /** Share of the document's n-grams that were seen before; 0 where it has none. */
  readonly seen: number;
}

export class NgramDeduplicator {
  readonly filter: BloomFilter;
  private readonly options: NgramOptions;
  private readonly low = new Int32Array(BLOCK);
  private readonly high = new Int32Array(BLOCK);

  constructor(options: NgramOptions) {
    this.options = options;
    this.filter = BloomFilter.forKeys(options.expected, options.rate, options.memory);
  }

  /** Takes the copies out of the next document and remembers the rest. */
  next(text: string): NgramOutcome {
    const { threshold } = this.options;
    const paragraphs = segmentsOf(text, 'line');
    const dropped = new Set<number>();
    let total = 0;
    let seen = 0;
    for (const [index, { start, end }] of paragraphs.entries()) {
      const paragraph = text.slice(start, end);
      const counts = this.count(paragraph);
      if (counts === undefined) continue;
      total += counts.total;
      seen += counts.seen;
      if (counts.seen >= threshold * counts.total) dropped.add(index);
      else this.remember(paragraph);
    }
    const isCopy = total > 0 && seen >= threshold * total;
    return {
      text: isCopy ? '' : withoutSegments(text, paragraphs, (index) => dropped.has(index)),
      paragraphs: paragraphs.length,
      removed: isCopy ? paragraphs.length : dropped.size,
      seen: total === 0 ? 0 : seen / total,
    };
  }

  private count(paragraph: string): { total: number; seen: number } | undefined {
    const { words } = scanText(paragraph);
    let spoken = 0;
    for (let i = 0; i < words.count; i++) spoken += 1 - words.isSymbol[i];
    if (spoken < this.options.size) return undefined;
    let total = 0;
    let seen = 0;
    this.each(paragraph, (low, high) => {
      total += 1;
      if (this.filter.has(low, high)) seen += 1;
    });
    return { total, seen };
  }

  private remember(paragraph: string): void {
    this.each(paragraph, (low, high) => this.filter.add(low, high));
  }

  private each(paragraph: string, visit: (low: number, high: number) => void): void {
    const shingles = { unit: 'words', shingle: this.options.size, fold: false } as const;
    forEachBlock(paragraph, shingles, this.low, this.high, (count) => {
      for (let i = 0; i < count; i++) visit(this.low[i], this.high[i]);
    });
  }
}
