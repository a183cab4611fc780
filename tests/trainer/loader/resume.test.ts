/**
 * A run that starts again gets the batches that it would have got: from any checkpoint, after an orderly end or a
 * crash, whatever became of the queue. A crash is simulated by leaving a `TrainingData` as it is.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LEASE_MS, Queue } from '../../../src/store/queue.js';
import type { Batch } from '../../../src/trainer/loader/batch.js';
import { QueueFeed } from '../../../src/trainer/loader/feeds.js';
import { nextReplay, type Segment, type SegmentProgress } from '../../../src/trainer/loader/segments.js';
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

/** One run over and over: each `start` is a process, which ends without a word unless it is closed. */
class Run {
  now = 1_000_000;
  readonly log: string[] = [];
  readonly made: TrainingWorkspace;
  readonly record: string;

  constructor(made: TrainingWorkspace) {
    this.made = made;
    this.record = join(made.workspace.root, 'stream.json');
  }

  get queue(): Queue {
    return new Queue(this.made.paths.queue, { now: () => this.now });
  }

  async start(resume: readonly SegmentProgress[] = [], batchTokens = 4): Promise<TrainingData> {
    const log = (message: string): void => void this.log.push(message);
    return openData(this.made, {
      feed: await QueueFeed.open(this.queue, 'run', log, () => this.now),
      record: this.record,
      context: batchTokens,
      resume: positionAt(resume),
      log,
    });
  }
}

async function ids(data: TrainingData, batches: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < batches; i++) taken.push(...((await data.next()) as Batch).ids);
  return taken;
}

const SHARDS = [range(0, 7), range(10, 1), range(20, 12), range(40, 5)];
const BATCHES = 14;

/** What a run over `SHARDS` reads in batches of 4 without a stop, epoch after epoch of 25 tokens. */
const uninterrupted = (batches: number): number[] =>
  Array.from({ length: 4 * batches }, (_, token) => SHARDS.flat()[token % 25]);

describe('after a crash', () => {
  it.each(range(0, BATCHES))(
    'after %i batches since the beginning, everything comes again',
    async (crash) => {
      const run = new Run(await trainingWorkspace(SHARDS));
      await ids(await run.start(), crash);
      expect(await ids(await run.start(), BATCHES)).toEqual(uninterrupted(BATCHES));
    },
  );

  it('at any batch, from a checkpoint at any batch before, the very next token comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(5), fc.nat(4)), { maxLength: 5 }), async (lives) => {
        const run = new Run(await trainingWorkspace(SHARDS));
        let done = 0;
        let checkpoint: SegmentProgress[] = [];
        for (const [saved, lost] of lives) {
          const data = await run.start(checkpoint);
          expect(await ids(data, saved)).toEqual(uninterrupted(done + saved).slice(4 * done));
          done += saved;
          checkpoint = segmentsOf(data);
          await data.settle();
          await ids(data, lost);
        }
        const end = done + BATCHES;
        expect(await ids(await run.start(checkpoint), BATCHES)).toEqual(uninterrupted(end).slice(4 * done));
      }),
      { numRuns: 12 },
    );
  });

  it('between checkpoint and acknowledgement, the shard is acknowledged by the next start', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 2);
    const checkpoint = segmentsOf(data);
    expect(await queueStates(run.made)).toMatchObject({
      'train-1-1': 'leased by run',
      'train-1-2': 'leased by run',
    });
    await run.start(checkpoint);
    expect(await queueStates(run.made)).toEqual({
      'train-1-1': 'done',
      'train-1-2': 'done',
      'train-1-3': 'leased by run',
      'train-1-4': 'ready',
    });
    // So it does where the lease expired meanwhile and was returned.
    const late = new Run(await trainingWorkspace(SHARDS));
    await ids(await late.start(), 2);
    late.now += DEFAULT_LEASE_MS * 2;
    await late.queue.lease('other', 'none');
    expect(await queueStates(late.made)).toMatchObject({ 'train-1-1': 'ready', 'train-1-2': 'ready' });
    await late.start(checkpoint);
    expect(await queueStates(late.made)).toMatchObject({ 'train-1-1': 'done', 'train-1-2': 'done' });
  });

  it('between lease and record, the leased shard comes next', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    await run.queue.init();
    await run.queue.lease('run', 'train-1-3');
    expect(await ids(await run.start(), 4)).toEqual([...SHARDS[2], ...SHARDS[0].slice(0, 4)]);
  });

  it('although its leases expired meanwhile, as long as nobody else took the shards', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 3);
    const checkpoint = segmentsOf(data);
    await data.settle();
    run.now += DEFAULT_LEASE_MS * 2;
    // Somebody looks at the queue, which returns what has expired.
    expect((await run.queue.lease('other', 'none'))?.name).toBeUndefined();
    expect(await queueStates(run.made)).toMatchObject({ 'train-1-3': 'ready' });
    const next = await run.start(checkpoint);
    expect(await ids(next, BATCHES - 3)).toEqual(uninterrupted(BATCHES).slice(12));
  });

  it('when another run took a shard meanwhile, that shard’s rest is left out, and said so', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 3);
    const checkpoint = segmentsOf(data);
    await data.settle();
    run.now += DEFAULT_LEASE_MS * 2;
    expect((await run.queue.lease('other'))?.name).toBe('train-1-3');
    // 7 + 1 + 4 tokens were read. The other 8 of the third shard are the other run's.
    const expected = [...SHARDS[3], ...SHARDS[0]];
    expect(await ids(await run.start(checkpoint), 3)).toEqual(expected.slice(0, 12));
    expect(run.log).toEqual([
      'shard train-1-3: its lease was lost; 8 tokens are left out',
      'the queue is empty: epoch 2 over the shards of this run',
    ]);
    // The same again after one more crash.
    expect(await ids(await run.start(checkpoint), 3)).toEqual(expected.slice(0, 12));
  });

  it('with new shards in the queue, the recorded order stands', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    await ids(await run.start(), 8);
    await commitShards(run.made, 2, { train: [range(100, 8)] });
    expect(await ids(await run.start(), 8)).toEqual(uninterrupted(8));
  });
});

describe('after an orderly end', () => {
  it('shards that were given back are taken again', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 3);
    const checkpoint = segmentsOf(data);
    await data.settle();
    await data.close();
    expect(await queueStates(run.made)).toEqual({
      'train-1-1': 'done',
      'train-1-2': 'done',
      'train-1-3': 'ready',
      'train-1-4': 'ready',
    });
    expect(await ids(await run.start(checkpoint), BATCHES - 3)).toEqual(uninterrupted(BATCHES).slice(12));
  });
});

describe('the record', () => {
  it('of a run whose latest checkpoint was damaged still leads from an earlier one', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 1);
    const earlier = segmentsOf(data);
    await ids(data, 4);
    await data.settle();
    await data.close();
    // Shards 1 and 2 are acknowledged, yet this run may read them again.
    expect(await ids(await run.start(earlier), BATCHES - 1)).toEqual(uninterrupted(BATCHES).slice(4));
    expect(await queueStates(run.made)).toMatchObject({ 'train-1-1': 'done', 'train-1-2': 'done' });
  });

  it.each([
    ['is gone', async (path: string) => rm(path)],
    ['is damaged', async (path: string) => writeFile(path, (await readFile(path)).subarray(0, 100))],
    ['is of another kind', async (path: string) => writeFile(path, '{"version": 2}')],
    [
      'belongs to another run',
      async (path: string) =>
        writeFile(path, (await readFile(path, 'utf8')).replaceAll('train-1-1', 'train-9-9')),
    ],
  ])('that %s is replaced by the checkpoint’s', async (_name, damage) => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 3);
    const checkpoint = segmentsOf(data);
    await data.settle();
    await damage(run.record);
    expect(await ids(await run.start(checkpoint), BATCHES - 3)).toEqual(uninterrupted(BATCHES).slice(12));
    expect(run.log).toContain(
      `${run.record} does not fit the checkpoint; the checkpoint's list of shards is used`,
    );
  });

  it('skips a shard that cannot be read any more, from where it was used', async () => {
    const run = new Run(await trainingWorkspace(SHARDS));
    const data = await run.start();
    await ids(data, 3);
    const checkpoint = segmentsOf(data);
    await data.settle();
    await rm(join(run.made.paths.shards, 'train-1-3.arrow'));
    const rest = [...SHARDS[3], ...SHARDS[0], ...SHARDS[1]];
    expect(await ids(await run.start(checkpoint), 3)).toEqual(rest.slice(0, 12));
    expect(await queueStates(run.made)).toMatchObject({ 'train-1-3': 'failed' });
  });
});

describe('a damaged shard in a later epoch', () => {
  it('is left out of it', async () => {
    const run = new Run(await trainingWorkspace([range(0, 6), range(10, 6)]));
    const data = await run.start();
    await ids(data, 2);
    await rm(join(run.made.paths.shards, 'train-1-1.arrow'));
    expect(await ids(data, 4)).toEqual([12, 13, 14, 15, ...range(10, 6), ...range(10, 6)]);
  });

  it('is an error where all are damaged', async () => {
    const run = new Run(await trainingWorkspace([range(0, 6)]));
    const data = await run.start();
    await ids(data, 1);
    await rm(join(run.made.paths.shards, 'train-1-1.arrow'));
    await expect(data.next()).rejects.toMatchObject({ code: 'DATA_EXHAUSTED' });
  });
});

describe('which shard comes again', () => {
  const segment = (name: string, epoch: number, end = 5): Segment => ({
    name,
    shard: `shards/${name}.arrow`,
    sha256: '',
    tokens: 5,
    epoch,
    start: 0,
    end,
  });
  const next = (...segments: Segment[]): unknown => {
    const replay = nextReplay(segments);
    return replay && [replay.name, replay.epoch, replay.start, replay.end];
  };

  it('is the one that was read least recently', () => {
    expect(next()).toBeUndefined();
    expect(next(segment('a', 1), segment('b', 1))).toEqual(['a', 2, 0, 5]);
    expect(next(segment('a', 1), segment('b', 1), segment('a', 2))).toEqual(['b', 2, 0, 5]);
    expect(next(segment('a', 1), segment('a', 2), segment('b', 1))).toEqual(['a', 3, 0, 5]);
  });

  it('is never one that the run has in part, or an empty one', () => {
    expect(next(segment('a', 1, 3), segment('b', 1))).toEqual(['b', 2, 0, 5]);
    expect(next({ ...segment('a', 1, 0), tokens: 0 })).toBeUndefined();
  });
});
