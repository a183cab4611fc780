/**
 * The product's side of bench/trainer.ts, a process of its own: `train-steps.ts FOLDER THREADS`. The folder and the
 * protocol are those of bench/peers/train_step.py. The line `products` is answered with the seconds that the matrix
 * products of one step take by themselves.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toInt32 } from '../../src/trainer/elements.js';
import type { Engine, ProgramDefinition } from '../../src/trainer/engines/engine.js';
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import { parseModelConfig } from '../../src/trainer/models/registry.js';
import { freshMoments } from '../../src/trainer/programs/state.js';
import { compileTraining } from '../../src/trainer/programs/training.js';
import { readSafetensors } from '../../src/trainer/safetensors.js';
import { readWeights } from '../../src/trainer/weights.js';
import { timeProducts } from './matrix-products.js';

const [folder, threadCount] = process.argv.slice(2);
const threads = Number(threadCount);
const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const config = parseModelConfig(json('config.json'));
const training = json('training.json') as Record<string, number>;
const { tensors } = await readSafetensors(join(folder, 'batches.safetensors'));
const [ids, targets] = ['ids', 'targets'].map((name) => {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return { shape: tensor.shape, values: toInt32(tensor, name) };
});
const [count, batch, context] = ids.shape;

const compiled: ProgramDefinition[] = [];
const engine: Engine = {
  ...onnxEngine,
  compile(definition, options) {
    compiled.push(definition);
    return onnxEngine.compile(definition, options);
  },
};
const program = await compileTraining(config, {
  batch,
  context,
  optimizer: {
    beta1: training['beta1'],
    beta2: training['beta2'],
    epsilon: training['epsilon'],
    weightDecay: training['weight_decay'],
    clipNorm: training['clip_norm'],
  },
  engine,
  threads,
  state: { step: 0, parameters: await readWeights(folder, config), ...freshMoments(config) },
});

function peakBytes(): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return match === null ? 0 : Number(match[1]) * 1024;
}

let done = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'products') {
    process.stdout.write(`${JSON.stringify(await timeProducts(compiled[0], threads))}\n`);
    continue;
  }
  const losses: number[] = [];
  const norms: number[] = [];
  const seconds: number[] = [];
  for (let i = 0; i < Number(line); i++) {
    const start = (done % count) * batch * context;
    const [x, y] = [ids, targets].map(({ values }) => values.subarray(start, start + batch * context));
    const started = performance.now();
    const { loss, gradientNorm } = await program.step(x, y, { learningRate: training['learning_rate'] });
    seconds.push((performance.now() - started) / 1000);
    losses.push(loss);
    norms.push(gradientNorm);
    done += 1;
  }
  process.stdout.write(`${JSON.stringify({ losses, norms, seconds, peak_bytes: peakBytes() })}\n`);
}
await program.dispose();
