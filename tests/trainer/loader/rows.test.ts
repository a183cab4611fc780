/** Sequences: shuffled, packed, mixed, and the same after a restart at any of them. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LEASE_MS, Queue } from '../../../src/store/queue.js';
import type { Row } from '../../../src/trainer/loader/batch.js';
import { CommitFeed, QueueFeed } from '../../../src/trainer/loader/feeds.js';
import type { RowOptions, RowPosition, RowSource } from '../../../src/trainer/loader/rows.js';
import { TrainingData } from '../../../src/trainer/loader/training-data.js';
import {
  END_OF_TEXT as END,
  openRows,
  queueStates,
  range,
  trainingWorkspace,
  type TrainingWorkspace,
} from '../../support/training.js';

async function open(
  made: TrainingWorkspace,
  options: Partial<RowOptions> & { follow?: boolean; name?: string } = {},
  resume?: RowPosition,
): Promise<RowSource> {
  const { name = 'run', ...rest } = options;
  return openRows(made, {
    feed: new CommitFeed(made.paths),
    record: join(made.workspace.root, `${name}.json`),
    resume,
    log: () => undefined,
    ...rest,
  });
}

async function take(rows: RowSource, count: number): Promise<Row[]> {
  const taken = [];
  for (let i = 0; i < count; i++) {
    expect(await rows.prepare(1)).toBe(true);
    taken.push(rows.take());
  }
  return taken;
}

const idsOf = (rows: readonly Row[]): number[][] => rows.map(({ ids }) => [...ids]);
const sorted = (rows: readonly number[][]): number[][] => [...rows].sort(([a], [b]) => a - b);

describe('shuffled sequences', () => {
  it('are those of the stream, each once in its block, in an order of the seed', async () => {
    const made = await trainingWorkspace([range(0, 30), range(30, 19)]);
    const plain = idsOf(await take(await open(made, { name: 'plain' }), 12));
    const shuffled = idsOf(await take(await open(made, { name: 'a', shuffle: 6 }), 12));
    expect(sorted(shuffled.slice(0, 6))).toEqual(plain.slice(0, 6));
    expect(sorted(shuffled.slice(6))).toEqual(plain.slice(6));
    expect(shuffled.slice(0, 6)).not.toEqual(plain.slice(0, 6));
    // The blocks' orders are not one and the same.
    const orders = [0, 6].map((from) =>
      shuffled.slice(from, from + 6).map(([first]) => (first - 4 * from) / 4),
    );
    expect(orders[0]).not.toEqual(orders[1]);
    const again = idsOf(await take(await open(made, { name: 'b', shuffle: 6 }), 12));
    expect(again).toEqual(shuffled);
    const other = idsOf(await take(await open(made, { name: 'c', shuffle: 6, seed: 2 }), 12));
    expect(other).not.toEqual(shuffled);
  });

  it('keep their shards until the last sequence of the block is used', async () => {
    const made = await trainingWorkspace([range(0, 8), range(10, 9)]);
    const queue = new Queue(made.paths.queue);
    const feed = await QueueFeed.open(queue, 'run', () => undefined);
    const rows = await openRows(made, {
      feed,
      record: join(made.workspace.root, 'r.json'),
      shuffle: 4,
      log: () => undefined,
    });
    await take(rows, 3);
    await rows.settle();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'leased by run', 'train-1-2': 'leased by run' });
    await take(rows, 1);
    await rows.settle();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'done', 'train-1-2': 'leased by run' });
  });

  it('of a block that was begun are used to its end where a lease is lost, and nothing of the shard behind it', async () => {
    const made = await trainingWorkspace([range(0, 20), range(30, 20)]);
    let now = 1_000_000;
    const clock = (): number => now;
    const feed = await QueueFeed.open(
      new Queue(made.paths.queue, { now: clock }),
      'run',
      () => undefined,
      clock,
    );
    const rows = await openRows(made, {
      feed,
      record: join(made.workspace.root, 'r.json'),
      shuffle: 3,
      log: () => undefined,
    });
    const first = await take(rows, 1);
    now += DEFAULT_LEASE_MS + 1;
    expect((await new Queue(made.paths.queue, { now: clock }).lease('other'))?.name).toBe('train-1-1');
    await rows.renew();
    const rest = await take(rows, 2);
    expect(sorted(idsOf([...first, ...rest])).flat()).toEqual(range(0, 12));
    expect(sorted(idsOf(await take(rows, 3))).flat()).toEqual(range(30, 12));
  });
});

describe('packed documents', () => {
  const packed = { packing: 'best-fit', context: 6 } as const;
  const many = (tokens: readonly number[]): number[] => Array.from({ length: 100 }, () => tokens).flat();

  it('follow end-of-text, see their own positions, and have each token as a target', async () => {
    const made = await trainingWorkspace([
      [1, 2, 3, END],
      [5, END],
    ]);
    const [row] = await take(await open(made, packed), 1);
    expect([...row.ids]).toEqual([END, 1, 2, 3, END, 5]);
    expect([...row.targets]).toEqual([1, 2, 3, END, 5, END]);
    expect([...(row.layout?.documents ?? [])]).toEqual([0, 0, 0, 0, 1, 1]);
    expect([...(row.layout?.positions ?? [])]).toEqual([0, 1, 2, 3, 0, 1]);
  });

  it('leave the rest of a sequence to targets that do not count', async () => {
    const made = await trainingWorkspace([many([1, 2, 3, END])]);
    const [row] = await take(await open(made, packed), 1);
    expect([...row.ids]).toEqual([END, 1, 2, 3, END, END]);
    expect([...row.targets]).toEqual([1, 2, 3, END, -100, -100]);
    expect([...(row.layout?.documents ?? [])]).toEqual([0, 0, 0, 0, 1, 1]);
    expect([...(row.layout?.positions ?? [])]).toEqual([0, 1, 2, 3, 0, 1]);
  });

  it('go on behind the token before where they are longer than a sequence', async () => {
    const made = await trainingWorkspace([many([1, 2, 3, 4, 5, 6, 7, END])]);
    const rows = idsOf(await take(await open(made, packed), 80));
    const [long, short] = [(row: number[]) => row[1] === 1, (row: number[]) => row[1] !== 1].map((is) =>
      rows.filter(is),
    );
    expect(new Set(long.map(String))).toEqual(new Set([String([END, 1, 2, 3, 4, 5])]));
    expect(new Set(short.map(String))).toEqual(new Set([String([6, 7, 6, 7, 6, 7])]));
  });

  it('are each read once, and say which tokens of which shard they are', async () => {
    const documents = (count: number, from: number): number[] =>
      range(from, count).flatMap((seed) => [...range(seed % 7, (seed * seed) % 23), END]);
    const shards = [documents(20, 1), documents(35, 21)];
    const made = await trainingWorkspace(shards);
    const tokens = shards.flat().length;
    const waiting = await open(made, { ...packed, name: 'waiting', shuffle: 1000, follow: true });
    expect(await waiting.prepare(1)).toBe(false);
    const source = await open(made, packed);
    const seen = new Set<string>();
    let read = 0;
    while (source.position.block.number === 0) {
      const [{ targets, consumed }] = await take(source, 1);
      const named = consumed.flatMap(({ shard, start, end }) =>
        shards[Number(shard.at(-1)) - 1].slice(start, end),
      );
      expect(named).toEqual([...targets].filter((target) => target >= 0));
      for (const { shard, start, end } of consumed)
        for (let place = start; place < end; place++) seen.add(`${shard} ${place}`);
      read += named.length;
    }
    // A block takes 64 sequences' tokens and the rest of the document in which they end.
    expect(seen.size).toBe(read);
    expect(read).toBeGreaterThanOrEqual(64 * 6);
    expect(read).toBeLessThan(Math.min(tokens, 64 * 6 + 23));
  });
});

describe('after a restart', () => {
  it.each([
    { packing: 'concatenate', shuffle: 0, context: 4 },
    { packing: 'concatenate', shuffle: 5, context: 4 },
    { packing: 'best-fit', shuffle: 0, context: 4 },
  ] as const)('at any sequence, the very next one comes: %o', async (options) => {
    const made = await trainingWorkspace([
      range(0, 7),
      range(10, 1),
      range(20, 12),
      range(40, 5),
      range(100, 90),
    ]);
    const whole = idsOf(await take(await open(made, { ...options, name: 'whole' }), 130));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(40), fc.nat(20)), { maxLength: 3 }), async (lives) => {
        const name = `run-${(runs += 1)}`;
        let done = 0;
        let position: RowPosition | undefined;
        for (const [saved, lost] of lives) {
          const rows = await open(made, { ...options, name }, position);
          expect(idsOf(await take(rows, saved))).toEqual(whole.slice(done, done + saved));
          done += saved;
          position = JSON.parse(JSON.stringify(rows.position)) as RowPosition;
          await take(rows, lost);
        }
        const rest = await take(await open(made, { ...options, name }, position), 8);
        expect(idsOf(rest)).toEqual(whole.slice(done, done + 8));
      }),
      { numRuns: 5 },
    );
  });
});

describe('a mixture', () => {
  const sources = async (): Promise<{ a: RowSource; b: RowSource }> => {
    const [a, b] = [
      await trainingWorkspace([range(0, 101)]),
      await trainingWorkspace([range(1000 % 256, 20)]),
    ];
    return { a: await open(a), b: await open(b) };
  };

  it('takes each sequence from the dataset that is furthest behind its share', async () => {
    const { a, b } = await sources();
    const data = new TrainingData(
      [
        { dataset: 'web', weight: 3, rows: a, sequences: 0 },
        { dataset: 'code', weight: 1, rows: b, sequences: 0 },
      ],
      8,
    );
    const batch = await data.next();
    // After n sequences 3/4 n and 1/4 n are due: web, web (both are 1/2 behind), code, web, and again.
    const parts = ['web', 'web', 'code', 'web', 'web', 'web', 'code', 'web'];
    expect(batch?.consumed.map(({ dataset, start, end }) => [dataset, start, end])).toEqual([
      ['web', 0, 8],
      ['code', 0, 4],
      ['web', 8, 20],
      ['code', 4, 8],
      ['web', 20, 24],
    ]);
    expect(batch?.ids).toHaveLength(4 * parts.length);
    expect([...(batch?.ids.subarray(4, 12) ?? [])]).toEqual([4, 5, 6, 7, ...range(1000 % 256, 4)]);
    expect(data.position.map(({ dataset, sequences }) => [dataset, sequences])).toEqual([
      ['web', 6],
      ['code', 2],
    ]);
  });

  it('takes nothing from any where one has not enough yet', async () => {
    const [made, empty] = [await trainingWorkspace([range(0, 101)]), await trainingWorkspace([range(0, 4)])];
    const data = new TrainingData(
      [
        { dataset: 'a', weight: 1, rows: await open(made), sequences: 0 },
        { dataset: 'b', weight: 1, rows: await open(empty, { follow: true }), sequences: 0 },
      ],
      2,
    );
    expect(await data.next()).toBeUndefined();
    expect(data.position.map(({ sequences, segments }) => [sequences, segments[0]?.consumed ?? 0])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});
