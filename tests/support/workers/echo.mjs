/** Worker for the pool's tests: answers after `delay` ms and fails on request. Runs the compiled pool. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenmillError } from '../../../dist/core/errors.js';
import { defineWorker } from '../../../dist/core/pool.js';

export default defineWorker(async ({ value, delay, fail }) => {
  await sleep(delay ?? 0);
  if (fail === 'ours')
    throw new TokenmillError('INPUT_CORRUPT', 'no such luck', { hint: 'h', place: { offset: 3 } });
  if (fail === 'defect') throw new TypeError('oops');
  return value instanceof Uint8Array ? value.length : value;
});
