/** Deduplication of texts by themselves, outside a dataset: the same rule, index and signatures. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DedupIndex, type DedupDocument, type Duplicate } from './dedup-index.js';
import { measureForDedup, type DedupInput } from './measure.js';
import { DEFAULT_DEDUP, type DedupConfig } from './settings.js';

/** Documents that are looked up at once; it bounds memory, never the result. */
const WINDOW_DOCUMENTS = 1024;
/** The same for long documents: characters of text. */
const WINDOW_CHARACTERS = 16_000_000;

export interface DedupItem extends DedupInput {
  readonly id: string;
}

export interface DedupOutcome<Item extends DedupItem = DedupItem> {
  readonly item: Item;
  /** What it duplicates; undefined where it is the first of its kind. */
  readonly duplicate: Duplicate | undefined;
}

export interface DedupTextsOptions {
  readonly config?: DedupConfig;
  /** Bytes of memory for the index. */
  readonly memory?: number;
}

/** One outcome for each text, in order. The index is in a temporary folder. */
export async function* dedupTexts<Item extends DedupItem>(
  items: AsyncIterable<Item> | Iterable<Item>,
  { config = DEFAULT_DEDUP, memory }: DedupTextsOptions = {},
): AsyncGenerator<DedupOutcome<Item>> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-dedup-'));
  const index = await DedupIndex.open({
    folder: join(folder, 'index'),
    permutations: config.minhash.bands * config.minhash.rows,
    verify: config.verify ?? undefined,
    memory,
  });
  try {
    let window: Item[] = [];
    let documents: DedupDocument[] = [];
    let characters = 0;
    let ordinal = 0;
    for await (const item of items) {
      window.push(item);
      documents.push({ ordinal: ordinal++, id: item.id, ...measureForDedup(item, config) });
      characters += item.text.length;
      if (window.length < WINDOW_DOCUMENTS && characters < WINDOW_CHARACTERS) continue;
      yield* await resolve(index, window, documents);
      window = [];
      documents = [];
      characters = 0;
    }
    yield* await resolve(index, window, documents);
  } finally {
    index.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function resolve<Item extends DedupItem>(
  index: DedupIndex,
  items: readonly Item[],
  documents: readonly DedupDocument[],
): Promise<DedupOutcome<Item>[]> {
  const found = new Map(index.resolve(documents).map((duplicate) => [duplicate.ordinal, duplicate]));
  await index.settle();
  return items.map((item, i) => ({ item, duplicate: found.get(documents[i].ordinal) }));
}
