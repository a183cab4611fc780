/**
 * The product's side of bench/trainer.ts, a process of its own: `train-steps.ts FOLDER step|recompute|products THREADS`. The folder and
 * the protocol are those of bench/peers/train_step.py. `recompute` keeps no activations of layers, `products`
 * runs the matrix products of the step alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toInt32 } from '../../src/trainer/elements.js';
import type { Engine, Executable } from '../../src/trainer/engines/engine.js';
import { onnxEngine } from '../../src/trainer/engines/onnx/onnx-engine.js';
import { parseModelConfig } from '../../src/trainer/models/registry.js';
import { freshMoments } from '../../src/trainer/programs/state.js';
import { compileTraining } from '../../src/trainer/programs/training.js';
import { readSafetensors } from '../../src/trainer/safetensors.js';
import { readWeights } from '../../src/trainer/weights.js';
import { type Products, productsOf } from './matrix-products.js';

const [folder, mode, threadCount] = process.argv.slice(2);
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

let products: Products | undefined;
let alone: Executable | undefined;
const engine: Engine = {
  ...onnxEngine,
  async compile(definition, options) {
    if (mode !== 'products') return onnxEngine.compile(definition, options);
    products = productsOf(definition, onnxEngine);
    alone = await onnxEngine.compile(products.definition, options);
    return alone;
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
  recompute: mode === 'recompute',
  state: { step: 0, parameters: await readWeights(folder, config), ...freshMoments(config) },
});

function peakBytes(): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return match === null ? 0 : Number(match[1]) * 1024;
}

let done = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const losses: number[] = [];
  const norms: number[] = [];
  const seconds: number[] = [];
  for (let i = 0; i < Number(line); i++) {
    const start = (done % count) * batch * context;
    const [x, y] = [ids, targets].map(({ values }) => values.subarray(start, start + batch * context));
    const started = performance.now();
    if (alone !== undefined) await alone.run({});
    else {
      const { loss, gradientNorm } = await program.step(x, y, { learningRate: training['learning_rate'] });
      losses.push(loss);
      norms.push(gradientNorm);
    }
    seconds.push((performance.now() - started) / 1000);
    done += 1;
  }
  const work = products && { products: products.count, operations: products.operations };
  process.stdout.write(`${JSON.stringify({ losses, norms, seconds, peak_bytes: peakBytes(), ...work })}\n`);
}
await program.dispose();
