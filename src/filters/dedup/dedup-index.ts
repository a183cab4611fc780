/**
 * Deduplication by the first-wins rule, document by document, against everything that came before.
 *
 * Documents have a total order, their ordinals. A document is a duplicate when an earlier document of the index has the
 * same key (of its text, and where they are used of its payload or its URL) or shares a MinHash band with it; it names
 * the earliest such document, which counts even if it was dropped as a duplicate itself. What a policy dropped is not in
 * the index.
 *
 * Verified: for each band the first earlier document with it is a candidate, and only those count whose exact Jaccard
 * similarity of shingles is at least the threshold. One candidate a band bounds the work; it depends on the order of
 * the documents alone, so the answer still does.
 *
 * Invariants: documents come in order; the answer does not depend on how they are cut into windows, nor on which of them
 * are on disk. The index is derived from the signatures and may be removed: it says with `covered` what it has to be
 * given again. Memory is bounded by `memory` and the window, not by the number of documents.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureFolder, readJson, writeFileAtomic } from '../../core/files.js';
import { exactJaccard } from '../minhash/shingle-set.js';
import { estimateJaccard } from '../minhash/signature.js';
import { DocumentStore } from './document-store.js';
import { EXACT_KINDS, exactKey, type ExactHashes, type ExactReason } from './exact.js';
import { KeyIndex } from './key-index.js';

/** Memory of the index unless it is said otherwise: room for a filter of 10 bits a key for 10 million documents. */
export const INDEX_MEMORY = 256_000_000;

const INFO_FILE = 'index.json';
const infoSchema = z.strictObject({
  version: z.literal(1),
  permutations: z.number().int(),
  verify: z.number().nullable(),
});

export interface DedupDocument extends ExactHashes {
  readonly ordinal: number;
  readonly id: string;
  readonly minhashes: Uint32Array;
  readonly bands: BigUint64Array;
  /** Needed where duplicates are verified. */
  readonly shingles?: BigUint64Array;
}

export interface Duplicate {
  readonly ordinal: number;
  readonly reason: ExactReason | 'near_duplicate';
  readonly duplicateOfOrdinal: number;
  readonly duplicateOf: string;
  /** 1 where a key is the same, else the exact similarity where it was verified, else the share of equal minhashes. */
  readonly jaccard: number;
}

export interface DedupIndexOptions {
  /** The index's own folder. */
  readonly folder: string;
  /** Minhashes of a document. */
  readonly permutations: number;
  /** Exact Jaccard similarity from which a near-duplicate counts; default: all that share a band count. */
  readonly verify?: number;
  /** Documents that count; what the folder has beyond them is removed. Default: none. */
  readonly documents?: number;
  /** Bytes of memory to use at most. */
  readonly memory?: number;
}

export class DedupIndex {
  /** Documents that the index had when it was opened; those behind them have to be loaded. */
  readonly covered: number;
  private readonly keys: KeyIndex;
  private readonly store: DocumentStore;
  private readonly verify: number | undefined;

  private constructor(keys: KeyIndex, store: DocumentStore, verify: number | undefined) {
    this.keys = keys;
    this.store = store;
    this.verify = verify;
    this.covered = store.size;
  }

  /** Opens or creates the index of a folder. One process a folder. */
  static async open(options: DedupIndexOptions): Promise<DedupIndex> {
    const { folder, permutations, verify, documents = 0, memory = INDEX_MEMORY } = options;
    const info = { version: 1 as const, permutations, verify: verify ?? null };
    if (!(await isSame(folder, info))) {
      await rm(folder, { recursive: true, force: true });
      await ensureFolder(folder);
      await writeFileAtomic(join(folder, INFO_FILE), `${JSON.stringify(info)}\n`);
    }
    let keys = await KeyIndex.open({ folder, memory }, documents);
    const store = new DocumentStore(folder, permutations);
    if (!store.truncate(keys.covered)) {
      // Documents are made durable before the keys that name them, so this is damage: start over.
      keys.close();
      keys = await KeyIndex.open({ folder, memory }, 0);
      store.truncate(0);
    }
    return new DedupIndex(keys, store, verify);
  }

  /** Documents in the index. */
  get size(): number {
    return this.store.size;
  }

  get keyCount(): number {
    return this.keys.size;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.keys.bytes + this.store.bytes;
  }

  /** Finds the duplicates of the next documents, in order, and adds all of them to the index. */
  resolve(documents: readonly DedupDocument[]): Duplicate[] {
    const start = this.store.size;
    this.store.append(documents);
    const found: Duplicate[] = [];
    documents.forEach((document, i) => {
      const duplicate = this.take(document, start + i);
      if (duplicate !== undefined) found.push(duplicate);
    });
    return found;
  }

  /** Adds documents without looking for what they duplicate. */
  load(documents: readonly DedupDocument[]): void {
    const start = this.store.size;
    this.store.append(documents);
    documents.forEach((document, i) => {
      for (const kind of EXACT_KINDS) {
        const key = exactKey(kind, document);
        if (key !== undefined) this.keys.first(key.low, key.high, start + i);
      }
      this.firstOfBands(document.bands, start + i);
    });
  }

  /**
   * To be called now and then, once the documents so far count for good: writes keys to disk where they are too many
   * for memory.
   */
  async settle(): Promise<void> {
    if (this.keys.isFull()) await this.flush();
    await this.keys.fitFilter();
  }

  /** Writes what is in memory only, so that the next process does not have to be given it again. */
  async flush(): Promise<void> {
    this.store.sync();
    await this.keys.flush(this.store.size);
  }

  close(): void {
    this.keys.close();
    this.store.close();
  }

  private take(document: DedupDocument, slot: number): Duplicate | undefined {
    let exact: { reason: ExactReason; slot: number } | undefined;
    for (const kind of EXACT_KINDS) {
      const key = exactKey(kind, document);
      if (key === undefined) continue;
      const first = this.keys.first(key.low, key.high, slot);
      if (first < slot && exact === undefined) exact = { reason: kind.reason, slot: first };
    }
    const firsts = this.firstOfBands(document.bands, slot);
    if (exact !== undefined) return this.describe(document, exact.reason, exact.slot, 1);
    const near = this.nearest(document, firsts);
    return near === undefined
      ? undefined
      : this.describe(document, 'near_duplicate', near.slot, near.jaccard);
  }

  /** Slots of the first documents with the bands where those are earlier, each once, in order. */
  private firstOfBands(bands: BigUint64Array, slot: number): number[] {
    const halves = new Uint32Array(bands.buffer, bands.byteOffset, bands.length * 2);
    const firsts = new Set<number>();
    for (let i = 0; i < halves.length; i += 2) {
      const first = this.keys.first(halves[i], halves[i + 1], slot);
      if (first < slot) firsts.add(first);
    }
    return [...firsts].sort((a, b) => a - b);
  }

  private nearest(
    { minhashes, shingles }: DedupDocument,
    firsts: readonly number[],
  ): { slot: number; jaccard: number } | undefined {
    if (this.verify === undefined) {
      const slot = firsts.at(0);
      return slot === undefined
        ? undefined
        : { slot, jaccard: estimateJaccard(minhashes, this.store.minhashes(slot)) };
    }
    for (const slot of firsts) {
      const jaccard = exactJaccard(shingles as BigUint64Array, this.store.shingleSet(slot));
      if (jaccard >= this.verify) return { slot, jaccard };
    }
    return undefined;
  }

  private describe(
    { ordinal }: DedupDocument,
    reason: Duplicate['reason'],
    slot: number,
    jaccard: number,
  ): Duplicate {
    return {
      ordinal,
      reason,
      duplicateOfOrdinal: this.store.ordinal(slot),
      duplicateOf: this.store.id(slot),
      jaccard,
    };
  }
}

async function isSame(folder: string, info: z.output<typeof infoSchema>): Promise<boolean> {
  try {
    const parsed = infoSchema.safeParse(await readJson(join(folder, INFO_FILE)));
    return parsed.success && JSON.stringify(parsed.data) === JSON.stringify(info);
  } catch {
    return false;
  }
}
