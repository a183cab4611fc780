/** Real trainer processes that are killed, interrupted, or share a queue. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import type { ConsumedTokens } from '../../src/trainer/metrics.js';
import type { StreamRecord } from '../../src/trainer/loader/segments.js';
import {
  outcome,
  smallWorkspace,
  textTokens,
  trainProcess,
  type SmallWorkspace,
} from '../support/trainer-process.js';
import { commitShards, queueStates } from '../support/training.js';

const KILLS = 20;
/** Milliseconds: each test starts several processes, and a busy machine takes its time. */
const TIMEOUT = 480_000;
const STEPS = 36;
/** 64 tokens a step: 2304 in all, an epoch and a bit of these. */
const SHARDS = [textTokens(1, 60), textTokens(2, 90), textTokens(3, 40), textTokens(4, 60)];
const OPTIONS = {
  steps: STEPS,
  checkpointEvery: 5,
  evalEvery: 20,
  batch: 2,
  accumulate: 2,
  shuffle: 6,
  optimizer: 'muon',
};

let undisturbed: Promise<SmallWorkspace> | undefined;

/** A run of the same options that nothing disturbed. */
async function trainWhole(): Promise<SmallWorkspace> {
  const made = await smallWorkspace(SHARDS);
  const result = await trainProcess(made, OPTIONS);
  if (result.status !== 0) throw new Error(result.stderr);
  return made;
}

it(
  `runs that were killed ${KILLS} times end bit-identical to one that was not, and read every token once an epoch`,
  { timeout: TIMEOUT },
  async () => {
    const whole = await (undisturbed ??= trainWhole());
    const expected = await outcome(whole, 'r', STEPS);
    const random = new Random(11);
    const finished: SmallWorkspace[] = [];
    let killed = await smallWorkspace(SHARDS);
    for (let kills = 0; kills < KILLS || finished.length === 0;) {
      // Every other one dies at some operation on files, between two writes or within one, the rest at some time.
      const spare = kills === KILLS;
      const operation = kills % 2 === 0 && !spare ? 1 + random.below(90) : undefined;
      const lines = 1 + random.below(6);
      const delay = random.below(40);
      const result = await trainProcess(
        killed,
        OPTIONS,
        (child) => {
          if (spare || operation !== undefined) return;
          let seen = 0;
          child.stderr?.on('data', () => {
            seen += 1;
            if (seen === lines) setTimeout(() => child.kill('SIGKILL'), delay);
          });
        },
        operation,
      );
      if (result.signal === 'SIGKILL') {
        kills += 1;
        continue;
      }
      expect(result).toMatchObject({ status: 0 });
      finished.push(killed);
      // It may have come to its end before all kills were used up; another run takes the rest.
      killed = await smallWorkspace(SHARDS);
    }
    for (const made of finished) {
      expect(await outcome(made, 'r', STEPS)).toEqual(expected);
      expect(await queueStates(made)).toEqual(await queueStates(whole));
      expect((await readdir(join(made.workspace.models, 'r', 'checkpoints'))).sort()).toEqual([
        'step-000030',
        'step-000035',
        'step-000036',
      ]);
    }
    expect(await timesRead(whole)).toEqual([[1, SHARDS.flat().length, 1]]);
  },
);

/** By epoch that ended: how many tokens were read, and how often at most each of them. */
async function timesRead({
  workspace,
}: SmallWorkspace): Promise<[epoch: number, tokens: number, times: number][]> {
  const lines = (await readFile(join(workspace.models, 'r', 'consumed.jsonl'), 'utf8')).trimEnd().split('\n');
  const epochs = new Map<number, Map<string, number>>();
  for (const line of lines) {
    const { shard, epoch, first_token: first, tokens } = JSON.parse(line) as ConsumedTokens;
    const times = epochs.get(epoch) ?? new Map<string, number>();
    for (let place = first; place < first + tokens; place++) {
      times.set(`${shard} ${place}`, (times.get(`${shard} ${place}`) ?? 0) + 1);
    }
    epochs.set(epoch, times);
  }
  return [...epochs].slice(0, -1).map(([epoch, times]) => [epoch, times.size, Math.max(...times.values())]);
}

it(
  'SIGINT ends a run after its step with a checkpoint and status 130; the same command finishes it',
  { timeout: TIMEOUT },
  async () => {
    const whole = await (undisturbed ??= trainWhole());
    const stopped = await smallWorkspace(SHARDS);
    const result = await trainProcess(stopped, { ...OPTIONS, checkpointEvery: 1000 }, (child) => {
      child.stderr?.on('data', (text: Buffer) => {
        if (text.includes('step 12/')) child.kill('SIGINT');
      });
    });
    expect(result).toMatchObject({ status: 130 });
    const step = Number(/interrupted after step (\d+), which is saved/.exec(result.stderr)?.[1]);
    expect(step).toBeGreaterThanOrEqual(12);
    expect(step).toBeLessThan(STEPS);
    const name = `step-${String(step).padStart(6, '0')}`;
    expect(await readdir(join(stopped.workspace.models, 'r', 'checkpoints'))).toEqual([name]);
    // Nothing stays leased by a process that ended in order.
    expect(Object.values(await queueStates(stopped)).filter((state) => state.startsWith('leased'))).toEqual(
      [],
    );
    const last = await trainProcess(stopped, OPTIONS);
    expect(last).toMatchObject({ status: 0 });
    expect(last.stderr).toContain(`from step ${step}`);
    expect(await outcome(stopped, 'r', STEPS)).toEqual(await outcome(whole, 'r', STEPS));
  },
);

it(
  'two trainers that follow one queue never get one shard, and together get all',
  { timeout: TIMEOUT },
  async () => {
    const shared = await smallWorkspace([]);
    const runs = ['a', 'b'];
    const children: ChildProcess[] = [];
    const ended = runs.map((run) =>
      trainProcess(shared, { run, follow: true, steps: 10_000, evalEvery: 1000 }, (child) =>
        children.push(child),
      ),
    );
    await until(async () => runs.every((run) => existsSync(join(shared.workspace.models, run, 'run.json'))));
    // Shards come one by one for longer than a trainer pauses between two looks at the queue.
    const names: string[] = [];
    for (let sequence = 2; sequence < 22; sequence++) {
      await commitShards(shared, sequence, { train: [textTokens(sequence, 25)] });
      names.push(`train-${sequence}-1`);
      await sleep(120);
    }
    const taken = async (): Promise<string[][]> => Promise.all(runs.map((run) => shardsOf(shared, run)));
    await until(async () => (await taken()).flat().length >= names.length);
    for (const child of children) child.kill('SIGKILL');
    for (const result of await Promise.all(ended)) expect(result).toMatchObject({ signal: 'SIGKILL' });
    const [a, b] = await taken();
    expect([...a, ...b].sort()).toEqual(names.sort());
    expect(Math.min(a.length, b.length)).toBeGreaterThan(0);
  },
);

/** Shards in a run's stream. */
async function shardsOf({ workspace }: SmallWorkspace, run: string): Promise<string[]> {
  try {
    const text = await readFile(join(workspace.models, run, 'stream.json'), 'utf8');
    return (JSON.parse(text) as StreamRecord).segments.map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}
