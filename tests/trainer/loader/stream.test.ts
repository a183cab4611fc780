/** The token stream of a run: batches across shards, exact resumption, what happens to shards and leases on the way. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LEASE_MS, Queue } from '../../../src/store/queue.js';
import type { Batch } from '../../../src/trainer/loader/batch.js';
import { CommitFeed, QueueFeed, type ShardFeed } from '../../../src/trainer/loader/feeds.js';
import type { SegmentProgress } from '../../../src/trainer/loader/segments.js';
import type { TrainingData } from '../../../src/trainer/loader/training-data.js';
import {
  commitShards,
  openData,
  positionAt,
  queueStates,
  range,
  segmentsOf,
  trainingWorkspace,
  type TrainingWorkspace,
} from '../../support/training.js';

interface Opening {
  readonly feed?: ShardFeed;
  readonly resume?: readonly SegmentProgress[];
  readonly follow?: boolean;
  readonly size?: number;
}

/** A trainer's data, its own clock and log. */
class Trainer {
  /** Milliseconds, of leases and of renewals. */
  now = 1_000_000;
  readonly log: string[] = [];
  readonly made: TrainingWorkspace;
  readonly name: string;

  constructor(made: TrainingWorkspace, name = 'run') {
    this.made = made;
    this.name = name;
  }

  async open({ feed, resume = [], follow = false, size = 4 }: Opening = {}): Promise<TrainingData> {
    const { paths, workspace } = this.made;
    const clock = (): number => this.now;
    const log = (message: string): void => void this.log.push(message);
    return openData(this.made, {
      feed: feed ?? (await QueueFeed.open(new Queue(paths.queue, { now: clock }), this.name, log, clock)),
      record: join(workspace.root, `${this.name}.json`),
      context: size,
      follow,
      resume: positionAt(resume),
      log,
    });
  }
}

async function take(data: TrainingData, batches: number): Promise<Batch[]> {
  const taken: Batch[] = [];
  for (let i = 0; i < batches; i++) taken.push((await data.next()) as Batch);
  return taken;
}

const idsOf = (batches: readonly Batch[]): number[][] => batches.map(({ ids }) => [...ids]);

describe('batches', () => {
  it('take n + 1 tokens and move on by n, across shard borders', async () => {
    const made = await trainingWorkspace([range(0, 3), range(10, 7), range(20, 5)]);
    const data = await new Trainer(made).open();
    const batches = await take(data, 3);
    expect(batches.map(({ ids, targets }) => [[...ids], [...targets]])).toEqual([
      [
        [0, 1, 2, 10],
        [1, 2, 10, 11],
      ],
      [
        [11, 12, 13, 14],
        [12, 13, 14, 15],
      ],
      [
        [15, 16, 20, 21],
        [16, 20, 21, 22],
      ],
    ]);
    expect(batches[0].ids).toBeInstanceOf(Int32Array);
    expect(segmentsOf(data).map(({ name, start, end, consumed }) => [name, start, end, consumed])).toEqual([
      ['train-1-1', 0, 3, 3],
      ['train-1-2', 0, 7, 7],
      ['train-1-3', 0, 5, 2],
    ]);
  });

  it('may be larger than several shards', async () => {
    const made = await trainingWorkspace([range(0, 2), range(10, 1), range(20, 2), range(30, 9)]);
    const [batch] = await take(await new Trainer(made).open({ size: 6 }), 1);
    expect([...batch.ids]).toEqual([0, 1, 10, 20, 21, 30]);
    expect([...batch.targets]).toEqual([1, 10, 20, 21, 30, 31]);
  });

  it('go on in further epochs, shards in the order of the first, when the queue is empty', async () => {
    const made = await trainingWorkspace([range(0, 5), range(10, 3)]);
    const trainer = new Trainer(made);
    const data = await trainer.open();
    const epoch = [0, 1, 2, 3, 4, 10, 11, 12];
    expect(idsOf(await take(data, 5)).flat()).toEqual([...epoch, ...epoch, 0, 1, 2, 3]);
    expect(trainer.log).toEqual([
      'the queue is empty: epoch 2 over the shards of this run',
      'the queue is empty: epoch 3 over the shards of this run',
    ]);
    expect(segmentsOf(data).map(({ name, epoch, consumed }) => [name, epoch, consumed])).toEqual([
      ['train-1-1', 1, 5],
      ['train-1-2', 1, 3],
      ['train-1-1', 2, 5],
      ['train-1-2', 2, 3],
      ['train-1-1', 3, 4],
    ]);
  });

  it('take new shards before old ones come again, and those too in the next epoch', async () => {
    const made = await trainingWorkspace([range(0, 6)]);
    const data = await new Trainer(made).open();
    await take(data, 2);
    await commitShards(made, 2, { train: [range(50, 5)] });
    // 0-5 again to the end of their epoch, then what is new, then both.
    expect(idsOf(await take(data, 4)).flat()).toEqual([2, 3, 4, 5, 50, 51, 52, 53, 54, 0, 1, 2, 3, 4, 5, 50]);
  });
});

describe('queue', () => {
  it('gets a shard back only by settle, and only when its last token was an input', async () => {
    const made = await trainingWorkspace([range(0, 5), range(10, 9)]);
    const data = await new Trainer(made).open();
    await take(data, 1);
    await data.settle();
    // Token 4 was a target, and is the next input.
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'leased by run', 'train-1-2': 'ready' });
    await take(data, 1);
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'leased by run', 'train-1-2': 'leased by run' });
    await data.settle();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'done', 'train-1-2': 'leased by run' });
    await data.close();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'done', 'train-1-2': 'ready' });
  });

  it('keeps leases alive while training, however long it takes', async () => {
    const made = await trainingWorkspace([range(0, 200)]);
    const trainer = new Trainer(made);
    const other = new Queue(made.paths.queue, { now: () => trainer.now });
    const data = await trainer.open();
    for (let i = 0; i < 10; i++) {
      await take(data, 1);
      trainer.now += DEFAULT_LEASE_MS / 3;
      await data.renew();
      expect(await other.lease('other')).toBeNull();
    }
  });

  it('goes to one of two runs', async () => {
    const made = await trainingWorkspace([range(0, 4), range(10, 4), range(20, 4), range(30, 4)]);
    const a = await new Trainer(made, 'a').open({ size: 3 });
    const b = await new Trainer(made, 'b').open({ size: 3 });
    const taken = [await a.next(), await b.next(), await a.next(), await b.next()] as Batch[];
    expect(idsOf(taken)).toEqual([
      [0, 1, 2],
      [10, 11, 12],
      [3, 20, 21],
      [13, 30, 31],
    ]);
    expect(await queueStates(made)).toEqual({
      'train-1-1': 'leased by a',
      'train-1-2': 'leased by b',
      'train-1-3': 'leased by a',
      'train-1-4': 'leased by b',
    });
  });

  it('a shard that is lost ends where it was used, and goes on from there when it comes back', async () => {
    const made = await trainingWorkspace([range(0, 20), range(30, 20)]);
    const trainer = new Trainer(made);
    const data = await trainer.open();
    await take(data, 2);
    // The machine sleeps; another run takes what has expired, and gives it back.
    trainer.now += DEFAULT_LEASE_MS + 1;
    const other = new Queue(made.paths.queue, { now: () => trainer.now });
    const stolen = await other.lease('other');
    expect(stolen?.name).toBe('train-1-1');
    expect(idsOf(await take(data, 2))).toEqual([
      [30, 31, 32, 33],
      [34, 35, 36, 37],
    ]);
    expect(trainer.log).toEqual(['shard train-1-1: its lease expired; 12 tokens are left out']);
    await other.release(stolen as NonNullable<typeof stolen>);
    expect(idsOf(await take(data, 4)).flat()).toEqual([...range(38, 12), ...range(8, 4)]);
    await take(data, 1);
    await data.settle();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'leased by run', 'train-1-2': 'done' });
  });

  it('a damaged shard fails with its reason, and the next one is taken', async () => {
    const made = await trainingWorkspace([range(0, 9), range(10, 9), range(20, 9)]);
    const [first, second] = ['train-1-1', 'train-1-2'].map((name) =>
      join(made.paths.shards, `${name}.arrow`),
    );
    const bytes = await readFile(first);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(first, bytes);
    await rm(second);
    const trainer = new Trainer(made);
    const data = await trainer.open();
    expect(idsOf(await take(data, 1))).toEqual([[20, 21, 22, 23]]);
    expect(await queueStates(made)).toEqual({
      'train-1-1': 'failed',
      'train-1-2': 'failed',
      'train-1-3': 'leased by run',
    });
    const entries = await new Queue(made.paths.queue).list();
    expect(entries[0].reason).toContain('its SHA-256 is not the one that was recorded');
    expect(entries[1].reason).toContain('does not exist');
    expect(trainer.log).toEqual([
      expect.stringMatching(/train-1-1.*damaged.*it is left out, 9 tokens/),
      expect.stringMatching(/train-1-2.*does not exist.*it is left out, 9 tokens/),
    ]);
  });

  it('a shard of another tokenizer ends the run', async () => {
    const made = await trainingWorkspace([range(0, 9)], [], 'f'.repeat(64));
    const data = await new Trainer(made).open();
    await expect(data.next()).rejects.toMatchObject({ code: 'TOKENIZER_MISMATCH' });
    await data.close();
    expect(await queueStates(made)).toEqual({ 'train-1-1': 'ready' });
  });
});

describe('nothing to read', () => {
  it('is an error that says why and what to do', async () => {
    const made = await trainingWorkspace([]);
    await expect((await new Trainer(made).open()).next()).rejects.toMatchObject({
      code: 'DATA_EXHAUSTED',
      message: 'there is nothing to train on: the queue has no shard',
    });
    await commitShards(made, 2, { train: [range(0, 5), range(0, 5)] });
    const first = await new Trainer(made, 'first').open();
    await take(first, 2);
    await first.settle();
    await expect((await new Trainer(made, 'second').open()).next()).rejects.toMatchObject({
      code: 'DATA_EXHAUSTED',
      message: 'there is nothing to train on: no shard of the queue is ready, they are 1 leased, 1 done',
      hint: expect.stringContaining('--replay') as string,
    });
  });

  it('is a pause for a run that follows: it gets what comes, and never reads a shard twice', async () => {
    const made = await trainingWorkspace([range(0, 6)]);
    const data = await new Trainer(made).open({ follow: true });
    expect(idsOf(await take(data, 1))).toEqual([[0, 1, 2, 3]]);
    expect(await data.next()).toBeUndefined();
    expect(await data.next()).toBeUndefined();
    await commitShards(made, 2, { train: [range(50, 4)] });
    expect(idsOf(await take(data, 1))).toEqual([[4, 5, 50, 51]]);
    expect(await data.next()).toBeUndefined();
    expect(segmentsOf(data).map(({ epoch, consumed }) => [epoch, consumed])).toEqual([
      [1, 6],
      [1, 2],
    ]);
  });

  it('does not hold for a run that replays: it reads all shards, and the queue stays as it is', async () => {
    const made = await trainingWorkspace([range(0, 5), range(10, 5)], [range(90, 9)]);
    const other = await new Trainer(made, 'other').open();
    await take(other, 2);
    const before = await queueStates(made);
    const data = await new Trainer(made).open({ feed: new CommitFeed(made.paths) });
    expect(idsOf(await take(data, 3)).flat()).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 0, 1]);
    await data.settle();
    await data.close();
    expect(await queueStates(made)).toEqual(before);
    const empty = await trainingWorkspace([], [range(90, 9)]);
    const nothing = await new Trainer(empty).open({ feed: new CommitFeed(empty.paths) });
    await expect(nothing.next()).rejects.toMatchObject({
      code: 'DATA_EXHAUSTED',
      message: 'there is nothing to train on: it has no train shard',
    });
  });
});
