/** Packed documents have the loss and the gradient that they have as sequences of their own. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { type ModelConfig, parseModelConfig } from '../../../src/trainer/models/registry.js';
import { initialState } from '../../../src/trainer/programs/state.js';
import {
  compileTraining,
  type StepResult,
  type StepOptions,
} from '../../../src/trainer/programs/training.js';

const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, clipNorm: null };

const DOCUMENTS = [
  [3, 1, 4, 1, 5, 9],
  [2, 6, 5, 3],
  [5, 8, 9],
];
const TARGETS = DOCUMENTS.map((ids) => [...ids.slice(1), 7]);

async function firstStep(
  config: ModelConfig,
  shape: { batch: number; context: number; packed?: boolean },
  ids: readonly number[],
  targets: readonly number[],
  layout?: StepOptions['layout'],
): Promise<StepResult> {
  const program = await compileTraining(config, {
    ...shape,
    optimizer: OPTIMIZER,
    engine: onnxEngine,
    threads: 1,
    state: initialState(config, 5),
  });
  try {
    return await program.step(Int32Array.from(ids), Int32Array.from(targets), { learningRate: 0, layout });
  } finally {
    await program.dispose();
  }
}

/** Filled up to `length`. */
const padded = (values: readonly number[], length: number, filling: number): number[] => [
  ...values,
  ...Array<number>(length - values.length).fill(filling),
];

describe('documents in one sequence', () => {
  it.each(['llama', 'gpt2', 'bloom', 'deepseek_v3'])('are as they are alone: %s', async (name) => {
    const url = new URL(`../data/${name}/config.json`, import.meta.url);
    const config = parseModelConfig(JSON.parse(await readFile(url, 'utf8')));
    const alone = await firstStep(
      config,
      { batch: 3, context: 7 },
      DOCUMENTS.flatMap((ids) => padded(ids, 7, 0)),
      TARGETS.flatMap((targets) => padded(targets, 7, -100)),
    );
    // Two sequences of 10, so that batch and time cannot be mistaken for each other.
    const ids = [...DOCUMENTS[0], ...DOCUMENTS[1], ...padded(DOCUMENTS[2], 10, 0)];
    const targets = [...TARGETS[0], ...TARGETS[1], ...padded(TARGETS[2], 10, -100)];
    const count = (length: number): number[] => Array.from({ length }, (_, place) => place);
    const layout = {
      documents: Int32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]),
      positions: Int32Array.from([...count(6), ...count(4), ...count(3), ...count(7)]),
    };
    const shape = { batch: 2, context: 10 };
    const packed = await firstStep(config, { ...shape, packed: true }, ids, targets, layout);
    expect(packed.loss).toBeCloseTo(alone.loss, 5);
    expect(packed.gradientNorm / alone.gradientNorm).toBeCloseTo(1, 4);
    const crossing = await firstStep(config, shape, ids, targets);
    expect(Math.abs(crossing.gradientNorm / alone.gradientNorm - 1)).toBeGreaterThan(1e-3);
  });
});
