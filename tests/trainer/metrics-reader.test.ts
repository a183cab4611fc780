import { appendFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { METRICS_FILE, StepFile, type StepMetrics } from '../../src/trainer/metrics.js';
import { readLastMetrics, readMetrics } from '../../src/trainer/metrics-reader.js';

const STEPS = 3000;

function metrics(step: number): StepMetrics {
  return {
    run: 'r',
    step,
    loss: step % 7 === 0 ? null : 1 / step,
    learning_rate: 0.001,
    gradient_norm: step,
    tokens: step * 64,
    tokens_per_second: 1234.5,
    ...(step % 50 === 0 ? { validation_loss: 2, bits_per_byte: 0.5 } : {}),
  };
}

it('gives the steps behind a step, as many as asked for, wherever in the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-metrics-'));
  const file = await StepFile.open<StepMetrics>(folder, METRICS_FILE, 0);
  const all = Array.from({ length: STEPS }, (_, index) => metrics(index + 1));
  for (const line of all) await file.append(line);
  for (const since of [0, 1, 2, 49, 500, 1499, 1500, 2000, 2998, 2999, 3000, 9999]) {
    expect(await readMetrics(folder, since, 3)).toEqual(all.slice(since, since + 3));
  }
  expect(await readMetrics(folder, 0, 1e6)).toEqual(all);
  // A step that is being written, and a line of something else.
  await appendFile(join(folder, 'metrics.jsonl'), 'nothing\n{"run":"r","step":3001,"lo');
  expect(await readMetrics(folder, 2999, 9)).toEqual(all.slice(2999));
  expect(await readLastMetrics(folder)).toEqual(all[2999]);
});

it('gives nothing of a run that has no metrics', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-metrics-'));
  expect(await readMetrics(folder, 0, 9)).toEqual([]);
  expect(await readLastMetrics(folder)).toBeUndefined();
});
