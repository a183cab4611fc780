import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { WorkerPool } from '../../src/core/pool.js';

interface Task {
  readonly value: unknown;
  readonly delay?: number;
  readonly fail?: 'ours' | 'defect';
}

const echo = fileURLToPath(new URL('../support/workers/echo.mjs', import.meta.url));
let pool: WorkerPool<Task, unknown>;
afterEach(() => pool.close());

describe('WorkerPool', () => {
  it('maps in the order of the tasks, whatever finishes first', async () => {
    pool = new WorkerPool(echo, { threads: 2 });
    const delays = [40, 0, 20, 0, 10, 0];
    const results: unknown[] = [];
    for await (const result of pool.map(delays.map((delay, value) => ({ value, delay }))))
      results.push(result);
    expect(results).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('holds back the producer', async () => {
    pool = new WorkerPool(echo, { threads: 1, backlog: 2 });
    let made = 0;
    let taken = 0;
    let ahead = 0;
    function* tasks(): Generator<Task> {
      for (; made < 30;) {
        made += 1;
        ahead = Math.max(ahead, made - taken);
        yield { value: made };
      }
    }
    for await (const result of pool.map(tasks())) taken = result as number;
    expect(taken).toBe(30);
    expect(ahead).toBeLessThanOrEqual(4);
  });

  it('moves transferred buffers', async () => {
    pool = new WorkerPool(echo, { threads: 1 });
    const value = new Uint8Array(1000);
    expect(await pool.run({ value }, [value.buffer])).toBe(1000);
    expect(value.length).toBe(0);
  });

  it('gives an error of a worker its code back, and goes on', async () => {
    pool = new WorkerPool(echo, { threads: 1 });
    await expect(pool.run({ value: 1, fail: 'ours' })).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: 'no such luck',
      hint: 'h',
      place: { offset: 3 },
    });
    await expect(pool.run({ value: 1, fail: 'defect' })).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: 'a worker thread failed: oops',
    });
    expect(await pool.run({ value: 2 })).toBe(2);
  });
});
