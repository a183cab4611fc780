import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { METRICS_FILE, StepFile, type StepMetrics } from '../../src/trainer/metrics.js';

const line = (step: number): StepMetrics => ({
  run: 'r',
  step,
  loss: 1 / step,
  learning_rate: 0.1,
  gradient_norm: null,
  tokens: step * 8,
  tokens_per_second: 5,
});

async function folderWith(text: string): Promise<{ folder: string; read: () => Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-metrics-'));
  await writeFile(join(folder, 'metrics.jsonl'), text);
  return { folder, read: () => readFile(join(folder, 'metrics.jsonl'), 'utf8') };
}

const text = (...steps: number[]): string => steps.map((step) => `${JSON.stringify(line(step))}\n`).join('');

it('appends one line a step to a new file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-metrics-'));
  const metrics = await StepFile.open<StepMetrics>(folder, METRICS_FILE, 0);
  await metrics.append(line(1));
  await metrics.append(line(2));
  expect(await readFile(join(folder, 'metrics.jsonl'), 'utf8')).toBe(
    '{"run":"r","step":1,"loss":1,"learning_rate":0.1,"gradient_norm":null,"tokens":8,"tokens_per_second":5}\n' +
      '{"run":"r","step":2,"loss":0.5,"learning_rate":0.1,"gradient_norm":null,"tokens":16,"tokens_per_second":5}\n',
  );
});

it('cuts off what comes again after a restart: later steps and half a line', async () => {
  const { folder, read } = await folderWith(text(1, 2, 3, 4) + '{"run":"r","st');
  const metrics = await StepFile.open<StepMetrics>(folder, METRICS_FILE, 2);
  expect(await read()).toBe(text(1, 2));
  await metrics.append(line(3));
  expect(await read()).toBe(text(1, 2, 3));
});

it('cuts off half a line also where no step is too many, and what is no object', async () => {
  const { folder, read } = await folderWith(text(1) + 'null\n7\n' + text(2).slice(0, -5));
  await StepFile.open<StepMetrics>(folder, METRICS_FILE, 5);
  expect(await read()).toBe(text(1));
});

it('leaves a whole file alone, and begins anew from step 0', async () => {
  const { folder, read } = await folderWith(text(1, 2));
  await StepFile.open<StepMetrics>(folder, METRICS_FILE, 2);
  expect(await read()).toBe(text(1, 2));
  await StepFile.open<StepMetrics>(folder, METRICS_FILE, 0);
  expect(await read()).toBe('');
});
