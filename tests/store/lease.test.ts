import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireWriter, inspectLease, STALE_MS } from '../../src/store/lease.js';
import { failure, failureCode, startProcess, testFolder } from './support.js';

const OPTIONS = { what: 'dataset crawl', code: 'DATASET_LOCKED' } as const;

/** Takes the lease, says so, and keeps it until it is killed or its input ends; says "locked" where it cannot. */
const HOLDER = `
const { acquireWriter } = await import(dist + '/store/lease.js');
try {
  const options = { what: 'dataset crawl', code: 'DATASET_LOCKED', withBeacon: args[1] === 'beacon' };
  const lease = await acquireWriter(args[0], options);
  await lease.assertHeld();
  console.log('held');
  process.stdin.resume().on('end', async () => { await lease.release(); process.exit(0); });
} catch (error) {
  console.log('locked ' + error.code);
  process.exit(0);
}`;

const foreign = (changes: object): string =>
  JSON.stringify({
    owner: 'x',
    pid: 4242,
    host: 'elsewhere',
    machine: 'other',
    started: '1',
    released: false,
    ...changes,
  });

describe('the writer lease', () => {
  it('is held by one at a time and free after release', async () => {
    const path = join(await testFolder(), 'new', 'writer.lock');
    const first = await acquireWriter(path, OPTIONS);
    await first.assertHeld();
    const error = await failure(acquireWriter(path, OPTIONS));
    expect(error.code).toBe('DATASET_LOCKED');
    expect(error.message).toBe(`dataset crawl is in use by process ${process.pid} on ${hostname()}`);
    expect(error.hint).toContain('stop it');
    await first.release();
    const second = await acquireWriter(path, OPTIONS);
    await second.assertHeld();
    expect(await failureCode(first.assertHeld())).toBe('DATASET_LOCKED');
    await first.release();
    await second.assertHeld();
    await second.release();
  });

  it('uses the code that it is given', async () => {
    const path = join(await testFolder(), 'run.lock');
    const lease = await acquireWriter(path, { what: 'run r', code: 'RUN_LOCKED' });
    const error = await failure(acquireWriter(path, { what: 'run r', code: 'RUN_LOCKED' }));
    expect([error.code, error.message.startsWith('run r is in use')]).toEqual(['RUN_LOCKED', true]);
    await lease.release();
  });

  it('says who holds it', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const lease = await acquireWriter(path, OPTIONS);
    const holder = JSON.parse(await readFile(`${path}.1`, 'utf8')) as Record<string, unknown>;
    expect(holder).toMatchObject({ pid: process.pid, host: hostname(), released: false });
    expect(holder['owner']).toMatch(/^[0-9a-f]{32}$/);
    await lease.release();
  });

  it('is refused while another process lives, and taken over at once when that was killed', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const holder = startProcess(HOLDER, [path]);
    await holder.waitForLines(1);
    expect(holder.lines).toEqual(['held']);
    const error = await failure(acquireWriter(path, OPTIONS));
    expect(error.message).toBe(`dataset crawl is in use by process ${holder.child.pid} on ${hostname()}`);
    holder.child.kill('SIGKILL');
    await holder.ended;
    const lease = await acquireWriter(path, OPTIONS);
    await lease.assertHeld();
    await lease.release();
  });

  it('goes to one of several processes that want a dead one’s lease', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const dead = startProcess(HOLDER, [path]);
    await dead.waitForLines(1);
    dead.child.kill('SIGKILL');
    await dead.ended;
    const contenders = Array.from({ length: 6 }, () => startProcess(HOLDER, [path]));
    await Promise.all(contenders.map((contender) => contender.waitForLines(1)));
    expect(contenders.map(({ lines }) => lines[0]).sort()).toEqual([
      'held',
      ...Array.from({ length: 5 }, () => 'locked DATASET_LOCKED'),
    ]);
    for (const { child } of contenders) child.stdin?.end();
    await Promise.all(contenders.map(({ ended }) => ended));
    await (await acquireWriter(path, OPTIONS)).release();
  });

  it('goes to one of many calls at once', async () => {
    const path = join(await testFolder(), 'writer.lock');
    for (let round = 0; round < 5; round++) {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireWriter(path, OPTIONS)));
      const held = results.filter((result) => result.status === 'fulfilled');
      expect(held).toHaveLength(1);
      await held[0].value.assertHeld();
      await held[0].value.release();
    }
    expect(await readdir(join(path, '..'))).toHaveLength(1);
  });

  it('of a reused process id is free', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const lease = await acquireWriter(path, OPTIONS);
    const holder = JSON.parse(await readFile(`${path}.1`, 'utf8')) as { started: string };
    await writeFile(`${path}.1`, JSON.stringify({ ...holder, started: `${holder.started}0` }));
    const next = await acquireWriter(path, OPTIONS);
    expect(await failureCode(lease.assertHeld())).toBe('DATASET_LOCKED');
    await next.release();
  });

  /** A lease whose file has this content and whose last heartbeat was so long ago. */
  async function leaseFile(content: string, silentMs: number): Promise<string> {
    const path = join(await testFolder(), 'writer.lock');
    await writeFile(`${path}.7`, content);
    const beat = new Date(Date.now() - silentMs);
    await utimes(`${path}.7`, beat, beat);
    return path;
  }

  it.each([
    ['held elsewhere with a fresh heartbeat', foreign({}), STALE_MS - 5_000],
    ['held on another machine of the same name', foreign({ host: hostname() }), STALE_MS - 5_000],
    ['not readable but fresh', '{"owner":', 0],
  ])('%s is refused', async (_, content, silentMs) => {
    const path = await leaseFile(content, silentMs);
    expect(await failureCode(acquireWriter(path, OPTIONS))).toBe('DATASET_LOCKED');
    expect(await readdir(join(path, '..'))).toEqual(['writer.lock.7']);
  });

  it.each([
    ['held elsewhere, silent for too long', foreign({}), STALE_MS + 1_000],
    ['released elsewhere', foreign({ released: true }), 0],
    ['not readable and old', '{"owner":', STALE_MS + 1_000],
  ])('%s is taken over', async (_, content, silentMs) => {
    const path = await leaseFile(content, silentMs);
    const lease = await acquireWriter(path, OPTIONS);
    await lease.assertHeld();
    expect(await readdir(join(path, '..'))).toEqual(['writer.lock.8']);
    await lease.release();
  });

  it('of another container of the machine is held as long as its beacon is lit, and free when it is dark', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const holder = startProcess(HOLDER, [path, 'beacon']);
    await holder.waitForLines(1);
    const written = JSON.parse(await readFile(`${path}.1`, 'utf8')) as { machine: string; beacon: string };
    const [boot] = written.machine.split(' ');
    await writeFile(
      `${path}.1`,
      JSON.stringify({ ...written, host: 'container', machine: `${boot} pid:[1]` }),
    );
    const silent = new Date(Date.now() - STALE_MS - 60_000);
    await utimes(`${path}.1`, silent, silent);
    expect(await failureCode(acquireWriter(path, OPTIONS))).toBe('DATASET_LOCKED');
    expect(await inspectLease(path)).toMatchObject({ state: 'held' });
    await utimes(`${path}.1`, new Date(), new Date());
    holder.child.kill('SIGKILL');
    await holder.ended;
    expect(await inspectLease(path)).toMatchObject({ state: 'left' });
    const lease = await acquireWriter(path, { ...OPTIONS, withBeacon: true });
    const files = await readdir(join(path, '..'));
    expect(files).toHaveLength(2);
    expect(files).not.toContain(written.beacon);
    await lease.release();
    expect(await readdir(join(path, '..'))).toEqual(['writer.lock.2']);
  });

  it('has no beacon where the path is too long for one, and is a lease all the same', async () => {
    const path = join(await testFolder(), 'x'.repeat(120), 'writer.lock');
    const lease = await acquireWriter(path, { ...OPTIONS, withBeacon: true });
    expect(JSON.parse(await readFile(`${path}.1`, 'utf8'))).toMatchObject({ beacon: null });
    await lease.assertHeld();
    await lease.release();
  });

  it('notices that it was taken over', async () => {
    const path = join(await testFolder(), 'writer.lock');
    const lease = await acquireWriter(path, OPTIONS);
    await writeFile(`${path}.2`, foreign({}));
    const error = await failure(lease.assertHeld());
    expect([error.code, error.message]).toEqual([
      'DATASET_LOCKED',
      'this process does not hold dataset crawl any more',
    ]);
    await lease.release();
    expect(JSON.parse(await readFile(`${path}.2`, 'utf8'))).toMatchObject({ released: false });
  });
});
