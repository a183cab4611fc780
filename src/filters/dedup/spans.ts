/**
 * Exact deduplication of lines, paragraphs, sentences, or spans of several of them, over a whole corpus.
 *
 * Keep first (CCNet, C4): a span that has occurred before, in an earlier document or earlier in the same one, goes; the
 * first stays. Drop all (CS336): a span that occurs more than once anywhere goes everywhere, which takes two passes.
 * A span is taken out by its segments, so overlapping spans take out all of theirs.
 *
 * Spans are compared by 64-bit hashes in a `KeyIndex`: memory is bounded, and of n different spans two are taken for one with
 * a probability of n^2 / 2^65, 3 in a million for ten million.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash128 } from '../../core/hash.js';
import { KeyIndex } from './key-index.js';
import { segmentsOf, withoutSegments, type Segment, type SegmentUnit } from './segments.js';

export interface SpanOptions {
  readonly unit: SegmentUnit;
  /** Segments of one span, at least 1. */
  readonly span: number;
  readonly mode: 'keep-first' | 'drop-all';
  /** Compare in lower case, without punctuation and accents, digits as 0, as CCNet does; else exactly but for the ends. */
  readonly normalize: boolean;
  /** Bytes of memory for the index. */
  readonly memory: number;
}

export interface SpanOutcome<Item> {
  readonly item: Item;
  /** What is left of its text; empty where nothing is. */
  readonly text: string;
  readonly segments: number;
  readonly removed: number;
}

interface Key {
  readonly low: number;
  readonly high: number;
}

/**
 * One outcome for each document, in order.
 * @param read gives the documents, the same every time: it is called twice where all copies are dropped
 */
export async function* dedupSpans<Item extends { readonly text: string }>(
  read: () => AsyncIterable<Item> | Iterable<Item>,
  options: SpanOptions,
): AsyncGenerator<SpanOutcome<Item>> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-spans-'));
  const memory = options.mode === 'drop-all' ? options.memory / 2 : options.memory;
  const open = (name: string): Promise<KeyIndex> => KeyIndex.open({ folder: join(folder, name), memory });
  const seen = await open('seen');
  const repeated = await open('repeated');
  try {
    if (options.mode === 'drop-all') await findRepeated(read, options, seen, repeated);
    let ordinal = 0;
    for await (const item of read()) {
      const segments = segmentsOf(item.text, options.unit);
      const dropped = new Set<number>();
      for (const [start, key] of spanKeys(item.text, segments, options).entries()) {
        const isRepeated = options.mode === 'drop-all' ? has(repeated, key) : !add(seen, key, ordinal);
        if (isRepeated) for (let i = start; i < start + options.span; i++) dropped.add(i);
      }
      ordinal += 1;
      await settle(seen, ordinal);
      const text = withoutSegments(item.text, segments, (index) => dropped.has(index));
      yield { item, text, segments: segments.length, removed: dropped.size };
    }
  } finally {
    seen.close();
    repeated.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function findRepeated(
  read: () => AsyncIterable<{ readonly text: string }> | Iterable<{ readonly text: string }>,
  options: SpanOptions,
  seen: KeyIndex,
  repeated: KeyIndex,
): Promise<void> {
  let ordinal = 0;
  for await (const { text } of read()) {
    for (const key of spanKeys(text, segmentsOf(text, options.unit), options)) {
      if (!add(seen, key, ordinal)) add(repeated, key, ordinal);
    }
    ordinal += 1;
    await settle(seen, ordinal);
    await settle(repeated, ordinal);
  }
}

/** Keys of the spans that start at each segment; none where there are fewer segments than a span has. */
function spanKeys(text: string, segments: readonly Segment[], { span, normalize }: SpanOptions): Key[] {
  const parts = segments.map(({ start, end }) => {
    const part = text.slice(start, end).trim();
    return normalize ? normalized(part) : part;
  });
  const keys: Key[] = [];
  for (let start = 0; start + span <= parts.length; start++) {
    const digits = hash128(span === 1 ? parts[start] : parts.slice(start, start + span).join('\n'));
    keys.push({
      high: Number.parseInt(digits.slice(0, 8), 16),
      low: Number.parseInt(digits.slice(8, 16), 16),
    });
  }
  return keys;
}

function normalized(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/\p{Mn}+/gu, '')
    .replaceAll(/\p{Nd}/gu, '0')
    .replaceAll(/[\p{P}\p{S}]+/gu, '');
}

function has(index: KeyIndex, { low, high }: Key): boolean {
  return index.get(low, high) >= 0;
}

/** Adds a key; false where it is there already. */
function add(index: KeyIndex, key: Key, value: number): boolean {
  if (has(index, key)) return false;
  index.first(key.low, key.high, value);
  return true;
}

async function settle(index: KeyIndex, limit: number): Promise<void> {
  if (index.isFull()) await index.flush(limit);
  await index.fitFilter();
}
