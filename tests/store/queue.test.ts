import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Queue, type LeasedEntry, type QueueItem, type QueueOptions } from '../../src/store/queue.js';
import { failure, failureCode, HASH, startProcess, testFolder } from './support.js';

const item = (name: string): QueueItem => ({
  name,
  shard: `shards/${name}.arrow`,
  split: 'train',
  tokens: 100,
  sha256: HASH,
});

interface TestQueue {
  readonly queue: Queue;
  readonly folder: string;
  readonly clock: { now: number };
}

async function newQueue(names: readonly string[], options: QueueOptions = {}): Promise<TestQueue> {
  const folder = join(await testFolder(), 'queue', 'd');
  const clock = { now: 1_000_000 };
  const queue = new Queue(folder, { leaseMs: 100, maxAttempts: 3, now: () => clock.now, ...options });
  await queue.init();
  await queue.enqueue(...names.map(item));
  return { queue, folder, clock };
}

/** Names by state, as in "ready a, done b". */
async function states(queue: Queue): Promise<string> {
  return (await queue.list()).map(({ name, state }) => `${state} ${name}`).join(', ');
}

async function leaseOf(queue: Queue, owner: string, name?: string): Promise<LeasedEntry> {
  const leased = await queue.lease(owner, name);
  if (leased === null) throw new Error('nothing to lease');
  return leased;
}

describe('the queue', () => {
  it('hands out entries by name, each once, until there are none', async () => {
    // "~" sorts behind every character of a name, so file names alone would give "a-b" before "a".
    const { queue } = await newQueue(['b', 'a', 'a-b']);
    expect((await leaseOf(queue, 'one')).name).toBe('a');
    expect((await leaseOf(queue, 'two')).name).toBe('a-b');
    expect((await leaseOf(queue, 'one')).name).toBe('b');
    expect(await queue.lease('one')).toBeNull();
  });

  it('gives the content of the entry with the lease', async () => {
    const { queue, clock } = await newQueue(['a']);
    expect(await queue.lease('run-1')).toEqual({
      ...item('a'),
      attempts: 0,
      owner: 'run-1',
      deadline: clock.now + 100,
    });
  });

  it('leases the entry that is asked for by name', async () => {
    const { queue } = await newQueue(['a', 'b']);
    expect((await leaseOf(queue, 'one', 'b')).name).toBe('b');
    expect(await queue.lease('two', 'b')).toBeNull();
    expect(await states(queue)).toBe('ready a, leased b');
  });

  it('ends an entry with acknowledge, release or fail', async () => {
    const { queue } = await newQueue(['a', 'b', 'c']);
    const [a, b, c] = [await leaseOf(queue, 'x'), await leaseOf(queue, 'x'), await leaseOf(queue, 'x')];
    await queue.acknowledge(a);
    await queue.release(b);
    await queue.fail(c, 'its shard is damaged\nbadly');
    expect(await queue.list()).toEqual([
      { name: 'a', state: 'done', attempts: 0, tokens: 100, owner: null, deadline: null, reason: null },
      { name: 'b', state: 'ready', attempts: 0, tokens: 100, owner: null, deadline: null, reason: null },
      {
        name: 'c',
        state: 'failed',
        attempts: 0,
        tokens: 100,
        owner: null,
        deadline: null,
        reason: 'its shard is damaged\nbadly',
      },
    ]);
    expect(await queue.leasedBy('x')).toEqual([]);
  });

  it('adds an entry once, whatever became of it', async () => {
    const { queue } = await newQueue(['ready', 'leased', 'done', 'failed']);
    await leaseOf(queue, 'x', 'leased');
    await queue.acknowledge(await leaseOf(queue, 'x', 'done'));
    await queue.fail(await leaseOf(queue, 'x', 'failed'), 'no');
    const before = await states(queue);
    await queue.enqueue(...['ready', 'leased', 'done', 'failed'].map(item), item('ready'));
    expect(await states(queue)).toBe(before);
    expect(before).toBe('done done, failed failed, leased leased, ready ready');
  });

  it('refuses names that cannot be part of a file name', async () => {
    const { queue } = await newQueue([]);
    expect((await failure(queue.enqueue(item('a~b')))).message).toContain('not well formed: name:');
    expect((await failure(queue.enqueue({ ...item('a'), shard: '../x' }))).message).toContain('shard:');
    for (const owner of ['', 'a/b', 'a~b', '.x', 'x'.repeat(101)]) {
      expect(await failureCode(queue.lease(owner))).toBe('USAGE');
    }
    expect(await queue.list()).toEqual([]);
  });
});

describe('leases', () => {
  it('expire at their deadline and count as an attempt', async () => {
    const { queue, clock } = await newQueue(['a']);
    const lease = await leaseOf(queue, 'one');
    clock.now += 100;
    expect(await queue.lease('two')).toBeNull();
    clock.now += 1;
    const again = await leaseOf(queue, 'two');
    expect([again.name, again.attempts]).toEqual(['a', 1]);
    for (const call of [
      () => queue.renew(lease),
      () => queue.acknowledge(lease),
      () => queue.release(lease),
      () => queue.fail(lease, 'x'),
    ]) {
      expect(await failureCode(call)).toBe('QUEUE_ENTRY_LOST');
    }
    await queue.acknowledge(again);
    expect(await states(queue)).toBe('done a');
  });

  it('live on when they are renewed', async () => {
    const { queue, clock } = await newQueue(['a']);
    let lease = await leaseOf(queue, 'one');
    for (let beat = 0; beat < 5; beat++) {
      clock.now += 80;
      lease = await queue.renew(lease);
      expect(lease.deadline).toBe(clock.now + 100);
      expect(await queue.lease('two')).toBeNull();
    }
    await queue.acknowledge(lease);
    expect(await states(queue)).toBe('done a');
  });

  it('that expire too often make the entry fail, and retry gives it all its attempts back', async () => {
    const { queue, clock } = await newQueue(['a', 'b']);
    for (const attempts of [0, 1, 2]) {
      expect((await leaseOf(queue, 'one', 'a')).attempts).toBe(attempts);
      clock.now += 101;
    }
    expect(await queue.lease('two', 'a')).toBeNull();
    const [failed] = await queue.list();
    expect(failed).toMatchObject({
      name: 'a',
      state: 'failed',
      attempts: 3,
      reason: 'its lease expired 3 times, last with one',
    });
    expect(await queue.retry('a')).toEqual(['a']);
    expect(await states(queue)).toBe('ready a, ready b');
    expect((await leaseOf(queue, 'two', 'a')).attempts).toBe(0);
  });

  it('given back do not count', async () => {
    const { queue } = await newQueue(['a']);
    for (let i = 0; i < 10; i++) await queue.release(await leaseOf(queue, 'one'));
    expect((await leaseOf(queue, 'one')).attempts).toBe(0);
  });

  it('can be found again by their owner, also after the deadline', async () => {
    const { queue, folder, clock } = await newQueue(['a', 'b', 'c']);
    const a = await leaseOf(queue, 'one');
    await leaseOf(queue, 'two');
    const c = await leaseOf(queue, 'one');
    clock.now += 1000;
    // A new process knows nothing but the folder.
    const restarted = new Queue(folder, { now: () => clock.now });
    expect(await restarted.leasedBy('one')).toEqual([a, c]);
    await restarted.acknowledge(await restarted.renew(a));
    expect(await states(restarted)).toBe('done a, leased b, leased c');
  });

  it('are retried all at once, and only where something failed', async () => {
    const { queue } = await newQueue(['a', 'b', 'c']);
    expect(await queue.retry()).toEqual([]);
    for (const name of ['a', 'c']) await queue.fail(await leaseOf(queue, 'x', name), 'no');
    const error = await failure(queue.retry('b'));
    expect([error.code, error.hint]).toEqual(['USAGE', 'failed are: a, c']);
    expect(await queue.retry()).toEqual(['a', 'c']);
    expect(await states(queue)).toBe('ready a, ready b, ready c');
  });
});

it('a queue that nobody made yet is empty', async () => {
  const queue = new Queue(join(await testFolder(), 'none'));
  expect([await queue.list(), await queue.lease('x'), await queue.retry()]).toEqual([[], null, []]);
});

describe('after a crash', () => {
  it('an entry whose temporary file was left is simply not there yet', async () => {
    const { queue, folder } = await newQueue([]);
    await writeFile(join(folder, 'ready', '.tmp-1-1-a~0.json'), '{"name":');
    expect(await queue.list()).toEqual([]);
    expect(await queue.lease('x')).toBeNull();
    await queue.enqueue(item('a'));
    expect((await leaseOf(queue, 'x')).name).toBe('a');
  });

  it('right behind the rename of a lease, all of the lease is known', async () => {
    const { queue, folder, clock } = await newQueue(['a']);
    await rename(
      join(folder, 'ready', 'a~0.json'),
      join(folder, 'leased', `a~0~${clock.now + 50}~dead.json`),
    );
    expect(await queue.leasedBy('dead')).toEqual([
      { ...item('a'), attempts: 0, owner: 'dead', deadline: clock.now + 50 },
    ]);
    expect(await queue.lease('other')).toBeNull();
    clock.now += 51;
    expect((await leaseOf(queue, 'other')).attempts).toBe(1);
  });

  it('between the reason of a failure and its rename, the entry goes on', async () => {
    const { queue, folder } = await newQueue(['a']);
    await writeFile(join(folder, 'failed', 'a.reason.txt'), 'half done\n');
    expect(await queue.list()).toMatchObject([{ name: 'a', state: 'ready', reason: null }]);
    await queue.acknowledge(await leaseOf(queue, 'x'));
    expect(await states(queue)).toBe('done a');
  });
});

describe('entries that cannot be read', () => {
  it.each([
    ['no JSON', '{"name": "a"', 'its file is not valid JSON'],
    ['an empty file', '', 'its file is not valid JSON'],
    ['not an entry', '[1]', 'its file is not an entry: '],
    ['another name', JSON.stringify(item('z')), 'its file says its name is z'],
    ['a path outside', JSON.stringify({ ...item('a'), shard: '../x' }), 'its file is not an entry: shard: '],
  ])('%s: goes to failed with the reason, and the next one is leased', async (_, content, reason) => {
    const { queue, folder } = await newQueue(['a', 'b']);
    await writeFile(join(folder, 'ready', 'a~0.json'), content);
    expect((await leaseOf(queue, 'x')).name).toBe('b');
    const [a] = await queue.list();
    expect([a.name, a.state, a.tokens]).toEqual(['a', 'failed', null]);
    expect(a.reason).toContain(reason);
  });

  it('do not hide what an owner holds', async () => {
    const { queue, folder } = await newQueue(['a', 'b']);
    const a = await leaseOf(queue, 'x');
    const b = await leaseOf(queue, 'x');
    await writeFile(join(folder, 'leased', `a~0~${a.deadline}~x.json`), 'broken');
    expect(await queue.leasedBy('x')).toEqual([b]);
    expect(await states(queue)).toBe('failed a, leased b');
  });

  it('of foreign names are left alone', async () => {
    const { queue, folder } = await newQueue(['a']);
    for (const name of ['notes.txt', 'b.json', 'b~x.json', 'b~1~2.json']) {
      await writeFile(join(folder, 'ready', name), '{}');
    }
    await mkdir(join(folder, 'leased', 'sub'));
    expect(await states(queue)).toBe('ready a');
    expect((await leaseOf(queue, 'x')).name).toBe('a');
    expect(await readdir(join(folder, 'ready'))).toEqual(['b.json', 'b~1~2.json', 'b~x.json', 'notes.txt']);
  });
});

describe('any sequence of operations', () => {
  const owners = ['one', 'two'];
  const operation = fc.record({
    kind: fc.constantFrom(
      'lease',
      'lease',
      'lease',
      'renew',
      'acknowledge',
      'release',
      'fail',
      'wait',
      'retry',
    ),
    owner: fc.constantFrom(...owners),
    pick: fc.nat(10),
    wait: fc.integer({ min: 1, max: 150 }),
  });

  it('keeps every entry in one state, and each lease with one owner', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        const names = ['a', 'b', 'c'];
        const { queue, folder, clock } = await newQueue(names);
        const done = new Set<string>();
        for (const { kind, owner, pick, wait } of operations) {
          const held = await queue.leasedBy(owner);
          const entry = held[pick % Math.max(1, held.length)];
          if (kind === 'lease') {
            const leased = await queue.lease(owner);
            if (leased !== null && done.has(leased.name)) throw new Error(`${leased.name} was leased again`);
          } else if (kind === 'wait') {
            clock.now += wait;
          } else if (kind === 'retry') {
            await queue.retry();
          } else if (entry !== undefined) {
            if (kind === 'renew') await queue.renew(entry);
            if (kind === 'acknowledge') done.add((await queue.acknowledge(entry), entry.name));
            if (kind === 'release') await queue.release(entry);
            if (kind === 'fail') await queue.fail(entry, 'tried');
          }
          const files = await Promise.all(
            ['ready', 'leased', 'done', 'failed'].map(async (state) =>
              (await readdir(join(folder, state))).filter((file) => file.endsWith('.json')),
            ),
          );
          expect(
            files
              .flat()
              .map((file) => file.split('~')[0])
              .sort(),
          ).toEqual(names);
          expect(files[2].map((file) => file.split('~')[0]).sort()).toEqual([...done].sort());
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe('several processes', () => {
  /** Leases and acknowledges until nothing is ready; a line an entry. */
  const TRAINER = `
const { Queue } = await import(dist + '/store/queue.js');
const queue = new Queue(args[0]);
console.log('started');
await new Promise((resolve) => process.stdin.once('data', resolve));
for (let entry; (entry = await queue.lease(args[1])) !== null;) {
  console.log(entry.name);
  await queue.acknowledge(entry);
}
process.exit(0);`;
  const names = Array.from({ length: 50 }, (_, i) => `train-${String(i).padStart(6, '0')}`);

  it('never lease one entry', async () => {
    const { queue, folder } = await newQueue(names);
    const trainers = ['one', 'two', 'three'].map((owner) => startProcess(TRAINER, [folder, owner]));
    await Promise.all(trainers.map((trainer) => trainer.waitForLines(1)));
    for (const { child } of trainers) child.stdin?.write('go\n');
    await Promise.all(trainers.map(({ ended }) => ended));
    const leased = trainers.flatMap(({ lines }) => lines.slice(1));
    expect(leased.sort()).toEqual(names);
    // More than one took part; else this test shows nothing.
    expect(trainers.filter(({ lines }) => lines.length > 1).length).toBeGreaterThan(1);
    expect((await queue.list()).every(({ state }) => state === 'done')).toBe(true);
  });

  it('killed in the middle leave every entry done, leased by them, or ready', async () => {
    const { queue, folder } = await newQueue(names);
    const trainer = startProcess(TRAINER, [folder, 'one']);
    await trainer.waitForLines(1);
    trainer.child.stdin?.write('go\n');
    await trainer.waitForLines(15);
    trainer.child.kill('SIGKILL');
    await trainer.ended;
    const entries = await queue.list();
    expect(entries.map(({ name }) => name)).toEqual(names);
    const held = await queue.leasedBy('one');
    expect(held.length).toBeLessThanOrEqual(1);
    // What it said it had leased is done but for the last, which may be in its hands.
    const printed = trainer.lines.slice(1);
    const done = new Set(entries.filter(({ state }) => state === 'done').map(({ name }) => name));
    expect(printed.slice(0, -1).every((name) => done.has(name))).toBe(true);
    // Its successor goes on without loss.
    const successor = startProcess(TRAINER, [folder, 'one']);
    successor.child.stdin?.write('go\n');
    await successor.ended;
    for (const entry of held) await queue.acknowledge(await queue.renew(entry));
    expect((await queue.list()).every(({ state }) => state === 'done')).toBe(true);
    expect(await readFile(join(folder, 'done', `${names[0]}~0.json`), 'utf8')).toBe(
      `${JSON.stringify(item(names[0]))}\n`,
    );
  });
});
